/**
 * The pure machine on a fake world: time is a number, operations and looks end when the world says, entries are folded as
 * they are recorded. What it did is read from the entries, as an auditor would.
 */
import { tally, worthRecording } from "../../src/gates/assess.js";
import type { Json, Verdict } from "../../src/gates/model.js";
import { compile } from "../../src/plan/compile.js";
import type { Plan } from "../../src/plan/model.js";
import type { Action } from "../../src/run/action.js";
import { decide } from "../../src/run/decide.js";
import type { RunEvent } from "../../src/run/events.js";
import { evolve, fold, type Numbered } from "../../src/run/evolve.js";
import { causesOfLooks, countsFrom, type Evidence, type GateEvidence, type Proposed } from "../../src/run/gates.js";
import { gatesOf, openAttempts, type RunState } from "../../src/run/state.js";
import { defineSequence } from "../../src/sequence/builders.js";
import type { SequenceSpec } from "../../src/sequence/model.js";
import { parseSequence } from "../../src/sequence/parse.js";

/** What an operation reports where nobody looks at it. */
export const NO_CHANGES = {
  counts: { update: 1 },
  resources: [],
  diagnostics: [],
  engine: "3.200.0",
  providers: {},
  duration: 1,
};

/** The plan of an authored sequence; throws its problems. */
export function planOf(spec: SequenceSpec): Plan {
  const { sequence, findings } = parseSequence(defineSequence(spec));
  if (sequence === undefined || findings.length > 0) throw new Error(JSON.stringify(findings));
  return compile(sequence);
}

export function started(plan: Plan, at = 0, parallel = 4): Numbered {
  const versions = { evo: "0", node: "20", engine: "3.200.0" };
  return {
    number: 1,
    event: { type: "run.started", at, plan, root: "/", file: "s.ts", sources: [], parallel, versions },
  };
}

/** What the fake world answers. */
export interface FakeWorld {
  /** Milliseconds that an operation takes. */
  readonly operation: (step: string, attempt: number) => { readonly takes: number; readonly succeeds: boolean };
  /** What a look that begins now sees. `sinceApplied`: milliseconds since the update it proves. */
  readonly look: (
    gate: string,
    target: string,
    sinceApplied: number,
  ) => { readonly takes: number; readonly verdict: Verdict; readonly observed?: Json; readonly expected?: Json };
  /** Looks that tell something new are recorded when they are made, as evo does; else only with the gate's pass. */
  readonly records?: boolean;
}

export const INSTANT: FakeWorld = {
  operation: () => ({ takes: 10, succeeds: true }),
  look: () => ({ takes: 1, verdict: "pass" }),
};

export interface Machine {
  readonly state: RunState;
  readonly entries: readonly Numbered[];
  /** What caused each of them, by number. */
  readonly causes: ReadonlyMap<number, readonly number[]>;
  /** What was seen of the gates until then. */
  readonly seen: Evidence;
  readonly now: number;
}

interface Due {
  readonly at: number;
  readonly key: string;
  readonly happen: () => void;
}

/** Runs until the run stands still or `until` is reached. */
export function simulate(plan: Plan, world: FakeWorld, until = 3_600_000, parallel = 4): Machine {
  let now = 0;
  const entries: Numbered[] = [started(plan, 0, parallel)];
  let state = fold("run", entries);
  const seen: { [gate: string]: GateEvidence } = {};
  let due: Due[] = [];
  let looks = 0;
  const causesOf = new Map<number, readonly number[]>();

  const record = (events: readonly Proposed[]): void => {
    const offset = entries.length + 1;
    for (const { event, causes } of events) {
      const numbered = { number: entries.length + 1, event };
      causesOf.set(
        numbered.number,
        causes.map((cause) => (typeof cause === "number" ? cause : offset + cause.batch)),
      );
      entries.push(numbered);
      state = evolve(state, numbered);
    }
  };
  const single = (event: RunEvent & { readonly operation: string }): void => {
    const before = entries.findLast(({ event: one }) => "operation" in one && one.operation === event.operation);
    record([{ event, causes: before === undefined ? [] : [before.number] }]);
  };
  const later = (key: string, takes: number, happen: () => void): void => {
    due.push({ at: now + takes, key, happen });
  };

  function perform(action: Action): void {
    if (action.do === "operate") operate(action);
    if (action.do === "look") look(action.gate, action.target);
  }

  function operate(action: Action & { do: "operate" }): void {
    const operation = `run.${action.step}.${action.attempt}.up`;
    const intent = {
      operation,
      step: action.step,
      attempt: action.attempt,
      verb: "up",
      stack: action.step,
      source: { path: action.step, sha256: "" },
    } as const;
    record([...action.events, { event: { type: "operation.intended", at: now, ...intent }, causes: action.causes }]);
    const began = now;
    const { takes, succeeds } = world.operation(action.step, action.attempt);
    later(`step ${action.step}`, takes, () => {
      single({ type: "operation.previewed", at: now, operation, preview: NO_CHANGES });
      if (succeeds) single({ type: "operation.succeeded", at: now, operation, began, ended: now, changes: NO_CHANGES });
      else
        single({ type: "operation.failed", at: now, operation, began, ended: now, how: "failed", reason: "it failed" });
    });
  }

  function look(id: string, target: string): void {
    const gate = gatesOf(plan).find((candidate) => candidate.id === id)!;
    const since = countsFrom(state, gate);
    const began = now;
    const { takes, verdict, observed = verdict, expected = "pass" } = world.look(id, target, now - since);
    later(`look ${id} ${target}`, takes, () => {
      if (countsFrom(state, gate) !== since) return;
      looks += 1;
      const before = seen[id]?.since === since ? seen[id] : { since, tallies: {}, digests: {} };
      const measurement = { number: looks, began, ended: now, verdict, observed, expected };
      const previous = before.tallies[target];
      const next = tally(previous, measurement, gate.policy, since);
      seen[id] = { ...before, tallies: { ...before.tallies, [target]: next } };
      if (!world.records || !worthRecording(previous, next)) return;
      const told = { gate: id, target, operations: [], measurements: [measurement], counts: next.counts };
      record([{ event: { type: "gate.measured", at: now, ...told }, causes: causesOfLooks(state, gate) }]);
    });
  }

  const keyOf = (action: Action): string =>
    action.do === "look" ? `look ${action.gate} ${action.target}` : "step" in action ? `step ${action.step}` : "";

  for (let turns = 0; turns < 1_000_000; turns += 1) {
    const decision = decide(state, seen as Evidence, now);
    const toRecord = decision.actions.find((action) => action.do === "record");
    if (toRecord !== undefined) {
      record(toRecord.events);
      continue;
    }
    const fresh = decision.actions.filter(
      (action) => action.do !== "follow" && !due.some((item) => item.key === keyOf(action)),
    );
    if (fresh.length > 0) {
      for (const action of fresh) perform(action);
      continue;
    }
    if (state.status !== "running" && openAttempts(state).length === 0) break;
    const next = Math.min(...due.map((item) => item.at), decision.wakeAt ?? Number.POSITIVE_INFINITY);
    if (!Number.isFinite(next) || next > until) break;
    now = Math.max(now, next);
    const ready = due.filter((item) => item.at <= now);
    due = due.filter((item) => item.at > now);
    for (const item of ready) item.happen();
  }
  return { state, entries, causes: causesOf, seen, now };
}

/** When a step's newest update was intended and when it ended. */
export function timesOf(machine: Machine, step: string): { readonly intended: number; readonly ended: number } {
  const attempt = machine.state.steps[step]?.at(-1);
  const outcome = attempt?.outcome;
  return {
    intended: attempt?.intendedAt ?? Number.NaN,
    ended: outcome !== undefined && "ended" in outcome ? outcome.ended : Number.NaN,
  };
}
