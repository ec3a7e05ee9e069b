/** What differs in a rehearsal's plan: stacks are made in the world's own backend, and programs are not type-checked. */
import { resolve } from "node:path";
import { digest } from "../canonical.js";
import { EvoError } from "../errors.js";
import { compile } from "../plan/compile.js";
import type { Plan, PlanNode } from "../plan/model.js";
import type { LoadedSequence } from "../sequence/load.js";
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

/** The world that a sequence names. Errors: `rehearsal.no-world` (exit 2). */
export function rehearsalOf(loaded: Pick<LoadedSequence, "file" | "world">): { readonly module: string } {
  if (loaded.world === undefined) {
    throw new EvoError("rehearsal.no-world", "the sequence names no world to rehearse in", {
      at: { file: loaded.file },
      remedy: 'add world: "./worlds/<name>.ts" to defineSequence',
    });
  }
  return { module: resolve(loaded.world) };
}
