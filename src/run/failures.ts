/** What follows from failures: of operations, by the step's rule; of gates, by their policy's. Pure. */
import type { OnFailure } from "../gates/model.js";
import type { GateId, NodeId, PlanGate, StepNode } from "../plan/model.js";
import { stepsOf } from "./edges.js";
import type { HaltCause } from "./events.js";
import type { Proposed } from "./gates.js";
import { type Failure, recoveryOf } from "./recovery.js";
import { type AttemptOutcome, type Halt, lastAttempt, type RunState } from "./state.js";

/** An operation that provably never started is tried again without being asked, but not for ever. */
const ABSENT_LIMIT = 3;

const HALTS: { readonly [status in AttemptOutcome["status"]]?: HaltCause } = {
  failed: "operation-failed",
  cancelled: "operation-failed",
  absent: "operation-failed",
  refused: "operation-refused",
  locked: "stack-locked",
  unresolved: "operation-unresolved",
};

/** The first failed attempt whose rule says that the run stands still. */
export function haltOf(state: RunState, now: number): Proposed | undefined {
  for (const step of stepsOf(state.started.plan)) {
    const outcome = lastAttempt(state, step.id)?.outcome;
    if (outcome === undefined || !stopsRun(state, step, outcome)) continue;
    const cause = HALTS[outcome.status];
    if (cause === undefined) continue;
    const reason = outcome.status === "unresolved" ? outcome.facts.join("; ") : reasonOf(outcome);
    const recovers = outcome.status === "failed" && step.onFailure === "recover";
    const failure = { cause, node: step.id, targets: [] };
    return halted(now, cause, step.id, reason, [outcome.entry], recovers ? answerTo(state, failure) : {});
  }
  return undefined;
}

/** What `run.halted` says of the recovery where a rule says `recover`; nothing where no rule of the plan fits. */
export function answerTo(state: RunState, failure: Failure): Pick<Halt, "recovery"> {
  const rule = recoveryOf(state, failure);
  if (rule === undefined) return {};
  return { recovery: { rule: rule.name, sequence: rule.sequence, start: rule.start } };
}

function reasonOf(outcome: AttemptOutcome): string {
  return "reason" in outcome ? outcome.reason : outcome.status;
}

function stopsRun(state: RunState, step: StepNode, outcome: AttemptOutcome): boolean {
  if (outcome.status === "succeeded") return false;
  if (outcome.status === "unresolved") return true;
  return !mayRetry(state, step, outcome) && !isContinued(step, outcome) && !isSetAside(state, step, outcome);
}

/** A person knew of this failure and chose other steps to be tried again: it stays, and halts the run at the end. */
function isSetAside(state: RunState, step: StepNode, outcome: AttemptOutcome): boolean {
  return outcome.entry < resumeEntry(state) && state.retrying?.includes(step.id) === false;
}

/** A person resumed after it, or the rule allows one more try of an operation whose outcome is known. */
export function mayRetry(state: RunState, step: StepNode, outcome: AttemptOutcome): boolean {
  if (outcome.status === "succeeded" || outcome.status === "unresolved") return false;
  if (outcome.entry < resumeEntry(state)) return state.retrying?.includes(step.id) ?? true;
  const attempts = state.steps[step.id] ?? [];
  if (outcome.status === "absent")
    return attempts.filter((attempt) => attempt.outcome?.status === "absent").length < ABSENT_LIMIT;
  return outcome.status === "failed" && step.onFailure === "retry" && attempts.length < (step.retry?.attempts ?? 1);
}

/** Failures recorded before this entry may be tried again: a person resumed after them. */
export function resumeEntry(state: RunState): number {
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
  answer: Pick<Halt, "recovery"> = {},
): Proposed {
  const where = node === undefined ? {} : { node };
  return { event: { type: "run.halted", at, cause, reason, ...where, ...answer }, causes };
}

/** Nothing is under way and nothing can come: every way on leads through something that failed and was passed over. */
export function stuck(state: RunState, now: number): Proposed {
  for (const step of stepsOf(state.started.plan)) {
    const outcome = lastAttempt(state, step.id)?.outcome;
    const cause = outcome === undefined ? undefined : HALTS[outcome.status];
    if (outcome !== undefined && cause !== undefined)
      return halted(now, cause, step.id, reasonOf(outcome), [outcome.entry]);
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

/** What the gate's policy says to do about a verdict against it. */
export function ruleOf(gate: PlanGate, kind: "failed" | "errored" | "inconclusive", timedOut: boolean): OnFailure {
  if (timedOut) return gate.policy.onTimeout;
  if (kind === "failed") return gate.policy.onFailure;
  return kind === "errored" ? gate.policy.onError : gate.policy.onInconclusive;
}

/** Why a run halts on such a verdict. */
export function haltCauseOf(kind: "failed" | "errored" | "inconclusive", timedOut: boolean): HaltCause {
  if (timedOut) return "gate-timed-out";
  return kind === "failed" ? "gate-failed" : kind === "errored" ? "gate-errored" : "gate-inconclusive";
}

/** Every step that the gate proves has an attempt left. */
export function canReattempt(state: RunState, gate: PlanGate): boolean {
  const steps = stepsOf(state.started.plan).filter((step) => gate.proves.includes(step.id));
  return steps.length > 0 && steps.every((step) => (state.steps[step.id]?.length ?? 0) < (step.retry?.attempts ?? 1));
}
