/** Which recovery answers a failure: by where it was, why, and how far the run had come. Pure. */
import { type NodeId, RECOVERABLE, type RecoveryRule } from "../plan/model.js";
import type { HaltCause } from "./events.js";
import { type AttemptOutcome, gatesOf, type RunState } from "./state.js";

/** What failed. */
export interface Failure {
  readonly cause: HaltCause;
  /** Absent where the sequence as a whole is not consistent. */
  readonly node?: NodeId | undefined;
  /** Targets that had not converged. */
  readonly targets: readonly string[];
}

/** The first rule of the plan that fits; none for causes that a person has to look into first (RECOVERABLE). */
export function recoveryOf(state: RunState, failure: Failure): RecoveryRule | undefined {
  const causes: readonly HaltCause[] = RECOVERABLE;
  if (!causes.includes(failure.cause)) return undefined;
  return state.started.plan.recovery?.find((rule) => fits(state, failure, rule));
}

/** The failure that a run stands at, as far as it is recorded. */
export function failureOf(state: RunState): Failure | undefined {
  const { halt } = state;
  if (halt === undefined) return undefined;
  const judged = gatesOf(state.started.plan).filter((gate) => state.gates[gate.id]?.verdict !== undefined);
  const targets = judged.flatMap((gate) =>
    gate.targets
      .map(({ name }) => name)
      .filter((name) => state.gates[gate.id]?.measured[name]?.last.verdict !== "pass"),
  );
  return { cause: halt.cause, node: halt.node, targets };
}

function fits(state: RunState, { cause, node, targets }: Failure, { when }: RecoveryRule): boolean {
  const causes: readonly HaltCause[] | undefined = when.cause;
  return (
    (when.at === undefined || around(state, node).some((id) => when.at?.includes(id))) &&
    (causes === undefined || causes.includes(cause)) &&
    (when.targets === undefined || when.targets.some((target) => targets.includes(target))) &&
    (when.applied ?? []).every((step) => wasApplied(state, step)) &&
    (when.notApplied ?? []).every((step) => !mayHaveEffect(state, step))
  );
}

/** A node and the groups around it. */
function around(state: RunState, node: NodeId | undefined): readonly NodeId[] {
  const { nodes } = state.started.plan;
  const found: NodeId[] = [];
  for (let id = node; id !== undefined; id = nodes.find((one) => one.id === id)?.parent) found.push(id);
  return found;
}

/** Whether an update of this step has succeeded in this run, whatever came after. */
export function wasApplied(state: RunState, step: NodeId): boolean {
  return (state.steps[step] ?? []).some(({ outcome }) => outcome?.status === "succeeded");
}

/** Outcomes of operations that certainly changed nothing. */
const WITHOUT_EFFECT: readonly AttemptOutcome["status"][] = ["absent", "locked"];

/**
 * Whether anything of this step may have been applied in this run: in doubt, yes. What was refused at its preview was not;
 * other refusals may have come in the middle of an update.
 */
export function mayHaveEffect(state: RunState, step: NodeId): boolean {
  return (state.steps[step] ?? []).some(
    ({ outcome, previewed }) =>
      outcome === undefined || !(WITHOUT_EFFECT.includes(outcome.status) || previewed?.refusal !== undefined),
  );
}
