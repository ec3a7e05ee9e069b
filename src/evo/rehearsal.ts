/** What differs in a rehearsal's plan: stacks are made in the world's own backend, and programs are not type-checked. */
import { digest } from "../canonical.js";
import { compile } from "../plan/compile.js";
import type { Plan, PlanNode } from "../plan/model.js";
import type { Sequence } from "../sequence/model.js";

/** The plan that a run of this sequence freezes. */
export function planFor(sequence: Sequence, rehearsal: boolean): Plan {
  return rehearsal ? forRehearsal(compile(sequence)) : compile(sequence);
}

/** The plan as it runs in a world: bindings differ, order and gates don't. */
function forRehearsal(plan: Plan): Plan {
  const { digest: _, ...rest } = { ...plan, nodes: plan.nodes.map(rehearsed) };
  return { ...rest, digest: digest(rest) };
}

function rehearsed(node: PlanNode): PlanNode {
  if (node.kind === "group") return node;
  return { ...node, options: { ...node.options, createStack: true, transpileOnly: true } };
}
