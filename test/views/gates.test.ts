/** How long gates have taken, read from the entries of runs. */
import { describe, expect, it } from "vitest";
import type { Verdict } from "../../src/gates/model.js";
import { describeTimes, describeUsual } from "../../src/views/gates-text.js";
import { percentile, timesFor, timesOf } from "../../src/views/gates-times.js";
import { type Watched, watchedIn } from "../../src/views/gates-watched.js";
import { type FakeWorld, INSTANT, planOf, simulate } from "../run/machine.js";
import { afterwards } from "./explain/states.js";
import { look, step } from "./tree-states.js";

const GATE = "one/served";
const planWith = (policy: Parameters<typeof look>[2] = {}) =>
  planOf({
    name: "s",
    steps: [
      step("one", { convergedWhen: [look("served", ["a", "b"], { consecutiveSuccessLimit: 3, ...policy })] }),
      step("two"),
    ],
  });

/** Looks take no time that counts; target a passes at once, b as `sees` says of the milliseconds since its update. */
const world = (sees: (since: number) => Verdict): FakeWorld => ({
  ...INSTANT,
  records: true,
  look: (_, target, since) => ({ takes: 1, verdict: target === "a" ? "pass" : sees(since) }),
});
const watched = (sees: (since: number) => Verdict, plan = planWith()) =>
  watchedIn("r1", simulate(plan, world(sees)).entries);
const of = (all: readonly Watched[], target?: string) => all.find((one) => one.gate === GATE && one.target === target);

describe("what a run tells of a gate", () => {
  it("is until it passed, and of a target until it arrived", () => {
    const all = watched((since) => (since < 5_000 ? "fail" : "pass"));
    expect(of(all)).toMatchObject({ run: "r1", timedOut: 0, failed: 0 });
    expect(of(all)?.times[0]).toBeGreaterThanOrEqual(7_000);
    expect(of(all, "a")).toMatchObject({ times: [0], flaps: 0, wavers: 0 });
    expect(of(all, "b")?.times[0]).toBeGreaterThanOrEqual(5_000);
    expect(of(all, "b")?.times[0]).toBeLessThan(6_100);
  });

  it("tells a target that had converged and stopped from one that never passed for long enough", () => {
    const flapping = watched(
      (since) => (since < 10_000 || since > 20_000 ? "pass" : "fail"),
      planWith({ quorum: "all" }),
    );
    expect(of(flapping, "b")).toMatchObject({ flaps: 0, wavers: 0 });
    const slow = (sees: (since: number) => Verdict): FakeWorld => ({
      ...world(sees),
      look: (_, target, since) => ({
        takes: 1,
        verdict: target === "b" ? sees(since) : since < 60_000 ? "fail" : "pass",
      }),
    });
    const seen = (sees: (since: number) => Verdict) =>
      of(watchedIn("r1", simulate(planWith(), slow(sees)).entries), "b");
    expect(seen((since) => (since > 10_000 && since < 20_000 ? "fail" : "pass"))).toMatchObject({
      flaps: 1,
      wavers: 0,
    });
    expect(seen((since) => (Math.floor(since / 1_000) % 2 === 0 || since > 40_000 ? "pass" : "error"))).toMatchObject({
      flaps: 0,
      wavers: 20,
    });
  });

  it("counts a time-out for the gate and for those that had not converged, and a flap of one that had", () => {
    const halted = simulate(
      planWith(),
      world(() => "fail"),
      300_000,
    );
    const all = watchedIn("r1", halted.entries);
    expect([of(all)?.timedOut, of(all, "a")?.timedOut, of(all, "b")?.timedOut]).toEqual([1, 0, 1]);
    const at = halted.now + 60_000;
    const counts = { pass: 0, fail: 1, inconclusive: 0, error: 0 };
    const measurements = [
      { number: 900, began: at, ended: at, verdict: "fail", observed: 403, expected: 200 },
    ] as const;
    const resumed = afterwards(
      halted,
      { type: "run.adopted", at, holder: "ann@ops", token: "2" },
      { type: "gate.measured", at, gate: GATE, target: "a", operations: [], measurements, counts },
    );
    expect(of(watchedIn("r1", resumed.entries), "a")).toMatchObject({ flaps: 1, times: [] });
  });

  it("knows no time of what nobody watched", () => {
    const machine = simulate(
      planWith(),
      world((since) => (since < 5_000 ? "fail" : "pass")),
    );
    const passed = machine.entries.findIndex(({ event }) => event.type === "gate.passed");
    const taken = machine.entries.flatMap((entry, place) => {
      const at = 1_000;
      const adopted = { number: 0.5, event: { type: "run.adopted", at, holder: "x", token: "2" } } as const;
      return place === passed - 3 ? [adopted, entry] : [entry];
    });
    const all = watchedIn("r1", taken);
    expect(of(all)?.times).toEqual([]);
    expect(of(all, "a")?.times).toEqual([0]);
    expect(of(all, "b")?.times).toEqual([]);
  });

  it("counts no time where somebody signed to go on without a target", () => {
    const halted = simulate(
      planWith(),
      world(() => "fail"),
      300_000,
    );
    const at = halted.now;
    const targets = [{ target: "a", converged: true, counts: { pass: 9, fail: 0, inconclusive: 0, error: 0 } }];
    const signed = afterwards(
      halted,
      { type: "gate.overridden", at, gate: GATE, targets: ["b"], overrode: [], reason: "drained" },
      { type: "gate.passed", at, gate: GATE, operations: [], targets, samples: [] },
    );
    expect(of(watchedIn("r1", signed.entries))?.times).toEqual([]);
    expect(of(watchedIn("r1", signed.entries), "a")?.times).toEqual([0]);
  });

  it("is nothing of a run without entries", () => {
    expect(watchedIn("r1", [])).toEqual([]);
  });
});

describe("the times", () => {
  const one = (run: string, times: readonly number[], target?: string, more: Partial<Watched> = {}): Watched => ({
    run,
    gate: GATE,
    ...(target === undefined ? {} : { target }),
    times,
    flaps: 0,
    wavers: 0,
    timedOut: 0,
    failed: 0,
    ...more,
  });

  it("are values that were really taken", () => {
    expect(percentile([], 0.5)).toBeUndefined();
    expect([0.5, 0.95, 1].map((part) => percentile([4, 1, 3, 2], part))).toEqual([2, 4, 4]);
    expect(
      percentile(
        Array.from({ length: 100 }, (_, at) => at + 1),
        0.95,
      ),
    ).toBe(95);
  });

  it("fit 80 columns", () => {
    const rows = timesOf([
      one("r1", [4_200], "eu-west-1", { flaps: 2 }),
      one("r1", [9_000]),
      one("r1", [], "us-east-1"),
      one("r2", [12_000], undefined, { timedOut: 1 }),
      one("r2", [700], "eu-west-1", { timedOut: 1, wavers: 3 }),
    ]);
    const lines = describeTimes(rows, 80);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
      "
      GATE         PASSES  MEDIAN   P95      LAST
      one/served   2       9.0 s    12 s     12 s     timed out 1x
        eu-west-1  2       700 ms   4.2 s    700 ms   timed out 1x, flapped 2x, waver…
        us-east-1  0       no data  no data  no data
      "
    `);
    expect(describeTimes([], 80)).toEqual(["no run has looked at a gate of it yet: no data"]);
    expect(describeUsual(timesFor(rows, GATE), 60_000)).toBe(
      "usually 9.0 s (median of 2, p95 12 s); 1 min by now, longer than most",
    );
    expect(describeUsual(timesFor(rows, GATE, "us-east-1"), 1)).toBe("usual time: no data");
  });
});
