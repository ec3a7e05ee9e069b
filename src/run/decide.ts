/**
 * The decision: given the state, what has been seen of the gates, and the time, what is to be done now. Pure; knows
 * nodes and edges, no groups, and touches no I/O (invariant 8). Waiting is the absence of an action plus `wakeAt`.
 *
 * Invariant 2 (nothing passes an unconverged boundary) is kept here: a step is operated only when every edge before its
 * start holds, and `boundary.opened` is recorded only when every edge before it holds and all its gates have converged
 * within one window. Invariant 5 (no second attempt while the first is unknown): a step with an open or unresolved
 * attempt is never operated.
 */
import { type GateAssessment, jointly, nextLookAt } from "../gates/assess.js";
import type { OnFailure } from "../gates/model.js";
import type { GateId, NodeId, PlanGate, PlanNode, StepNode } from "../plan/model.js";
import { appliedEntries, entriesBefore, isAdmitted, mayOpen, mayStart, stepsOf } from "./edges.js";
import type { HaltCause, OperationId } from "./events.js";
import {
  assess,
  countsFrom,
  type Evidence,
  failing,
  isMeasurable,
  type Proposed,
  passing,
  talliesOf,
} from "./gates.js";
import { type Attempt, type AttemptOutcome, lastAttempt, openAttempts, type RunState } from "./state.js";

export type Action =
  /** Append these entries, in one batch. */
  | { readonly do: "record"; readonly events: readonly Proposed[] }
  /** Lease the stack, record `events` and the intent, start the engine. */
  | {
      readonly do: "operate";
      readonly step: NodeId;
      readonly attempt: number;
      readonly events: readonly Proposed[];
      readonly causes: Proposed["causes"];
    }
  /** Follow an operation whose outcome is not recorded. */
  | { readonly do: "follow"; readonly step: NodeId; readonly operation: OperationId }
  | { readonly do: "look"; readonly gate: GateId; readonly target: string };

export interface Decision {
  readonly actions: readonly Action[];
  /** Milliseconds since the epoch: when time alone may change the decision. */
  readonly wakeAt?: number;
}

/** An operation that provably never started is tried again without being asked, but not for ever. */
const ABSENT_LIMIT = 3;

/** Decides. The caller performs what is not under way already, and asks again whenever anything has happened. */
export function decide(state: RunState, seen: Evidence, now: number): Decision {
  const following = openAttempts(state).map(
    ({ step, attempt }): Action => ({ do: "follow", step, operation: attempt.operation }),
  );
  if (state.status !== "running") return { actions: following };
  const halt = haltOf(state, now);
  if (halt !== undefined) return { actions: [...following, { do: "record", events: [halt] }] };
  const judged = [...boundaries(state, seen, now), ...admissions(state, seen, now), ...ending(state, seen, now)];
  const parts = [...judged, ...startable(state, seen, now)];
  const record = parts.find((part) => part.record !== undefined)?.record;
  if (record !== undefined) return { actions: [...following, { do: "record", events: record }] };
  const actions = [...following, ...parts.flatMap((part) => part.actions)];
  const wakes = parts.flatMap((part) => part.wakeAt ?? []);
  if (actions.length === 0 && wakes.length === 0) return { actions: [{ do: "record", events: [stuck(state, now)] }] };
  return wakes.length === 0 ? { actions } : { actions, wakeAt: Math.min(...wakes) };
}

interface Part {
  readonly record?: readonly Proposed[];
  readonly actions: readonly Action[];
  readonly wakeAt?: number | undefined;
}

const NOTHING: Part = { actions: [] };

// ---------------------------------------------------------------------------------------------- failed operations

const HALTS: { readonly [status in AttemptOutcome["status"]]?: HaltCause } = {
  failed: "operation-failed",
  cancelled: "operation-failed",
  absent: "operation-failed",
  refused: "operation-refused",
  locked: "stack-locked",
  unresolved: "operation-unresolved",
};

/** The first failed attempt whose rule says that the run stands still. */
function haltOf(state: RunState, now: number): Proposed | undefined {
  for (const step of stepsOf(state.started.plan)) {
    const outcome = lastAttempt(state, step.id)?.outcome;
    if (outcome === undefined || !stopsRun(state, step, outcome)) continue;
    const cause = HALTS[outcome.status];
    if (cause === undefined) continue;
    return halted(now, cause, step.id, outcome.status === "unresolved" ? outcome.facts.join("; ") : reasonOf(outcome), [
      outcome.entry,
    ]);
  }
  return undefined;
}

function reasonOf(outcome: AttemptOutcome): string {
  return "reason" in outcome ? outcome.reason : outcome.status;
}

function stopsRun(state: RunState, step: StepNode, outcome: AttemptOutcome): boolean {
  if (outcome.status === "succeeded") return false;
  if (outcome.status === "unresolved") return true;
  return !mayRetry(state, step, outcome) && !isContinued(step, outcome);
}

/** A person resumed after it, or the rule allows one more try of an operation whose outcome is known. */
function mayRetry(state: RunState, step: StepNode, outcome: AttemptOutcome): boolean {
  if (outcome.status === "succeeded" || outcome.status === "unresolved") return false;
  if (outcome.entry < resumeEntry(state)) return true;
  const attempts = state.steps[step.id] ?? [];
  if (outcome.status === "absent")
    return attempts.filter((attempt) => attempt.outcome?.status === "absent").length < ABSENT_LIMIT;
  return outcome.status === "failed" && step.onFailure === "retry" && attempts.length < (step.retry?.attempts ?? 1);
}

function resumeEntry(state: RunState): number {
  return state.resumedBy ?? 0;
}

/** `continue`: siblings go on, but what comes after the group never starts, since its boundary cannot open. */
function isContinued(step: StepNode, outcome: AttemptOutcome): boolean {
  return outcome.status === "failed" && step.onFailure === "continue";
}

function halted(
  at: number,
  cause: HaltCause,
  node: NodeId | undefined,
  reason: string,
  causes: readonly number[],
): Proposed {
  return { event: { type: "run.halted", at, cause, reason, ...(node === undefined ? {} : { node }) }, causes };
}

/** Nothing is under way and nothing can come: every way on leads through something that failed and was told to `continue`. */
function stuck(state: RunState, now: number): Proposed {
  for (const step of stepsOf(state.started.plan)) {
    const outcome = lastAttempt(state, step.id)?.outcome;
    if (outcome?.status === "failed")
      return halted(now, "operation-failed", step.id, reasonOf(outcome), [outcome.entry]);
  }
  for (const [id, gate] of Object.entries(state.gates)) {
    if (gate.verdict === undefined || gate.passed !== undefined) continue;
    return halted(now, haltCauseOf(gate.verdict.kind, gate.verdict.timedOut), ownerOf(state, id), gate.verdict.reason, [
      gate.verdict.entry,
    ]);
  }
  throw new Error("the run can neither go on nor end: this is a bug in evo");
}

function ownerOf(state: RunState, gate: GateId): NodeId | undefined {
  return state.started.plan.nodes.find((node) =>
    [...node.ready, ...node.converged].some((candidate) => candidate.id === gate),
  )?.id;
}

// ----------------------------------------------------------------------------------------------------- boundaries

/** Every boundary: while it is not open, look at its gates, judge them, open it; then its gates in dry run are left. */
function boundaries(state: RunState, seen: Evidence, now: number): readonly Part[] {
  return state.started.plan.nodes
    .filter((node) => node.boundary === node.id)
    .map((node) =>
      state.opened[node.id] === undefined ? boundary(state, seen, node, now) : dryRun(state, seen, node, now),
    );
}

/** Gates in dry run are measured on behind an open boundary until they are judged: recorded, but nobody waits for them. */
function dryRun(state: RunState, seen: Evidence, node: PlanNode, now: number): Part {
  const gates = node.converged.filter((gate) => gate.policy.dryRun && state.gates[gate.id]?.passed === undefined);
  const converged = gates.find((gate) => assess(state, seen, gate, now).status === "converged");
  if (converged !== undefined) return { ...NOTHING, record: passing(state, seen, converged, now, 0) };
  const unjudged = gates.filter((gate) => state.gates[gate.id]?.verdict === undefined);
  return watch(state, seen, unjudged, node.id, now);
}

function boundary(state: RunState, seen: Evidence, node: PlanNode, now: number): Part {
  const gates = node.converged.filter((gate) => isMeasurable(state, gate));
  if (mayOpen(state, node.id) && gates.length === node.converged.length) {
    const pass = jointPass(state, seen, node.converged, node.window, now);
    if (pass !== undefined) return { ...NOTHING, record: [...pass, opening(state, node, pass, now)] };
  }
  return watch(state, seen, gates, node.id, now);
}

function opening(state: RunState, node: PlanNode, pass: readonly Proposed[], now: number): Proposed {
  const passed = pass.flatMap((proposed, place) => (proposed.event.type === "gate.passed" ? [{ batch: place }] : []));
  const earlier = node.kind === "step" ? appliedEntries(state, node.id) : entriesBefore(state, node.id, "open");
  return { event: { type: "boundary.opened", at: now, node: node.id }, causes: [...earlier, ...passed] };
}

/** The entries with which all these gates pass at once, or nothing while one of them hasn't converged. */
function jointPass(
  state: RunState,
  seen: Evidence,
  gates: readonly PlanGate[],
  window: number,
  now: number,
): readonly Proposed[] | undefined {
  const binding = gates.filter((gate) => !gate.policy.dryRun);
  const verdicts = binding.map((gate) => ({ gate, assessment: assess(state, seen, gate, now) }));
  if (
    !jointly(
      verdicts.map((verdict) => verdict.assessment),
      window,
    )
  )
    return undefined;
  const events: Proposed[] = [];
  for (const gate of binding) events.push(...passing(state, seen, gate, now, events.length));
  return events;
}

/** Looks that are due, and verdicts against a gate that are to be recorded. */
function watch(
  state: RunState,
  seen: Evidence,
  gates: readonly PlanGate[],
  node: NodeId | undefined,
  now: number,
): Part {
  for (const gate of gates) {
    const assessment = assess(state, seen, gate, now);
    const against = verdictAgainst(state, gate, assessment);
    if (against !== undefined) return { ...NOTHING, record: answer(state, seen, gate, assessment, node, now) };
  }
  return merge(gates.filter((gate) => isWatched(state, gate)).map((gate) => looks(state, seen, gate, now)));
}

/** Under `continue` a gate that was judged against is left; under `hold` it is watched on. */
function isWatched(state: RunState, gate: PlanGate): boolean {
  const verdict = state.gates[gate.id]?.verdict;
  return verdict === undefined || gate.policy.dryRun || ruleOf(gate, verdict.kind, verdict.timedOut) === "hold";
}

function verdictAgainst(state: RunState, gate: PlanGate, assessment: GateAssessment): GateAssessment | undefined {
  if (assessment.status === "waiting" || assessment.status === "converged") return undefined;
  return state.gates[gate.id]?.verdict === undefined ? assessment : undefined;
}

function answer(
  state: RunState,
  seen: Evidence,
  gate: PlanGate,
  assessment: GateAssessment,
  node: NodeId | undefined,
  now: number,
): readonly Proposed[] {
  const verdict = failing(state, seen, gate, assessment, now);
  if (gate.policy.dryRun) return [verdict];
  const kind = assessment.status === "failed" ? "failed" : assessment.status === "errored" ? "errored" : "inconclusive";
  const timedOut = assessment.status === "timedOut";
  const rule = ruleOf(gate, kind, timedOut);
  const then = { causes: [{ batch: 0 }] } as const;
  if (rule === "hold")
    return [
      verdict,
      {
        ...then,
        event: { type: "run.held", at: now, node: node ?? "sequence", gate: gate.id, reason: assessment.reason },
      },
    ];
  if (rule === "continue" || (rule === "retry" && canReattempt(state, gate))) return [verdict];
  const cause = node === undefined ? "inconsistent" : haltCauseOf(kind, timedOut);
  return [
    verdict,
    {
      ...then,
      event: { type: "run.halted", at: now, cause, reason: assessment.reason, ...(node === undefined ? {} : { node }) },
    },
  ];
}

function ruleOf(gate: PlanGate, kind: "failed" | "errored" | "inconclusive", timedOut: boolean): OnFailure {
  if (timedOut) return gate.policy.onTimeout;
  if (kind === "failed") return gate.policy.onFailure;
  return kind === "errored" ? gate.policy.onError : gate.policy.onInconclusive;
}

function haltCauseOf(kind: "failed" | "errored" | "inconclusive", timedOut: boolean): HaltCause {
  if (timedOut) return "gate-timed-out";
  return kind === "failed" ? "gate-failed" : kind === "errored" ? "gate-errored" : "gate-inconclusive";
}

function looks(state: RunState, seen: Evidence, gate: PlanGate, now: number): Part {
  const tallies = talliesOf(state, seen, gate);
  const from = countsFrom(state, gate);
  const due = gate.targets.map((target) => ({
    target: target.name,
    at: nextLookAt(gate.policy, tallies[target.name], from),
  }));
  const actions = due
    .filter(({ at }) => at <= now)
    .map(({ target }): Action => ({ do: "look", gate: gate.id, target }));
  const later = due.flatMap(({ at }) => (at > now ? [at] : []));
  const deadline = from + gate.policy.timeout;
  return { actions, wakeAt: Math.min(...later, ...(deadline > now ? [deadline] : [])) };
}

function merge(parts: readonly Part[]): Part {
  const wakes = parts.flatMap((part) =>
    part.wakeAt !== undefined && Number.isFinite(part.wakeAt) ? [part.wakeAt] : [],
  );
  return {
    actions: parts.flatMap((part) => part.actions),
    wakeAt: wakes.length === 0 ? undefined : Math.min(...wakes),
  };
}

// --------------------------------------------------------------------------------------------- admission and start

/** Groups with `readyWhen`: they are admitted once, by entries of their own. */
function admissions(state: RunState, seen: Evidence, now: number): readonly Part[] {
  return state.started.plan.nodes
    .filter(
      (node) =>
        node.kind === "group" && node.ready.length > 0 && mayStart(state, node.id) && !isAdmitted(state, node.id),
    )
    .map((node) => {
      const pass = jointPass(state, seen, node.ready, node.window, now);
      return pass === undefined ? watch(state, seen, node.ready, node.id, now) : { ...NOTHING, record: pass };
    });
}

/** Steps that may start now; at most `parallel` operations at a time. */
function startable(state: RunState, seen: Evidence, now: number): readonly Part[] {
  let slots = state.started.parallel - openAttempts(state).length;
  return stepsOf(state.started.plan)
    .filter((step) => mayStart(state, step.id) && nextAttempt(state, step) !== undefined)
    .map((step) => {
      const part = start(state, seen, step, slots > 0, now);
      slots -= part.actions.filter((action) => action.do === "operate").length;
      return part;
    });
}

function start(state: RunState, seen: Evidence, step: StepNode, slot: boolean, now: number): Part {
  const notBefore = nextAttempt(state, step) ?? now;
  if (notBefore > now) return { ...NOTHING, wakeAt: notBefore };
  const pass = jointPass(state, seen, step.ready, step.window, now);
  if (pass === undefined) return watch(state, seen, step.ready, step.id, now);
  // Its gates hold, but there is no slot: keep looking, so that they hold when there is one.
  if (!slot) return watch(state, seen, step.ready, step.id, now);
  const attempts = state.steps[step.id] ?? [];
  const passed = pass.flatMap((proposed, place) => (proposed.event.type === "gate.passed" ? [{ batch: place }] : []));
  const before = lastFailure(attempts) ?? entriesBefore(state, step.id, "start");
  return {
    actions: [
      { do: "operate", step: step.id, attempt: attempts.length + 1, events: pass, causes: [...before, ...passed] },
    ],
  };
}

function lastFailure(attempts: readonly Attempt[]): readonly number[] | undefined {
  const outcome = attempts.at(-1)?.outcome;
  return outcome === undefined ? undefined : [outcome.entry];
}

/** When the step may be attempted (next); undefined where it may not. */
function nextAttempt(state: RunState, step: StepNode): number | undefined {
  const last = lastAttempt(state, step.id);
  if (last === undefined) return 0;
  if (last.outcome === undefined) return undefined;
  if (last.outcome.status === "succeeded")
    return wantsReattempt(state, step) ? last.outcome.ended + (step.retry?.backoff ?? 0) : undefined;
  if (!mayRetry(state, step, last.outcome) || last.outcome.status === "unresolved") return undefined;
  return last.outcome.entry < resumeEntry(state) ? 0 : last.outcome.ended + (step.retry?.backoff ?? 0);
}

/** A gate that proves this step was judged against, and its rule is `retry`. */
function wantsReattempt(state: RunState, step: StepNode): boolean {
  return state.started.plan.nodes
    .flatMap((node) => node.converged)
    .some((gate) => {
      const verdict = state.gates[gate.id]?.verdict;
      if (verdict === undefined || gate.policy.dryRun || !gate.proves.includes(step.id)) return false;
      return ruleOf(gate, verdict.kind, verdict.timedOut) === "retry" && canReattempt(state, gate);
    });
}

function canReattempt(state: RunState, gate: PlanGate): boolean {
  const steps = stepsOf(state.started.plan).filter((step) => gate.proves.includes(step.id));
  return steps.length > 0 && steps.every((step) => (state.steps[step.id]?.length ?? 0) < (step.retry?.attempts ?? 1));
}

// --------------------------------------------------------------------------------------------------------- the end

/** Every boundary is open: judge `consistentWhen`, then the run is complete. */
function ending(state: RunState, seen: Evidence, now: number): readonly Part[] {
  const { plan } = state.started;
  const top = plan.nodes.filter((node) => node.parent === undefined);
  if (!top.every((node) => state.opened[node.id] !== undefined)) return [];
  const window = 2 * Math.max(0, ...plan.consistent.map((gate) => gate.policy.interval));
  const pass = jointPass(state, seen, plan.consistent, window, now);
  if (pass === undefined) return [watch(state, seen, plan.consistent, undefined, now)];
  const passed = pass.flatMap((proposed, place) => (proposed.event.type === "gate.passed" ? [{ batch: place }] : []));
  const opened = top.map((node) => state.opened[node.id]?.entry ?? state.drivenBy);
  return [
    { ...NOTHING, record: [...pass, { event: { type: "run.completed", at: now }, causes: [...opened, ...passed] }] },
  ];
}
