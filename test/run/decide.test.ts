import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OnFailure } from "../../src/gates/model.js";
import { decide } from "../../src/run/decide.js";
import { evolve, fold } from "../../src/run/evolve.js";
import { gate, independent, lockstep, serial, up } from "../../src/sequence/builders.js";
import type { AuthoredEntry, AuthoredGate, AuthoredPolicy } from "../../src/sequence/model.js";
import { http } from "../../src/sequence/probes.js";
import { INSTANT, planOf, simulate, started, timesOf } from "./machine.js";
import { type Tree, tree } from "./trees.js";

const step = (name: string, spec: Partial<Parameters<typeof up>[1]> = {}) =>
  up(name, { dir: name, stack: "dev", ...spec });
const look = (name: string, policy: AuthoredPolicy = {}, targets = ["a"]): AuthoredGate =>
  gate(name, { targets, probe: http({ url: "http://localhost/" }), interval: "1s", timeout: "1m", ...policy });
const gated = (name: string, policy: AuthoredPolicy = {}) => step(name, { convergedWhen: [look("g", policy)] });

describe("decide", () => {
  it("starts the first step of a list and nothing else", () => {
    const plan = planOf({ name: "s", steps: [step("one"), step("two")] });
    const { actions } = decide(fold("r", [started(plan)]), {}, 0);
    expect(actions.map((action) => ("step" in action ? `${action.do} ${action.step}` : action.do))).toEqual([
      "operate one",
    ]);
  });

  it("starts independent members at once, and at most `parallel` of them", () => {
    const members = ["a", "b", "c"].map((name) => step(name));
    const plan = planOf({ name: "s", steps: [independent("g", { members })] });
    expect(decide(fold("r", [started(plan, 0, 2)]), {}, 0).actions).toHaveLength(2);
  });

  it("does nothing but follow what runs once the run is paused", () => {
    const plan = planOf({ name: "s", steps: [step("one")] });
    const state = evolve(fold("r", [started(plan)]), {
      number: 2,
      event: { type: "run.paused", at: 1, reason: "ctrl-c" },
    });
    expect(decide(state, {}, 5).actions).toEqual([]);
  });

  it("never operates a step whose outcome is unresolved, but halts", () => {
    const plan = planOf({ name: "s", steps: [step("one")] });
    const source = { path: "one", sha256: "" };
    const events = [
      {
        type: "operation.intended",
        at: 1,
        operation: "r.one.1.up",
        step: "one",
        attempt: 1,
        verb: "up",
        stack: "x",
        source,
      },
      { type: "operation.unresolved", at: 2, operation: "r.one.1.up", facts: ["the engine is gone"] },
    ] as const;
    const state = events.reduce(
      (before, event, at) => evolve(before, { number: at + 2, event }),
      fold("r", [started(plan)]),
    );
    const { actions } = decide(state, {}, 5);
    expect(actions).toMatchObject([
      { do: "record", events: [{ event: { type: "run.halted", cause: "operation-unresolved" } }] },
    ]);
  });
});

describe("a simulated run", () => {
  it("completes a list in order, each step after the gate before it", () => {
    const plan = planOf({ name: "s", steps: [gated("one", { consecutiveSuccessLimit: 3 }), step("two")] });
    const machine = simulate(plan, INSTANT);
    expect(machine.state.status).toBe("completed");
    expect(timesOf(machine, "two").intended).toBeGreaterThanOrEqual(timesOf(machine, "one").ended + 2_000);
  });

  it("waits once for an independent group of four gates of three seconds, and starts nothing after it early", () => {
    const members = ["a", "b", "c", "d"].map((name) => gated(name));
    const plan = planOf({ name: "s", steps: [independent("g", { members }), step("after")] });
    const machine = simulate(plan, {
      ...INSTANT,
      look: (_, __, since) => ({ takes: 1, verdict: since < 3_000 ? "fail" : "pass" }),
    });
    expect(machine.state.status).toBe("completed");
    expect(timesOf(machine, "after").intended).toBeGreaterThanOrEqual(3_000);
    expect(timesOf(machine, "after").intended).toBeLessThan(4_500);
  });

  it("opens a lockstep boundary only when all gates hold within one window: a flap restarts it", () => {
    const members = ["a", "b"].map((name) => gated(name, { consecutiveSuccessLimit: 2 }));
    const plan = planOf({ name: "s", steps: [lockstep("l", { members }), step("after")] });
    // a holds early, flaps at 5 s; b holds only from 4.5 s on.
    const verdict = (id: string, since: number) =>
      id.startsWith("a/") ? since < 5_000 || since > 6_500 : since > 4_500;
    const machine = simulate(plan, {
      ...INSTANT,
      look: (id, _, since) => ({ takes: 1, verdict: verdict(id, since) ? "pass" : "fail" }),
    });
    expect(machine.state.status).toBe("completed");
    expect(timesOf(machine, "after").intended).toBeGreaterThan(6_500);
    expect(machine.state.opened.a).toBeUndefined();
  });

  it("holds a gate that is told to hold, without ever opening its boundary", () => {
    const plan = planOf({ name: "s", steps: [gated("one", { onTimeout: "hold" }), step("two")] });
    const machine = simulate(plan, { ...INSTANT, look: () => ({ takes: 1, verdict: "fail" }) }, 600_000);
    expect(machine.state.status).toBe("running");
    expect(machine.state.held.one?.gate).toBe("one/g");
    expect(machine.state.steps.two).toBeUndefined();
    expect(machine.entries.filter(({ event }) => event.type === "gate.inconclusive")).toHaveLength(1);
  });

  it("opens a held boundary when it converges after all", () => {
    const plan = planOf({ name: "s", steps: [gated("one", { onTimeout: "hold" }), step("two")] });
    const machine = simulate(plan, {
      ...INSTANT,
      look: (_, __, since) => ({ takes: 1, verdict: since < 120_000 ? "fail" : "pass" }),
    });
    expect(machine.state.status).toBe("completed");
    expect(machine.state.held).toEqual({});
  });

  it.each<[OnFailure, string]>([
    ["halt", "halted"],
    ["recover", "halted"],
    ["hold", "running"],
  ])("answers a failed gate with %s: %s", (onFailure, status) => {
    const steps = [gated("one", { failureLimit: 2, onFailure }), step("two")];
    const plan = planOf({ name: "s", steps, recovery: [{ name: "back", sequence: "./back.ts" }] });
    const machine = simulate(plan, { ...INSTANT, look: () => ({ takes: 1, verdict: "fail" }) }, 300_000);
    expect(machine.state.status).toBe(status);
    expect(machine.state.steps.two).toBeUndefined();
  });

  it("retries a step whose gate failed, as often as its rule says, then halts", () => {
    const one = step("one", {
      retry: { attempts: 3, backoff: "1s" },
      convergedWhen: [look("g", { failureLimit: 1, onFailure: "retry" })],
    });
    const machine = simulate(planOf({ name: "s", steps: [one] }), {
      ...INSTANT,
      look: () => ({ takes: 1, verdict: "fail" }),
    });
    expect(machine.state.steps.one).toHaveLength(3);
    expect(machine.state.halt?.cause).toBe("gate-failed");
  });

  it("retries a failed operation with a backoff", () => {
    const one = step("one", { retry: { attempts: 2, backoff: "5s" } });
    const machine = simulate(planOf({ name: "s", steps: [one] }), {
      ...INSTANT,
      operation: (_, attempt) => ({ takes: 10, succeeds: attempt === 2 }),
    });
    expect(machine.state.status).toBe("completed");
    expect(timesOf(machine, "one").intended).toBe(5_010);
  });

  it("lets siblings finish under `continue`, opens nothing after the group, and halts at the end", () => {
    const members = [step("bad", { onFailure: "continue" }), gated("slow")];
    const plan = planOf({ name: "s", steps: [independent("g", { members }), step("after")] });
    const world = { ...INSTANT, operation: (name: string) => ({ takes: 10, succeeds: name !== "bad" }) };
    const machine = simulate(plan, world);
    expect(machine.state.opened.slow).toBeDefined();
    expect(machine.state.steps.after).toBeUndefined();
    expect(machine.state.halt).toMatchObject({ cause: "operation-failed", node: "bad" });
  });

  it("waits for readyWhen before the intent, and records the pass in the same batch", () => {
    const one = step("one", { readyWhen: [look("ready", { consecutiveSuccessLimit: 2 })] });
    const machine = simulate(planOf({ name: "s", steps: [one] }), {
      ...INSTANT,
      look: (_, __, since) => ({ takes: 1, verdict: since < 2_000 ? "fail" : "pass" }),
    });
    const types = machine.entries.map(({ event }) => event.type);
    expect(types.indexOf("gate.passed")).toBe(types.indexOf("operation.intended") - 1);
    expect(timesOf(machine, "one").intended).toBeGreaterThanOrEqual(3_000);
  });

  it.each([
    ["fail", { failureLimit: 2 }, "gate-failed"],
    ["error", { consecutiveErrorLimit: 2 }, "gate-errored"],
    ["inconclusive", { inconclusiveLimit: 2 }, "gate-inconclusive"],
    ["fail", { timeout: "3s" }, "gate-timed-out"],
  ] as const)("halts where readyWhen is judged against: %s, %o", (verdict, policy, cause) => {
    const plan = planOf({ name: "s", steps: [step("one", { readyWhen: [look("ready", policy)] })] });
    const machine = simulate(plan, { ...INSTANT, look: () => ({ takes: 1, verdict }) });
    expect(machine.state).toMatchObject({ status: "halted", halt: { cause, node: "one" }, steps: {} });
  });

  it("tries a failed operation again once a person has resumed", () => {
    const plan = planOf({ name: "s", steps: [step("one")] });
    const { state } = simulate(plan, { ...INSTANT, operation: () => ({ takes: 1, succeeds: false }) });
    expect(state).toMatchObject({ status: "halted", halt: { cause: "operation-failed" } });
    const event = { type: "run.resumed", at: 100, reason: "mended", acceptChangedCode: false } as const;
    const resumed = evolve(state, { number: state.last + 1, event });
    expect(decide(resumed, {}, 100).actions).toMatchObject([{ do: "operate", step: "one", attempt: 2 }]);
  });

  it("judges consistentWhen at the end: an inconsistent end halts", () => {
    const plan = planOf({ name: "s", steps: [step("one")], consistentWhen: [look("c", { failureLimit: 1 })] });
    expect(simulate(plan, INSTANT).state.status).toBe("completed");
    const bad = simulate(plan, { ...INSTANT, look: () => ({ takes: 1, verdict: "fail" }) });
    expect(bad.state.halt?.cause).toBe("inconsistent");
  });

  it("does not wait for a gate in dry run, but measures and judges it", () => {
    const plan = planOf({ name: "s", steps: [gated("one", { dryRun: true }), gated("two")] });
    const look = (id: string, _: string, since: number) =>
      ({ takes: 1, verdict: id === "two/g" && since < 9_000 ? "fail" : "pass" }) as const;
    const passes = simulate(plan, { ...INSTANT, look }).entries.flatMap(({ event }) =>
      event.type === "gate.passed" ? [event.gate] : [],
    );
    expect(passes).toEqual(["one/g", "two/g"]);
    const alone = planOf({ name: "s", steps: [gated("one", { dryRun: true }), step("two")] });
    expect(simulate(alone, { ...INSTANT, look: () => ({ takes: 1, verdict: "fail" }) }).state.status).toBe("completed");
  });
});

// ---------------------------------------------------------------------------------------------------- properties

function author(trees: readonly Tree[], prefix: string): AuthoredEntry[] {
  return trees.map((node, at) => {
    const name = `${prefix}${at}`;
    if (node.kind === "step") return gated(name);
    const members = author(node.members, `${name}-`);
    return { independent, lockstep, serial }[node.kind](name, { members });
  });
}

/** Steps of every earlier entry of every ordered list around a step: what must have converged first, by the tree alone. */
function earlier(
  trees: readonly Tree[],
  prefix: string,
  ordered: boolean,
  before: readonly string[],
  into: Map<string, readonly string[]>,
): string[] {
  const below: string[] = [];
  for (const [at, node] of trees.entries()) {
    const name = `${prefix}${at}`;
    const first = ordered ? [...before, ...below] : before;
    if (node.kind === "step") into.set(name, first);
    below.push(
      ...(node.kind === "step" ? [name] : earlier(node.members, `${name}-`, node.kind === "serial", first, into)),
    );
  }
  return below;
}

describe("decide, for any sequence and any timing", () => {
  it("never starts a step before everything ahead of it has converged, and always comes to the end", {
    timeout: 60_000,
  }, () => {
    const delays = fc.infiniteStream(fc.integer({ min: 0, max: 6_000 }));
    fc.assert(
      fc.property(
        fc.array(tree, { minLength: 1, maxLength: 4 }),
        delays,
        fc.integer({ min: 1, max: 4 }),
        (trees, stream, parallel) => {
          const takes = new Map<string, number>();
          const delayOf = (key: string): number => {
            if (!takes.has(key)) takes.set(key, stream.next().value ?? 0);
            return takes.get(key) ?? 0;
          };
          const machine = simulate(
            planOf({ name: "s", steps: author(trees, "n") }),
            {
              operation: (name) => ({ takes: delayOf(`op ${name}`), succeeds: true }),
              look: (id, _, since) => ({
                takes: 1 + (delayOf(`look ${id}`) % 50),
                verdict: since < delayOf(`converges ${id}`) ? "fail" : "pass",
              }),
            },
            3_600_000,
            parallel,
          );
          const ahead = new Map<string, readonly string[]>();
          earlier(trees, "n", true, [], ahead);
          expect(machine.state.status).toBe("completed");
          for (const [name, before] of ahead) {
            const { intended } = timesOf(machine, name);
            for (const other of before)
              expect(intended).toBeGreaterThanOrEqual(timesOf(machine, other).ended + delayOf(`converges ${other}/g`));
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
