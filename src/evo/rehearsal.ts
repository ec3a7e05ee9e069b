/** What differs in a rehearsal's plan: stacks are made in the world's own backend, and programs are not type-checked. */
import { resolve } from "node:path";
import { sha256 } from "../canonical.js";
import type { GatePolicy } from "../gates/model.js";
import { packageFile } from "../package-root.js";
import { compile, digested } from "../plan/compile.js";
import type { Plan, PlanGate, PlanNode } from "../plan/model.js";
import type { LoadedSequence } from "../sequence/load.js";
import type { Sequence } from "../sequence/model.js";

/** The plan that a run of this sequence freezes. */
export function planFor(sequence: Sequence, rehearsal: boolean): Plan {
  return rehearsal ? digested(forRehearsal(compile(sequence))) : compile(sequence);
}

/**
 * The plan of a rehearsed failure: gates time out and retries wait no longer than `patience` milliseconds, but for what a
 * gate's own policy needs to pass. Order, limits and rules are the declared ones.
 */
export function impatientPlan(sequence: Sequence, patience: number): Plan {
  const plan = forRehearsal(compile(sequence));
  const hurried = (gate: PlanGate): PlanGate => ({ ...gate, policy: impatient(gate.policy, patience) });
  const nodes = plan.nodes.map((node) => ({
    ...node,
    ready: node.ready.map(hurried),
    converged: node.converged.map(hurried),
    ...(node.kind === "step" && node.retry !== undefined
      ? { retry: { ...node.retry, backoff: Math.min(node.retry.backoff, patience) } }
      : {}),
  }));
  return digested({ ...plan, nodes, consistent: plan.consistent.map(hurried) });
}

/** Thrice what a target needs that passes at once: a gate that could never pass in that time would prove nothing. */
function impatient(policy: GatePolicy, patience: number): GatePolicy {
  const streak = Math.max((policy.consecutiveSuccessLimit - 1) * policy.interval, policy.stableFor);
  const least = policy.initialDelay + policy.interval + 3 * streak;
  const timeout = Math.min(policy.timeout, Math.max(patience, least));
  return { ...policy, timeout, requestTimeout: Math.min(policy.requestTimeout, timeout) };
}

/** The plan as it runs in a world: bindings differ, order and gates don't. */
function forRehearsal(plan: Plan): Plan {
  return { ...plan, nodes: plan.nodes.map(rehearsed) };
}

function rehearsed(node: PlanNode): PlanNode {
  if (node.kind === "group") return node;
  return { ...node, options: { ...node.options, createStack: true, transpileOnly: true } };
}

/** A world to rehearse in. Without `name` its module's file name tells it from others. */
export interface NamedWorld {
  /** Absolute path of the module that declares it. */
  readonly module: string;
  readonly name?: string;
}

/** The world that a sequence names, or the default one, which all sequences of a folder share: they are about one system. */
export function rehearsalOf({ world, root }: Pick<LoadedSequence, "world" | "root">): NamedWorld {
  if (world !== undefined) return { module: resolve(world) };
  return { module: DEFAULT_WORLD, name: `default-${sha256(resolve(root)).slice(0, 6)}` };
}

const DEFAULT_WORLD = packageFile("dist", "world", "default.js");

/** Whether nobody has declared this world. */
export function isDefaultWorld(module: string): boolean {
  return module === DEFAULT_WORLD;
}
