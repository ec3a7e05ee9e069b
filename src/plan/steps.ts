/** What a plan's groups hold. Pure. */
import type { NodeId, Plan } from "./model.js";

/** A step itself; all steps below a group, in plan order. */
export function stepsIn(plan: Plan, id: NodeId): readonly NodeId[] {
  const node = plan.nodes.find((one) => one.id === id);
  return node?.kind === "group" ? node.members.flatMap((member) => stepsIn(plan, member)) : [id];
}
