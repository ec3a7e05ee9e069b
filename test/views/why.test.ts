/** The drawing of causality: each entry once, below what all ways to it lead through. */
import { describe, expect, it } from "vitest";
import type { Entry } from "../../src/run/ports.js";
import { type Direction, describeWhy } from "../../src/views/why.js";

const entry = (number: number, causes: readonly number[], more: Partial<Entry> = {}): Entry => ({
  ledger: "l",
  number,
  time: "2026-03-10T12:00:00.000000Z",
  type: "boundary.opened",
  version: 1,
  rehearsal: false,
  actor: { claimed: "ann@ops", authenticated: "evo" },
  causes: causes.map((cause) => ({ number: cause, hash: "" })),
  body: { node: `n${number}` },
  text: "",
  previous: "",
  hash: "",
  ...more,
});

/** The drawing without its head. */
function drawn(edges: readonly (readonly [number, ...number[]])[], focus: number, direction: Direction = "causes") {
  const entries = edges.map(([number, ...causes]) => entry(number, causes));
  const found = entries.find(({ number }) => number === focus) as Entry;
  return describeWhy({ focus: found, direction, entries, cut: false }, 80).slice(2);
}

describe("why", () => {
  it("draws a chain straight, however deep", () => {
    const chain = Array.from({ length: 60 }, (_, at): readonly [number, ...number[]] =>
      at === 0 ? [1] : [at + 1, at],
    );
    const lines = drawn(chain, 60);
    expect(lines).toHaveLength(60);
    expect(lines.every((line) => /^ ?\d+ {2}n\d+: converged$/.test(line))).toBe(true);
  });

  it("goes on with the trunk where ways meet again", () => {
    expect(drawn([[1], [2, 1], [3, 1], [4, 2, 3]], 4)).toEqual([
      "4  n4: converged",
      "├─ 3  n3: converged",
      "├─ 2  n2: converged",
      "1  n1: converged",
    ]);
  });

  it("puts what only one way leads to on that way", () => {
    expect(drawn([[1], [2, 1], [3], [4, 3], [5, 2, 4]], 5)).toEqual([
      "5  n5: converged",
      "├─ 4  n4: converged",
      "│  3  n3: converged",
      "╰─ 2  n2: converged",
      "   1  n1: converged",
    ]);
  });

  it("draws forward, too", () => {
    expect(drawn([[1], [2, 1], [3, 1], [4, 2, 3], [5, 4]], 1, "effects")).toEqual([
      "1  n1: converged",
      "├─ 2  n2: converged",
      "├─ 3  n3: converged",
      "4  n4: converged",
      "5  n5: converged",
    ]);
  });

  it("shows each entry once, whatever the causes", () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const edges = Array.from({ length: 30 }, (_, at): readonly [number, ...number[]] => {
        const causes = [1, 2, 3].map((n) => (seed * (at + 1) * n * 7919) % (at + 1)).filter((cause) => cause > 0);
        return [at + 1, ...new Set(at === 0 ? [] : [...causes, at > 5 ? at : 1])];
      });
      const numbers = drawn(edges, 30).map((line) => Number(/\d+/.exec(line)?.[0]));
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(numbers).toContain(1);
    }
  });

  it("says who, where an entry is a person's word, and any type that it has no words for", () => {
    const paused = entry(1, [], { type: "run.paused", body: { reason: "lunch" } });
    const strange = entry(2, [1], { type: "contract.provided", step: "a", body: { summary: "orders@2" } });
    const lines = describeWhy({ focus: strange, direction: "causes", entries: [paused, strange], cut: true }, 80);
    expect(lines.slice(2)).toEqual([
      "2  contract.provided a: orders@2, by ann@ops",
      "1  paused: lunch, by ann@ops",
      "",
      "and more: --limit takes a greater number",
    ]);
  });
});
