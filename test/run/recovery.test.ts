/** Which recovery answers what: by where a run halted, why, and how far it had come. */
import { describe, expect, it } from "vitest";
import type { OnFailure, Verdict } from "../../src/gates/model.js";
import type { RunEvent } from "../../src/run/events.js";
import { evolve, fold } from "../../src/run/evolve.js";
import { createRecorder } from "../../src/run/recorder.js";
import { failureOf, recoveryOf } from "../../src/run/recovery.js";
import { isOver, type RunState } from "../../src/run/state.js";
import { gate, lockstep, up } from "../../src/sequence/builders.js";
import type { AuthoredRecovery, SequenceSpec } from "../../src/sequence/model.js";
import { http } from "../../src/sequence/probes.js";
import { fakeLedger } from "./fakes.js";
import { type FakeWorld, INSTANT, planOf, simulate, started } from "./machine.js";

const step = (name: string, onFailure: OnFailure = "recover") => up(name, { dir: name, stack: "dev", onFailure });

/** identity, then two gateways as one boundary with a gate at two regions, then flags. */
function rollout(recovery: readonly AuthoredRecovery[], more: Partial<SequenceSpec> = {}) {
  const arrived = gate("arrived", {
    targets: ["us", "eu"],
    probe: http({ url: "http://localhost/" }),
    interval: "1s",
    failureLimit: 3,
    onFailure: "recover",
  });
  return planOf({
    name: "s",
    steps: [
      step("identity"),
      lockstep("gateway", { members: [step("gateway-us"), step("gateway-eu")], convergedWhen: [arrived] }),
      step("flags"),
    ],
    recovery,
    ...more,
  });
}

const failing = (failed: string): FakeWorld => ({
  ...INSTANT,
  operation: (name) => ({ takes: 10, succeeds: name !== failed }),
});
const seeing = (verdicts: { readonly [target: string]: Verdict }): FakeWorld => ({
  ...INSTANT,
  look: (_, target) => ({ takes: 1, verdict: verdicts[target] ?? "pass" }),
});
const rule = (name: string, when: AuthoredRecovery["when"] = {}): AuthoredRecovery => ({
  name,
  when,
  sequence: `./${name}.ts`,
  start: "at-once",
});
const EU_FAILS = seeing({ eu: "fail" });

describe("a rule fits", () => {
  it.each<[string, AuthoredRecovery["when"], FakeWorld, boolean]>([
    ["without a condition", {}, EU_FAILS, true],
    ["at the boundary where it halted", { at: ["gateway"] }, EU_FAILS, true],
    ["at a member of the group that it names", { at: ["gateway"] }, failing("gateway-eu"), true],
    ["not elsewhere", { at: ["flags"] }, EU_FAILS, false],
    ["for its cause", { cause: ["gate-failed"] }, EU_FAILS, true],
    ["not for another", { cause: ["operation-failed", "gate-timed-out"] }, EU_FAILS, false],
    ["for a target that had not converged", { targets: ["eu"] }, EU_FAILS, true],
    ["not for one that had", { targets: ["us"] }, EU_FAILS, false],
    ["once a step was applied", { applied: ["identity", "gateway-eu"] }, EU_FAILS, true],
    ["not before it was", { applied: ["flags"] }, EU_FAILS, false],
    ["while a step was never attempted", { notApplied: ["flags"] }, EU_FAILS, true],
    ["not when it failed: it may have had an effect", { notApplied: ["flags"] }, failing("flags"), false],
    ["nor as applied", { applied: ["flags"] }, failing("flags"), false],
    ["only where all of it holds", { at: ["gateway"], targets: ["us"] }, EU_FAILS, false],
  ])("%s", (_, when, world, fits) => {
    const { state } = simulate(rollout([rule("back", when)]), world);
    expect(state.status).toBe("halted");
    expect(state.halt?.recovery).toEqual(fits ? { rule: "back", sequence: "./back.ts", start: "at-once" } : undefined);
  });

  it("and the first that does counts", () => {
    const rules = [rule("no", { at: ["flags"] }), rule("first", { at: ["gateway"] }), rule("second")];
    expect(simulate(rollout(rules), EU_FAILS).state.halt?.recovery?.rule).toBe("first");
  });
});

describe("a halt names its recovery", () => {
  it("only where a rule says recover; a person may ask for it afterwards", () => {
    const plan = planOf({
      name: "s",
      steps: [step("identity", "halt"), step("flags")],
      recovery: [rule("back", { at: ["identity"], cause: ["operation-failed"] })],
    });
    const { state } = simulate(plan, failing("identity"));
    expect(state.halt).toMatchObject({ cause: "operation-failed", node: "identity" });
    expect(state.halt?.recovery).toBeUndefined();
    expect(recoveryOf(state, failureOf(state)!)?.name).toBe("back");
  });

  it("at the end of the run, too, where it is not consistent", () => {
    const same = gate("same", {
      targets: ["eu"],
      probe: http({ url: "http://localhost/" }),
      failureLimit: 1,
      onFailure: "recover",
    });
    const plan = planOf({
      name: "s",
      steps: [step("identity")],
      consistentWhen: [same],
      recovery: [rule("elsewhere", { at: ["identity"] }), rule("back", { cause: ["inconsistent"], targets: ["eu"] })],
    });
    expect(simulate(plan, EU_FAILS).state.halt).toMatchObject({
      cause: "inconsistent",
      recovery: { rule: "back", start: "at-once" },
    });
  });

  it.each(["refused", "locked", "cancelled"] as const)("never after an operation that was %s", (how) => {
    const plan = rollout([rule("back")]);
    const source = { path: "identity", sha256: "" };
    const intent = { operation: "o", step: "identity", attempt: 1, verb: "up", stack: "i", source } as const;
    const failed = { operation: "o", began: 1, ended: 2, how, reason: "so" } as const;
    const state = states(plan, { type: "operation.intended", ...intent }, { type: "operation.failed", ...failed });
    expect(failureOf(state)).toBeUndefined();
    const halted = states(
      plan,
      { type: "operation.intended", ...intent },
      { type: "operation.failed", ...failed },
      { type: "run.halted", cause: how === "refused" ? "operation-refused" : "stack-locked", reason: "so" },
    );
    expect(recoveryOf(halted, failureOf(halted)!)).toBeUndefined();
  });
});

type Unstamped = RunEvent extends infer E ? (E extends RunEvent ? Omit<E, "at"> : never) : never;

function states(plan: ReturnType<typeof rollout>, ...events: readonly Unstamped[]): RunState {
  const { state } = simulate(plan, INSTANT, 0);
  return events.reduce<RunState>(
    (before, event) => evolve(before, { number: before.last + 1, event: { at: 5, ...event } as RunEvent }),
    state,
  );
}

describe("the end of a recovery", () => {
  it("is the end of the run that it answers, in one append; that run's state says by whom", async () => {
    const ledger = fakeLedger();
    const plan = planOf({ name: "back", steps: [step("flags", "halt")] });
    const first = started(plan);
    const answers = { run: "r", sequence: "s", rule: "back" };
    const event = { ...first.event, answers } as RunEvent;
    await ledger.append([{ type: event.type, run: "b", causes: [], body: { ...event } as never }], {
      id: "1",
      expected: { run: "b", version: 0 },
      leases: [],
    });
    const recorder = createRecorder(fold("b", [{ number: 1, event }]), () => [], ledger, { tell: () => undefined });
    await recorder.record([{ event: { type: "run.completed", at: 7 }, causes: [1] }]);
    expect(ledger.entries.slice(1)).toMatchObject([
      { type: "run.completed", run: "b", number: 2 },
      { type: "run.recovered", run: "r", sequence: "s", causes: [{ number: 2 }], body: { at: 7, recovery: "b" } },
    ]);
    expect(recorder.state()).toMatchObject({ run: "b", status: "completed", version: 2 });
    const answered = states(
      rollout([rule("back")]),
      { type: "recovery.started", recovery: "b", sequence: "back", rule: "back" },
      { type: "run.recovered", recovery: "b" },
    );
    expect(answered).toMatchObject({ status: "recovered", recovery: { run: "b" }, ended: { at: 5 } });
    expect(isOver(answered)).toBe(true);
  });
});
