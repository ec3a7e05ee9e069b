/** Where a node stands and since when, as the tree tells it. Pure. */
import type { GroupNode, NodeId, Plan, PlanNode, StepNode } from "../plan/model.js";
import { isApplied, nodeOf } from "../run/edges.js";
import { type Attempt, lastAttempt, type RunState } from "../run/state.js";

export type Phase =
  | "waiting"
  | "previewing"
  | "updating"
  /** Its update is done; a boundary around it is not open yet. */
  | "applied"
  | "converging"
  | "converged"
  | "failed"
  | "unresolved";

export function phaseOf(state: RunState, step: StepNode): Phase {
  const attempt = lastAttempt(state, step.id);
  if (attempt === undefined) return "waiting";
  const { outcome } = attempt;
  if (outcome === undefined) return attempt.previewed === undefined ? "previewing" : "updating";
  if (outcome.status === "unresolved") return "unresolved";
  if (outcome.status !== "succeeded") return "failed";
  if (state.opened[step.boundary] !== undefined) return "converged";
  return step.boundary === step.id ? "converging" : "applied";
}

/** The steps below a node; itself, if it is one. */
export function stepsBelow(plan: Plan, node: PlanNode): readonly StepNode[] {
  if (node.kind === "step") return [node];
  return node.members.flatMap((member) => stepsBelow(plan, nodeOf(plan, member)));
}

export type GroupPhase = "waiting" | "working" | "converging" | "converged";

export function groupPhase(state: RunState, group: GroupNode): GroupPhase {
  if (state.opened[group.id] !== undefined) return "converged";
  if (isApplied(state, group.id)) return "converging";
  return beganAt(state, group) === undefined ? "waiting" : "working";
}

/** When the first attempt of the steps below a node was intended: of a step its newest attempt, of a group the first. */
export function beganAt(state: RunState, node: PlanNode): number | undefined {
  if (node.kind === "step") return lastAttempt(state, node.id)?.intendedAt;
  const all = stepsBelow(state.started.plan, node).flatMap((step) => state.steps[step.id]?.[0]?.intendedAt ?? []);
  return all.length === 0 ? undefined : Math.min(...all);
}

/** When the last update below a node ended; undefined while one is missing. */
export function appliedAt(state: RunState, node: PlanNode): number | undefined {
  const ends = stepsBelow(state.started.plan, node).map((step) => endOf(lastAttempt(state, step.id)));
  return ends.every((end) => end !== undefined) ? Math.max(...ends) : undefined;
}

/** When an attempt ended; undefined while it hasn't, or where nobody knows. */
export function endOf(attempt: Attempt | undefined): number | undefined {
  return attempt?.outcome !== undefined && "ended" in attempt.outcome ? attempt.outcome.ended : undefined;
}

/** How many of a group's members have come so far. */
export function membersWith(group: GroupNode, has: (member: NodeId) => boolean): string {
  return `${group.members.filter(has).length} of ${group.members.length}`;
}
