/** What the plan's edges allow, given the state. The only place that reads edges; groups are unknown here (DESIGN 4). */
import type { Edge, NodeId, Plan, PlanNode, StepNode } from "../plan/model.js";
import { isOverridden, overridesBehind } from "./overrides.js";
import { lastAttempt, type RunState } from "./state.js";

/** Looks a node up. Errors: an id that the plan doesn't know is a bug. */
export function nodeOf(plan: Plan, id: NodeId): PlanNode {
  const node = plan.nodes.find((candidate) => candidate.id === id);
  if (node === undefined) throw new Error(`the plan has no node ${id}`);
  return node;
}

export function stepsOf(plan: Plan): readonly StepNode[] {
  return plan.nodes.filter((node) => node.kind === "step");
}

/** A step's newest update has succeeded; all steps below a group have. */
export function isApplied(state: RunState, id: NodeId): boolean {
  const node = nodeOf(state.started.plan, id);
  if (node.kind === "group") return node.members.every((member) => isApplied(state, member));
  return lastAttempt(state, id)?.outcome?.status === "succeeded";
}

/** It may start: what comes before it has come, and its own `readyWhen` gates (of a group) have passed. */
export function isAdmitted(state: RunState, id: NodeId): boolean {
  const node = nodeOf(state.started.plan, id);
  return (
    mayStart(state, id) &&
    node.ready.every(
      (gate) => gate.policy.dryRun || state.gates[gate.id]?.passed !== undefined || isOverridden(state, gate),
    )
  );
}

/** Every edge before its start holds; its own gates aside. */
export function mayStart(state: RunState, id: NodeId): boolean {
  return edgesTo(state.started.plan, id, "start").every((edge) => holds(state, edge));
}

/**
 * It might start (still: what comes before may be attempted again), a step is applied, and every edge before its opening
 * holds; its own gates aside.
 */
export function mayOpen(state: RunState, id: NodeId): boolean {
  const node = nodeOf(state.started.plan, id);
  const applied = node.kind === "group" ? isAdmitted(state, id) : mayStart(state, id) && isApplied(state, id);
  return applied && edgesTo(state.started.plan, id, "open").every((edge) => holds(state, edge));
}

/** Entries that allowed a node to start or open: the causes of what happens then. */
export function entriesBefore(state: RunState, id: NodeId, before: Edge["before"]): readonly number[] {
  const entries = edgesTo(state.started.plan, id, before).flatMap((edge) => entriesOf(state, edge));
  return entries.length > 0 ? [...new Set(entries)].sort((a, b) => a - b) : [state.drivenBy];
}

function edgesTo(plan: Plan, id: NodeId, before: Edge["before"]): readonly Edge[] {
  return plan.edges.filter((edge) => edge.to === id && edge.before === before);
}

function holds(state: RunState, edge: Edge): boolean {
  switch (edge.is) {
    case "admitted":
      return isAdmitted(state, edge.from);
    case "applied":
      return isApplied(state, edge.from);
    case "opened":
      return state.opened[edge.from] !== undefined;
  }
}

function entriesOf(state: RunState, edge: Edge): readonly number[] {
  switch (edge.is) {
    case "opened":
      return [state.opened[edge.from]?.entry ?? state.drivenBy];
    case "applied":
      return appliedEntries(state, edge.from);
    case "admitted":
      return admittedEntries(state, edge.from);
  }
}

/** Entries of the updates that applied a node. */
export function appliedEntries(state: RunState, id: NodeId): readonly number[] {
  const node = nodeOf(state.started.plan, id);
  if (node.kind === "group") return node.members.flatMap((member) => appliedEntries(state, member));
  const outcome = lastAttempt(state, id)?.outcome;
  return outcome === undefined ? [] : [outcome.entry];
}

function admittedEntries(state: RunState, id: NodeId): readonly number[] {
  const { ready } = nodeOf(state.started.plan, id);
  const gates = ready.flatMap((gate) => state.gates[gate.id]?.passed ?? []);
  return [...gates, ...overridesBehind(state, ready), ...entriesBefore(state, id, "start")];
}
