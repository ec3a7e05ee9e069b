/** What a node that has not begun waits for, by name. Pure. */
import type { Edge, NodeId, PlanNode } from "../plan/model.js";
import { isAdmitted, isApplied, mayStart, nodeOf } from "../run/edges.js";
import { isOverridden } from "../run/overrides.js";
import { lastAttempt, openAttempts, type RunState } from "../run/state.js";
import { shown } from "./text.js";
import { elapsed } from "./tree-look.js";
import type { TreeInput } from "./tree-model.js";

/** It waits for nothing: whoever drives the run is about to start it. */
export const STARTS = "starts";

/** `waits for gateway`; nothing where the run stands still, since then the run itself is what it waits for. */
export function waitOf(input: TreeInput, node: PlanNode): string | undefined {
  const { state, now } = input;
  if (state.status !== "running") return undefined;
  const before = blocking(state, node.id);
  if (before.length > 0) return `waits for ${listed(before)}`;
  const gates = unpassed(state, node);
  if (gates.length > 0) return `waits for ${gates.length === 1 ? "gate" : "gates"} ${listed(gates)}`;
  if (node.kind === "group") return undefined;
  const lease = input.leases[node.id];
  if (lease !== undefined) return `waits for its stack: held by ${holderOf(lease.holder)}`;
  const again = retryAt(state, node.id, node.retry?.backoff ?? 0);
  if (again !== undefined && again > now) return `next attempt in ${elapsed(again - now + 999)}`;
  const { parallel } = state.started;
  if (openAttempts(state).length >= parallel) return `waits for a free slot (${parallel} at a time)`;
  return STARTS;
}

function listed(names: readonly string[]): string {
  return names.length <= 3 ? names.join(", ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
}

/** The nodes without which it may not start; where only the group around it is missing, what that waits for. */
export function blocking(state: RunState, id: NodeId): readonly string[] {
  const edges = state.started.plan.edges.filter((edge) => edge.to === id && edge.before === "start");
  const own = edges.filter(({ is }) => is !== "admitted").flatMap((edge) => missing(state, edge));
  return [...new Set(own.length > 0 ? own : edges.flatMap((edge) => missing(state, edge)))];
}

function missing(state: RunState, { from, is }: Edge): readonly string[] {
  if (is === "opened") return state.opened[from] === undefined ? [from] : [];
  if (is === "applied") return isApplied(state, from) ? [] : [from];
  if (isAdmitted(state, from)) return [];
  const before = blocking(state, from);
  return before.length > 0 ? before : unpassed(state, nodeOf(state.started.plan, from));
}

function unpassed(state: RunState, node: PlanNode): readonly string[] {
  if (!mayStart(state, node.id)) return [];
  return node.ready
    .filter((gate) => !gate.policy.dryRun && state.gates[gate.id]?.passed === undefined && !isOverridden(state, gate))
    .map((gate) => gate.name);
}

function retryAt(state: RunState, step: NodeId, backoff: number): number | undefined {
  const outcome = lastAttempt(state, step)?.outcome;
  return outcome !== undefined && "ended" in outcome ? outcome.ended + backoff : undefined;
}

function holderOf(holder: { readonly [key: string]: Parameters<typeof shown>[0] }): string {
  const parts = [holder["run"] === undefined ? undefined : `run ${shown(holder["run"])}`, holder["actor"]];
  return parts.flatMap((part) => (part === undefined ? [] : [shown(part)])).join(", ") || "another";
}
