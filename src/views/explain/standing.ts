/**
 * Partial convergence: gate by gate and target by target what has converged, what hasn't and since when. Pure. A state of
 * its own and no error: some of it may be in use already.
 */
import { neededOf } from "../../gates/assess.js";
import { isWordProbe, type Target, type Verdict } from "../../gates/model.js";
import type { PlanGate } from "../../plan/model.js";
import type { Counts, TargetReport } from "../../run/events.js";
import { judgedGate } from "../../run/overrides.js";
import { gatesOf, type MeasuredTarget, type RunState } from "../../run/state.js";
import { timesFor } from "../gates-times.js";
import { beginningOf, type Watched, watchedIn } from "../gates-watched.js";
import { isAwaited } from "../status.js";
import type { ExplainInput } from "./input.js";
import type { GateStanding, MissingTarget, RecentLook, TargetStanding, TargetState } from "./model.js";
import { numberedOf } from "./reading.js";

/** Looks that are shown of a target. */
const RECENT = 3;

/** Every gate that is awaited, and how its targets stand. None of a run that has ended. */
export function standings(input: ExplainInput): readonly GateStanding[] {
  const { state, entries } = input;
  if (state.ended !== undefined && state.status === "completed") return [];
  const watched = watchedIn(state.run, numberedOf(entries, state.run));
  return (
    gatesOf(state.started.plan)
      .filter((gate) => isAwaited(state, gate))
      // Targets that somebody signed to go on without hold nothing back.
      .map((gate) => standing(input, judgedGate(state, gate), watched))
  );
}

function standing(input: ExplainInput, gate: PlanGate, watched: readonly Watched[]): GateStanding {
  const { state, times } = input;
  const verdict = state.gates[gate.id]?.verdict;
  const targets = gate.targets.map((target) => targetStanding(input, gate, target, watched));
  const usual = timesFor(times, gate.id);
  return {
    gate: gate.id,
    phase: gate.phase,
    declaredOn: gate.declaredOn,
    from: beginningOf(state, gate),
    until: stoodAt(input) ?? input.now,
    ...(verdict === undefined ? {} : { verdict: verdict.timedOut ? ("timed out" as const) : verdict.kind }),
    held: Object.values(state.held).some((hold) => hold.gate === gate.id),
    converged: targets.filter((target) => target.state === "converged").length,
    needed: neededOf(gate),
    ...(usual === undefined ? {} : { usual }),
    targets,
  };
}

/** When looking ended, where the run stands still. */
function stoodAt({ state, entries }: ExplainInput): number | undefined {
  if (state.status === "running") return undefined;
  const stood = entries.findLast(
    ({ type, run }) => run === state.run && (type === "run.halted" || type === "run.paused"),
  );
  return stood === undefined ? undefined : Number(stood.body.at);
}

function targetStanding(
  input: ExplainInput,
  gate: PlanGate,
  { name, probe }: Target,
  watched: readonly Watched[],
): TargetStanding {
  const measured = input.state.gates[gate.id]?.measured[name];
  const own = watched.find((one) => one.gate === gate.id && one.target === name);
  const usual = timesFor(input.times, gate.id, name);
  return {
    target: name,
    state: stateOf(input, gate, name, measured),
    ...(measured === undefined ? {} : { since: measured.since }),
    looks: looksOf(reportOf(input, gate, name)?.counts ?? measured?.counts),
    ...seenOf(measured),
    flaps: own?.flaps ?? 0,
    wavers: own?.wavers ?? 0,
    recent: recentLooks(input, gate, name),
    ...(usual === undefined ? {} : { usual }),
    ...(isWordProbe(probe) ? { by: probe.by } : {}),
  };
}

function looksOf(counts: Counts | undefined): number {
  const { pass, fail, inconclusive, error } = counts ?? { pass: 0, fail: 0, inconclusive: 0, error: 0 };
  return pass + fail + inconclusive + error;
}

function seenOf(
  measured: MeasuredTarget | undefined,
): Pick<TargetStanding, "observed" | "expected" | "verdict" | "message"> {
  if (measured === undefined) return { observed: null, expected: null, verdict: "not looked at yet" };
  const { observed, expected, verdict, message } = measured.last;
  return { observed, expected, verdict, ...(message === undefined ? {} : { message }) };
}

const STATES: { readonly [verdict in Verdict]: TargetState } = {
  pass: "passing",
  fail: "missing",
  inconclusive: "unseen",
  error: "unseen",
};

function stateOf(
  input: ExplainInput,
  gate: PlanGate,
  target: string,
  measured: MeasuredTarget | undefined,
): TargetState {
  if (measured === undefined) return "unseen";
  if (measured.last.verdict !== "pass") return STATES[measured.last.verdict];
  return reportOf(input, gate, target)?.converged ? "converged" : "passing";
}

/** What the verdict that stands against the gate says of the target. */
function reportOf({ state, entries }: ExplainInput, gate: PlanGate, target: string): TargetReport | undefined {
  const judged = entries.find(({ number }) => number === state.gates[gate.id]?.verdict?.entry);
  const reports = (judged?.body.targets ?? []) as unknown as readonly TargetReport[];
  return reports.find((report) => report.target === target);
}

/** Those of the present attempt, as the ledger has them. */
function recentLooks({ state, entries }: ExplainInput, gate: PlanGate, target: string): readonly RecentLook[] {
  const from = beginningOf(state, gate);
  return numberedOf(entries, state.run)
    .flatMap(({ event }) =>
      event.type === "gate.measured" && event.gate === gate.id && event.target === target ? event.measurements : [],
    )
    .filter(({ began }) => began >= from)
    .slice(-RECENT)
    .map(({ began, verdict, observed, message }) => ({
      at: began,
      verdict,
      observed,
      ...(message === undefined ? {} : { message }),
    }));
}

/** Targets that don't show what they should, with who answers for them. */
export function missingIn(gates: readonly GateStanding[], state: RunState): readonly MissingTarget[] {
  const { owner } = state.started.plan.sequence;
  return gates.flatMap(({ gate, from, until, targets }) =>
    targets
      .filter((target) => target.state === "missing" || target.state === "unseen")
      .map((target) => {
        const whose = target.by === undefined ? owner : target.by.join(", ");
        return { ...target, gate, from, until, ...(whose === undefined ? {} : { owner: whose }) };
      }),
  );
}
