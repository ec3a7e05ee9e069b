/** Arbitrary valid sequences, nested and gated in every way, for property tests. */
import fc from "fast-check";
import type { Entry, Gate, Sequence } from "../../src/sequence/model.js";

/** An entry whose names are not given yet. */
type Shape = {
  readonly kind: "up" | "independent" | "lockstep" | "serial";
  readonly gates: number;
  readonly ready: number;
  readonly named: boolean;
  readonly members: readonly Shape[];
};

const leaf: fc.Arbitrary<Shape> = fc.record({
  kind: fc.constant("up" as const),
  gates: fc.integer({ min: 0, max: 2 }),
  ready: fc.integer({ min: 0, max: 1 }),
  named: fc.constant(true),
  members: fc.constant([]),
});

const { entry } = fc.letrec<{ entry: Shape; group: Shape }>((tie) => ({
  entry: fc.oneof({ maxDepth: 3, withCrossShrink: true }, leaf, tie("group")),
  group: fc.record({
    kind: fc.constantFrom("independent" as const, "lockstep" as const, "serial" as const),
    gates: fc.integer({ min: 0, max: 2 }),
    ready: fc.integer({ min: 0, max: 1 }),
    named: fc.boolean(),
    members: fc.array(tie("entry"), { minLength: 1, maxLength: 3 }),
  }),
}));

export const sequences: fc.Arbitrary<Sequence> = fc
  .record({ steps: fc.array(entry, { minLength: 1, maxLength: 4 }), consistent: fc.integer({ min: 0, max: 2 }) })
  .map(({ steps, consistent }) => {
    let count = 0;
    const name = (shape: Shape): Entry => {
      const id = `n${count++}`;
      const gated = { readyWhen: gates("r", shape.ready), convergedWhen: gates("c", shape.gates) };
      if (shape.kind === "up") return { kind: "up", name: id, dir: id, stack: "dev", ...gated };
      const members = shape.members.map(name);
      return { kind: shape.kind, ...(shape.named ? { name: id } : {}), members, ...gated };
    };
    return { version: 1, name: "arbitrary", steps: steps.map(name), consistentWhen: gates("end", consistent) };
  });

function gates(prefix: string, count: number): readonly Gate[] {
  return Array.from({ length: count }, (_, at) => gate(`${prefix}${at}`, 1_000 * (at + 1)));
}

/** A gate with one target; only its interval matters to a plan. */
export function gate(name: string, interval = 5_000): Gate {
  return { name, interval, targets: [{ name: "t", probe: { type: "command", command: ["true"] } }] };
}
