/** Why a run stands where it stands, and what can be done: made from its state, its entries and earlier runs. Pure. */
import type { Departure } from "../../departures/model.js";
import { isOver, type RunState } from "../../run/state.js";
import { viewRun } from "../status.js";
import { overridesOf } from "../words.js";
import { chainOf } from "./chain.js";
import { choicesOf } from "./choices.js";
import { conditionsOf } from "./conditions.js";
import type { ExplainInput } from "./input.js";
import type { ExplainedDeparture, Explanation, GateStanding, Stop } from "./model.js";
import { missingIn, standings } from "./standing.js";
import { appliedSteps, changeOf, consumersOf, pendingSteps } from "./steps.js";

/** Everything there is to explain. */
export function explain(input: ExplainInput): Explanation {
  const { state, entries, driver, now } = input;
  const { plan, rehearsal } = state.started;
  const { name, owner } = plan.sequence;
  const { status } = viewRun(state);
  const gates = standings(input);
  const notApplied = pendingSteps(state);
  const stopped = stopOf(input);
  const situation = { ...input, gates, notApplied };
  return {
    schema: "evo.explain/1",
    run: state.run,
    sequence: name,
    ...(owner === undefined ? {} : { owner }),
    ...(rehearsal === undefined ? {} : { rehearsal }),
    status,
    at: now,
    summary: summaryOf(state, status, stopped, gates),
    driver: driver === undefined ? null : describeLease(driver.lease.holder),
    ...(stopped === undefined ? {} : { stopped }),
    ...answersOf(state),
    chain: chainOf(state, entries, stopsOf(input, stopped, gates)),
    gates,
    missing: missingIn(gates, state),
    applied: appliedSteps(input),
    notApplied,
    putBack: viewRun(state).steps.flatMap(({ step, asOf }) => (asOf === undefined ? [] : [{ step, ...asOf }])),
    inQuestion: isOver(state) ? [] : changeOf(state, gates),
    consumers: isOver(state) ? [] : consumersOf(input, gates),
    departures: input.departures.map(departureOf),
    overrides: overridesOf(state),
    conditions: conditionsOf(situation),
    choices: choicesOf(situation),
  };
}

function answersOf({ recovery, started: { answers } }: RunState): Pick<Explanation, "recovery" | "answers"> {
  const { run, sequence, rule } = answers ?? {};
  return {
    ...(recovery === undefined ? {} : { recovery: { run: recovery.run, sequence: recovery.sequence } }),
    ...(run === undefined || sequence === undefined
      ? {}
      : { answers: { run, sequence, ...(rule === undefined ? {} : { rule }) } }),
  };
}

/** Where it stopped, or what holds it back; nothing while it goes on or after it has completed. */
function stopOf({ state, entries }: ExplainInput): Stop | undefined {
  const { halt, paused, ended } = state;
  const sayingSo = (number: number | undefined) => entries.find((entry) => entry.number === number);
  const newest = (type: string) => entries.findLast((entry) => entry.type === type && entry.run === state.run);
  if ((state.status === "halted" || state.status === "recovered") && halt !== undefined) {
    const { cause, node, reason, entry } = halt;
    return { cause, ...(node === undefined ? {} : { node }), reason, entry, since: timeOf(sayingSo(entry)) };
  }
  if (state.status === "paused") {
    const entry = newest("run.paused");
    return { cause: "paused", reason: paused ?? "", entry: entry?.number ?? state.last, since: timeOf(entry) };
  }
  if (state.status === "aborted") {
    const entry = sayingSo(ended?.entry);
    return { cause: "aborted", reason: reasonOf(entry), entry: entry?.number ?? state.last, since: timeOf(entry) };
  }
  const [held] = Object.entries(state.held);
  if (held === undefined || state.status !== "running") return undefined;
  const [node, { reason, at }] = held;
  const entry = newest("run.held");
  return {
    cause: "held",
    ...(node === "sequence" ? {} : { node }),
    reason,
    entry: entry?.number ?? state.last,
    since: at,
  };
}

function timeOf(entry: ExplainInput["entries"][number] | undefined): number {
  return Number(entry?.body.at ?? 0);
}

function reasonOf(entry: ExplainInput["entries"][number] | undefined): string {
  return String(entry?.body.reason ?? "");
}

/** Where the chain begins: at the stop; while it goes on, at the newest look at each target that is missing. */
function stopsOf(
  { state, entries }: ExplainInput,
  stopped: Stop | undefined,
  gates: readonly GateStanding[],
): readonly number[] {
  if (stopped !== undefined) return [stopped.entry];
  const missing = missingIn(gates, state);
  return missing.flatMap(({ gate, target }) => {
    const look = entries.findLast(
      ({ type, run, body }) =>
        type === "gate.measured" && run === state.run && body.gate === gate && body.target === target,
    );
    return look === undefined ? [] : [look.number];
  });
}

/** Where it stands, in one line. */
function summaryOf(
  state: RunState,
  status: Explanation["status"],
  stopped: Stop | undefined,
  gates: readonly GateStanding[],
): string {
  if (state.status === "completed") return "completed: nothing is missing";
  if (state.status === "recovered") return `recovered by ${state.recovery?.run ?? "another run"}`;
  const where = stopped?.node === undefined ? "" : ` at ${stopped.node}`;
  if (stopped !== undefined)
    return stopped.cause === status ? `${status}${where}` : `${status} (${stopped.cause})${where}`;
  const awaited = gates.map(({ gate, converged, targets }) => `${gate} (${converged} of ${targets.length} converged)`);
  return awaited.length === 0 ? status : `${status}: waits for ${awaited.join(", ")}`;
}

function describeLease(holder: { readonly [key: string]: unknown }): string {
  return `${String(holder.actor)} on ${String(holder.host)}, pid ${String(holder.pid)}`;
}

function departureOf({ id, kind, stack, place, step, summary, open, entry }: Departure): ExplainedDeparture {
  return { id, kind, stack, place, ...(step === undefined ? {} : { step }), summary, open, entry };
}
