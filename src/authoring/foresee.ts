/** What a preview made now is worth for a step that comes later: what earlier steps change, it can't have seen. Pure. */
import type { ChangeSet } from "../run/events.js";
import { isGroup, type Sequence, type Step } from "../sequence/model.js";
import { places, stepsBelow } from "../sequence/places.js";
import { outputsIn } from "../sequence/references.js";
import { type Dependencies, sameStack } from "./dependencies.js";

/** What the engine said of a step's preview. */
export type Previewed =
  | { readonly status: "previewed"; readonly changes: ChangeSet }
  /** own: for a reason that no earlier step can take away (nobody is logged in, a passphrase is missing). */
  | { readonly status: "failed"; readonly reason: string; readonly own?: boolean };

/**
 * certain: it will do this. mayChange: it was previewed, but steps before it change what it depends on. notKnown: it can't
 * be previewed before they have run. failed: it can't be previewed, and nothing before it would change that.
 */
export interface Foreseen {
  readonly step: string;
  readonly status: "certain" | "mayChange" | "notKnown" | "failed";
  /** The earlier steps that it depends on and that are not certain to leave everything as it is. */
  readonly dependsOn: readonly string[];
  readonly changes?: ChangeSet;
  readonly reason?: string;
}

/** The steps of a sequence, in its order, with the earlier ones whose stacks they read or operate. */
export function upstreamOf(sequence: Sequence, { needs }: Dependencies): ReadonlyMap<string, readonly string[]> {
  const steps = sequence.steps.flatMap(stepsBelow);
  const before = new Map(
    places(sequence).flatMap((place) => (isGroup(place.entry) ? [] : [[place.entry.name, place.before] as const])),
  );
  return new Map(
    steps.map((step) => {
      const read = new Set([
        ...needs.filter((need) => need.step === step.name).map((need) => need.needs),
        ...outputsIn([step.config, step.secretConfig, step.env]),
        ...steps.filter((other) => isSameAndOther(other, step)).map((other) => other.name),
      ]);
      return [step.name, [...(before.get(step.name) ?? [])].filter((name) => read.has(name))];
    }),
  );
}

function isSameAndOther(a: Step, b: Step): boolean {
  return a !== b && sameStack(a, b);
}

/** Judges one preview, given those of the steps before it. */
export function foresee(
  step: string,
  upstream: readonly string[],
  seen: Previewed,
  earlier: ReadonlyMap<string, Foreseen>,
): Foreseen {
  const dependsOn = upstream.filter((name) => !leavesAll(earlier.get(name)));
  if (seen.status === "previewed")
    return { step, status: dependsOn.length > 0 ? "mayChange" : "certain", dependsOn, changes: seen.changes };
  const hopeless = dependsOn.length === 0 || seen.own === true;
  return { step, status: hopeless ? "failed" : "notKnown", dependsOn, reason: seen.reason };
}

const STACK = "pulumi:pulumi:Stack";

/**
 * The steps whose outputs nobody has yet: they make their stacks, or it isn't known what they do. A program that reads
 * them is not asked: it would fail, which tells nothing (and takes some versions of the SDK half a minute to say).
 */
export function withoutOutputs(upstream: readonly string[], earlier: ReadonlyMap<string, Foreseen>): readonly string[] {
  const makesStack = ({ changes }: Foreseen) =>
    changed(changes).some(({ type, op }) => type === STACK && op === "create");
  return upstream.filter((name) => {
    const one = earlier.get(name);
    return one !== undefined && (one.status === "notKnown" || makesStack(one));
  });
}

function leavesAll(one: Foreseen | undefined): boolean {
  return one?.status === "certain" && changed(one.changes).length === 0;
}

/** What a change set would really do. */
export function changed(changes: ChangeSet | undefined): ChangeSet["resources"] {
  return (changes?.resources ?? []).filter(({ op }) => op !== "same" && op !== "read");
}
