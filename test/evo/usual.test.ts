import { describe, expect, it } from "vitest";
import { median, usualOf } from "../../src/evo/usual.js";
import type { Moment } from "../../src/ledger/index.js";
import { lockstep, up } from "../../src/sequence/builders.js";
import { planOf } from "../run/machine.js";

const step = (name: string) => up(name, { dir: name, stack: "prod" });
const PLAN = planOf({ name: "s", steps: [step("one"), lockstep("both", { members: [step("a"), step("b")] })] });

/** A run whose first step takes `update` and then `convergence`; all times in milliseconds from its start. */
function run(name: string, update: number, convergence: number): readonly Moment[] {
  const moments = [
    ["run.started", undefined, 0],
    ["operation.intended", "one", 100],
    ["operation.succeeded", "one", 100 + update],
    ["boundary.opened", "one", 100 + update + convergence],
    ["operation.intended", "a", 10_000],
    ["operation.intended", "b", 11_000],
    ["operation.succeeded", "a", 12_000],
    ["operation.succeeded", "b", 15_000],
    ["boundary.opened", "both", 19_000],
    ["run.completed", undefined, 20_000],
  ] as const;
  return moments.map(([type, node, at]) => ({ run: name, type, at, ...(node === undefined ? {} : { node }) }));
}

describe("usual times", () => {
  it("are medians per step, boundary and run", () => {
    const usual = usualOf(PLAN, [...run("r1", 1_000, 500), ...run("r2", 3_000, 100), ...run("r3", 2_000, 9_000)]);
    expect(usual.run).toBe(20_000);
    expect(usual.update).toEqual({ one: 2_000, a: 2_000, b: 4_000 });
    expect(usual.convergence).toEqual({ one: 500, both: 4_000 });
    expect(usual.total).toEqual({ one: 3_100, both: 9_000 });
  });

  it("count an update from its last attempt, and the step as a whole from its first", () => {
    const again = run("r1", 3_000, 0).flatMap((moment): readonly Moment[] =>
      moment.type === "operation.intended" && moment.node === "one" ? [moment, { ...moment, at: 2_100 }] : [moment],
    );
    expect(usualOf(PLAN, again)).toMatchObject({ update: { one: 1_000 }, total: { one: 3_000 } });
  });

  it("are absent where there is nothing to say", () => {
    expect(usualOf(PLAN, [])).toEqual({ update: {}, convergence: {}, total: {} });
    const other = planOf({ name: "s", steps: [step("new")] });
    expect(usualOf(other, run("r1", 1, 1))).toEqual({ run: 20_000, update: {}, convergence: {}, total: {} });
  });

  it("are times that a run really took", () => {
    expect(median([])).toBeUndefined();
    expect(median([3, 1])).toBe(1);
    expect(median([3, 1, 2])).toBe(2);
  });
});
