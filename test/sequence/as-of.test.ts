/** The rules of `asOf`: what it may say, and what may stand beside it. */
import { describe, expect, it } from "vitest";
import { destroy, refresh, up } from "../../src/sequence/builders.js";
import type { AuthoredStep, StepSpec } from "../../src/sequence/model.js";
import { parseSequence } from "../../src/sequence/parse.js";

const PLACE = { dir: "a", stack: "dev" };
const problems = (step: AuthoredStep) =>
  parseSequence({ version: 1, name: "s", steps: [step] }).findings.map(({ code, path, word }) => [code, path, word]);

describe("asOf", () => {
  it.each(["before-run", "rollout-k3m9xa.app.12.up"] as const)("takes %s", (asOf) => {
    expect(problems(up("a", { ...PLACE, asOf, targets: ["x"], expectNoDeletes: true, parallel: 2 }))).toEqual([]);
  });

  it.each(["before", "rollout", "rollout.app.1.destroy", "rollout.app.x.up", ""])("refuses %j", (asOf) => {
    const step = up("a", { ...PLACE, asOf: asOf as "before-run" });
    expect(problems(step)).toEqual([["sequence.wrong-value", ["steps", 0, "asOf"], "asOf"]]);
  });

  it.each([{ config: { a: "b" } }, { secretConfig: { a: "b" } }, { env: { A: "b" } }, { createStack: true }])(
    "stands beside no %j",
    (beside: Partial<StepSpec>) => {
      const step = up("a", { ...PLACE, asOf: "before-run", ...beside });
      expect(problems(step)).toEqual([["sequence.as-of", ["steps", 0], Object.keys(beside)[0]]]);
    },
  );

  it.each([destroy, refresh])("is an up's", (builder) => {
    const spec = { ...PLACE, asOf: "before-run" };
    expect(problems(builder("a", spec))).toEqual([["sequence.as-of", ["steps", 0], "asOf"]]);
  });
});
