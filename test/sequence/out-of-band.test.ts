/** What an author may say about changes that evo did not make. */
import { describe, expect, it } from "vitest";
import { compile } from "../../src/plan/compile.js";
import { parseSequence } from "../../src/sequence/parse.js";

const sequence = (outOfBand?: unknown) => ({
  version: 1,
  name: "s",
  steps: [{ kind: "up", name: "a", dir: "a", stack: "dev" }],
  ...(outOfBand === undefined ? {} : { outOfBand }),
});
const parsed = (outOfBand?: unknown) => parseSequence(sequence(outOfBand));
const writer = { name: "w", noted: { "ci.system": "x" }, reason: "on-call" };

describe("outOfBand", () => {
  it("is one word or all of it, and frozen in the plan", () => {
    expect(parsed("record").sequence?.outOfBand).toEqual({ departures: "record" });
    const whole = { departures: "adopt", unrelated: "halt", writers: [writer], ignore: [{ type: "t:*", reason: "r" }] };
    const made = parsed(whole).sequence;
    expect(made?.outOfBand).toEqual(whole);
    expect(made && compile(made).outOfBand).toEqual(whole);
    expect(made && parseSequence(made).sequence).toEqual(made);
  });

  it("leaves the plan of a sequence that doesn't say it as it was", () => {
    const made = parsed().sequence;
    expect(made && "outOfBand" in compile(made)).toBe(false);
  });

  it.each([
    ["another word", "stop"],
    ["an unknown key", { ignored: [] }],
    ["a rule without a reason", { ignore: [{ type: "t" }] }],
    ["a rule that would ignore everything", { ignore: [{ reason: "r" }] }],
    ["a writer that anybody could be", { writers: [{ ...writer, noted: {} }] }],
    ["a time that is none", { writers: [{ ...writer, until: "soon" }] }],
  ])("refuses %s", (_, outOfBand) => {
    expect(parsed(outOfBand).findings).not.toEqual([]);
  });
});
