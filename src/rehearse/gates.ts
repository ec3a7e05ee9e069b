/** Gates of a plan by their id. Pure. */
import type { GateId, Plan, PlanGate } from "../plan/model.js";
import { gatesOf } from "../run/state.js";

/** Errors: an id that the plan doesn't know is a bug. */
export function gateOf(plan: Plan, id: GateId): PlanGate {
  const gate = gatesOf(plan).find((one) => one.id === id);
  if (gate === undefined) throw new Error(`the plan has no gate ${id}`);
  return gate;
}
