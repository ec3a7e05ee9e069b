/** Whatever a run is like and wherever it stands: no line is wider, no tree higher than the terminal, and nothing moves the cursor. */
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/gates/model.js";
import { compile } from "../../src/plan/compile.js";
import { drawTree, type TreeStyle } from "../../src/views/tree.js";
import { cutTo, widthOf } from "../../src/views/tree-width.js";
import { sequences } from "../plan/sequences.js";
import { type FakeWorld, simulate } from "../run/machine.js";
import { inputOf } from "./tree-states.js";

/** Text as a server or a program may give it: wide letters, marks, emoji, control sequences. */
const odd = fc.array(
  fc.constantFrom(
    "a",
    "403",
    " ",
    "\n",
    "\t",
    "\u001b[31m",
    "\u0007",
    "漢字",
    "é",
    "e\u0301",
    "🚀",
    "👩‍🚀",
    "⚠️",
    "\u202e",
    "\u200b",
    "\ud800",
  ),
  { maxLength: 40 },
);

const worlds: fc.Arbitrary<FakeWorld> = fc
  .record({
    takes: fc.integer({ min: 0, max: 20_000 }),
    fails: fc.integer({ min: 0, max: 4 }),
    verdicts: fc.array(fc.constantFrom("pass" as const, "fail" as const, "error" as const, "inconclusive" as const), {
      minLength: 1,
      maxLength: 5,
    }),
    observed: odd.map((parts): Json => ({ status: 403, [parts.join("").slice(0, 5)]: parts.join("") })),
  })
  .map(({ takes, fails, verdicts, observed }) => {
    let looks = 0;
    return {
      operation: (step) => ({ takes, succeeds: fails === 0 || step.length % 5 !== fails }),
      look: () => {
        looks += 1;
        return { takes: 50, verdict: verdicts[looks % verdicts.length] ?? "pass", observed, expected: { status: 200 } };
      },
    };
  });

const styles: fc.Arbitrary<TreeStyle> = fc.record({
  width: fc.integer({ min: 40, max: 200 }),
  height: fc.integer({ min: 1, max: 60 }),
  unicode: fc.boolean(),
  colour: fc.boolean(),
});

describe("the tree of any run", () => {
  it("fits its terminal at any moment", () => {
    const moments = fc.integer({ min: 0, max: 60_000 });
    fc.assert(
      fc.property(sequences, worlds, moments, styles, fc.boolean(), (sequence, world, until, style, seen) => {
        const machine = simulate(compile(sequence), world, until, 2);
        const more = seen ? {} : { seen: {}, driver: null };
        const lines = drawTree({ ...inputOf(machine, until), ...more }, style);
        expect(lines.length).toBeGreaterThan(0);
        expect(lines.length).toBeLessThanOrEqual(style.height);
        for (const line of lines) {
          const plain = stripVTControlCharacters(line);
          expect(widthOf(plain), plain).toBeLessThanOrEqual(style.width);
          expect(plain).not.toMatch(/[\p{Cc}\p{Cs}]/u);
          if (!style.colour) expect(line).toBe(plain);
          if (!style.unicode) expect(plain).toMatch(/^[\x20-\x7e]*$/);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("widths", () => {
  it.each([
    ["plain", 5],
    ["漢字", 4],
    ["e\u0301", 1],
    ["🚀", 2],
    ["├─ ✓ ●◌○✗‖", 10],
  ])("%s takes %i columns", (text, width) => {
    expect(widthOf(text)).toBe(width);
  });

  it("cuts by columns, not by letters, and marks the cut", () => {
    expect(cutTo("漢字漢字", 5)).toBe("漢字…");
    expect(cutTo("漢字漢字", 4)).toBe("漢…");
    expect(cutTo("plain", 5)).toBe("plain");
    expect(cutTo("plain text", 7, "...")).toBe("plai...");
  });
});
