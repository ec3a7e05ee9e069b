/** Which gate a person means, and whether it waits for anything now: words to one that doesn't are refused. Pure. */
import type { PlanGate, PlanNode } from "../plan/model.js";
import { isAdmitted, mayStart } from "./edges.js";
import { isMeasurable } from "./gates.js";
import { nextAttempt } from "./starts.js";
import { gatesOf, isOver, type RunState } from "./state.js";

/** The gates that a name may mean: a gate's id, a gate's name, or the step or group that it is declared on. */
export function gatesNamed(state: RunState, name: string): readonly PlanGate[] {
  const gates = gatesOf(state.started.plan);
  const byId = gates.filter((gate) => gate.id === name);
  if (byId.length > 0) return byId;
  const byName = gates.filter((gate) => gate.name === name);
  return byName.length > 0 ? byName : gates.filter((gate) => gate.declaredOn === name);
}

/** Whether it holds something back now, or would once the run is resumed. A gate of the end is no boundary's. */
export function isHolding(state: RunState, gate: PlanGate): boolean {
  if (isOver(state) || gate.policy.dryRun) return false;
  const node = ownerOf(state, gate);
  if (node === undefined) return false;
  if (gate.phase === "converged") return isMeasurable(state, gate) && state.opened[node.id] === undefined;
  return mayStart(state, node.id) && (node.kind === "group" ? !isAdmitted(state, node.id) : mayBegin(state, node));
}

function mayBegin(state: RunState, step: PlanNode & { readonly kind: "step" }): boolean {
  return nextAttempt(state, step) !== undefined;
}

/** The node that it holds back; a lockstep group judges the gates of its members. */
function ownerOf(state: RunState, gate: PlanGate): PlanNode | undefined {
  return state.started.plan.nodes.find((node) =>
    [...node.ready, ...node.converged].some((candidate) => candidate.id === gate.id),
  );
}
