/** Explanations from a real ledger: estimates are the ledger's own data, and every choice is one that evo takes. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { convergenceTimes } from "../../src/evo/convergence.js";
import { explainRun } from "../../src/evo/explain.js";
import { override } from "../../src/evo/gate-words.js";
import { loadRun } from "../../src/evo/load-run.js";
import { refuseUnrecoverable } from "../../src/evo/recover.js";
import { demandRetryable } from "../../src/evo/resume.js";
import type { Settings } from "../../src/evo/settings.js";
import { abortRun, pauseRun, settleOperation } from "../../src/evo/words.js";
import type { OpenLedger } from "../../src/ledger/index.js";
import type { Plan } from "../../src/plan/model.js";
import { newEntry } from "../../src/run/entries.js";
import type { RunEvent } from "../../src/run/events.js";
import { fold, type Numbered } from "../../src/run/evolve.js";
import { timesFor } from "../../src/views/gates-times.js";
import { watchedIn } from "../../src/views/gates-watched.js";
import type { FakeWorld, Machine } from "../run/machine.js";
import { query, type TestServer, testServer } from "../support/postgres.js";
import { afterwards } from "../views/explain/states.js";
import { propagating, rollout, runUntil } from "../views/tree-states.js";

const GATE = "gateway/policy-arrived";
const PLAN = rollout();

let server: TestServer;
let ledger: OpenLedger;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server?.close());
beforeEach(async () => {
  const database = await server.fresh();
  await query(database.superuser, `grant evo_approver to ${new URL(database.writer.replace("@/", "@x/")).username}`);
  ledger = await database.open("ann@ops");
});

const recorded = (world: FakeWorld): FakeWorld => ({ ...world, records: true });
const late = (milliseconds: number, until = 900_000, plan: Plan = PLAN) =>
  runUntil(plan, until, recorded(propagating(milliseconds)));

/** Operations carry the name of their run. */
function named<T>(event: T, run: string): T {
  const text = JSON.stringify(event, (key, value) =>
    key === "operation" ? value.replace(/^run\./, `${run}.`) : value,
  );
  return JSON.parse(text.replaceAll('["run.', `["${run}.`)) as T;
}

/** Records a played run as its driver would have. */
async function record(run: string, { entries, causes }: Machine, rehearsal?: string): Promise<readonly Numbered[]> {
  const numbers = new Map<number, number>();
  const own: Numbered[] = [];
  for (const { number, event } of entries) {
    const world = event.type === "run.started" && rehearsal !== undefined ? { rehearsal } : {};
    const said = { ...named(event, run), ...world } as RunEvent;
    const state = fold(run, own.length === 0 ? [{ number, event: said }] : own);
    const from = (causes.get(number) ?? []).flatMap((cause) => numbers.get(cause) ?? []);
    const [made] = await ledger.append([newEntry(state, { event: said, causes: from })], {
      id: randomUUID(),
      leases: [],
    });
    numbers.set(number, made!.number);
    own.push({ number: made!.number, event: said });
  }
  return own;
}

describe("estimates", () => {
  it("are taken from what the ledger holds of earlier runs of the sequence, rehearsals apart", async () => {
    const earlier = [];
    for (const [run, takes] of [
      ["r1", 3_000],
      ["r2", 9_000],
      ["r3", 6_000],
    ] as const)
      earlier.push(...watchedIn(run, await record(run, late(takes))));
    await record("rehearsed", late(60_000), "world");
    await record("present", late(999_000, 100_000));

    const times = await convergenceTimes(ledger, {
      sequence: "role-rollout",
      rehearsal: false,
      limit: 50,
      except: "present",
    });
    const arrival = earlier
      .filter(({ gate, target }) => gate === GATE && target === "eu-west-1")
      .flatMap((one) => one.times);
    expect(arrival.map((time) => Math.round(time / 1_000))).toEqual([3, 9, 6]);
    expect(timesFor(times, GATE, "eu-west-1")).toMatchObject({
      count: 3,
      median: arrival[2],
      p95: arrival[1],
      last: arrival[2],
      runs: 3,
    });
    const whole = timesFor(times, GATE);
    expect(whole?.median).toBeGreaterThan(arrival[2]! + 3_000);

    const { missing, gates } = await explainRun(ledger, "present");
    expect(missing.map(({ target, usual }) => [target, usual])).toEqual([
      ["eu-west-1", timesFor(times, GATE, "eu-west-1")],
    ]);
    expect(gates[0]?.usual).toEqual(whole);

    const rehearsals = await convergenceTimes(ledger, { sequence: "role-rollout", rehearsal: true, limit: 50 });
    expect(Math.round(timesFor(rehearsals, GATE, "eu-west-1")!.median! / 1_000)).toBe(60);
    expect(await convergenceTimes(ledger, { sequence: "another", rehearsal: false, limit: 50 })).toEqual([]);
  });

  it("count time-outs of runs that came to nothing, and no time that nobody watched", async () => {
    const halted = late(999_000, 300_000);
    const at = halted.now + 3_600_000;
    const taken = afterwards(
      halted,
      { type: "run.adopted", at, holder: "ann@ops", token: "2" },
      { type: "run.resumed", at, reason: "the edge was restarted", acceptChangedCode: false },
    );
    await record("r1", taken);
    const times = await convergenceTimes(ledger, { sequence: "role-rollout", rehearsal: false, limit: 50 });
    expect(timesFor(times, GATE)).toMatchObject({ count: 0, timedOut: 1 });
    expect(timesFor(times, GATE, "eu-west-1")).toEqual({
      gate: GATE,
      target: "eu-west-1",
      count: 0,
      runs: 1,
      flaps: 0,
      wavers: 0,
      timedOut: 1,
      failed: 0,
    });
    expect((await explainRun(ledger, "r1")).missing.map(({ usual }) => usual)).toEqual([undefined]);
  });
});

describe("the choices", () => {
  const settings = { claimed: "ann@ops" } as Settings;
  const kinds = async (run: string) => (await explainRun(ledger, run)).choices.map(({ choice }) => choice);

  it("of a halted run are taken by the commands, each in turn", async () => {
    await record("r1", late(999_000, 300_000));
    const { choices, chain } = await explainRun(ledger, "r1");
    expect(choices.map(({ choice, command }) => [choice, command])).toEqual([
      ["resume", 'evo resume r1 --reason "..."'],
      ["override", `evo override ${GATE} r1 --target eu-west-1 --reason "..."`],
      ["recover", 'evo recover r1 --sequence <sequence> --reason "..."'],
      ["retry", 'evo retry gateway-us-east-1 r1 --reason "..."'],
      ["retry", 'evo retry gateway-ap-southeast-2 r1 --reason "..."'],
      ["retry", 'evo retry gateway-eu-west-1 r1 --reason "..."'],
      ["abort", 'evo abort r1 --reason "..."'],
    ]);
    expect(chain.map(({ type }) => type)).toEqual(["run.halted", "gate.inconclusive", "gate.measured", "run.started"]);
    const state = await loadRun(ledger, "r1");
    await refuseUnrecoverable(ledger, state);
    for (const { step } of choices) if (step !== undefined) demandRetryable(state, step);
    await override(ledger, { run: "r1", gate: GATE, targets: ["eu-west-1"], reason: "drained", claimed: "ann@ops" });
    expect(await kinds("r1")).not.toContain("override");
    await abortRun(settings, ledger, "r1", "enough", () => undefined);
    expect(await kinds("r1")).toEqual(["start anew"]);
  });

  it("of an unresolved operation begin with settling it; then the run can be gone on with", async () => {
    const machine = runUntil(PLAN, 1_000, propagating(0));
    const [facts, operation] = [["the engine is gone"], "run.identity.1.up"];
    const unknown = afterwards(
      machine,
      { type: "operation.unresolved", at: 2_000, operation, facts },
      { type: "run.halted", at: 2_000, cause: "operation-unresolved", node: "identity", reason: "the engine is gone" },
    );
    await record("r1", unknown);
    expect(await kinds("r1")).toEqual(["settle", "abort"]);
    await settleOperation(ledger, "r1.identity.1.up", "failed", "the console shows nothing");
    expect(await kinds("r1")).toEqual(["resume", "recover", "retry", "abort"]);
  });

  it("of a run that nobody drives do not pause it, and one with an engine at work is only resumed", async () => {
    await record("r1", runUntil(PLAN, 1_000, propagating(0)));
    expect(await kinds("r1")).toEqual(["resume"]);
    await expect(abortRun(settings, ledger, "r1", "enough", () => undefined)).rejects.toMatchObject({
      code: "run.busy",
    });
    await pauseRun(ledger, "r1", "lunch");
    expect(await kinds("r1")).toEqual(["resume"]);
  });
});
