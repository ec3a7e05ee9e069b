/**
 * What a step had to wait for, worked forward from the frozen plan, and whether it had come when the step was started.
 * This is a second reading of the plan's edges, apart from the one by which the machine decides. Pure.
 */
import type { NodeId, Plan, PlanGate, PlanNode } from "../../plan/model.js";
import { stepsIn } from "../../plan/steps.js";
import type { Entry } from "../../run/ports.js";
import { naming, ofType, textOf, wordsOf } from "./reading.js";

/** Something that must have come before a step starts. */
export type Wait =
  | { readonly kind: "opened" | "applied"; readonly node: NodeId }
  | { readonly kind: "ready"; readonly gate: PlanGate };

function nodeIn(plan: Plan, id: NodeId): PlanNode | undefined {
  return plan.nodes.find((node) => node.id === id);
}

/** Everything that a node waits for; what admits its group admits it. */
export function waitsOf(plan: Plan, id: NodeId): readonly Wait[] {
  const ready = (nodeIn(plan, id)?.ready ?? [])
    .filter(({ policy }) => !policy.dryRun)
    .map((gate): Wait => ({ kind: "ready", gate }));
  const before = plan.edges.filter((edge) => edge.to === id && edge.before === "start");
  return [
    ...ready,
    ...before.flatMap(({ from, is }) =>
      is === "admitted" ? waitsOf(plan, from) : [{ kind: is, node: from } satisfies Wait],
    ),
  ];
}

/** The steps of a node, and of all that comes before it. */
function stepsUpTo(plan: Plan, id: NodeId, seen: Set<NodeId> = new Set()): Set<NodeId> {
  if (seen.has(id)) return seen;
  seen.add(id);
  const node = nodeIn(plan, id);
  if (node?.kind === "group") for (const member of node.members) stepsUpTo(plan, member, seen);
  for (const wait of waitsOf(plan, id)) if (wait.kind !== "ready") stepsUpTo(plan, wait.node, seen);
  return seen;
}

/** The newest entry that matches before a number. */
function newestBefore<T extends { readonly entry: Entry }>(all: readonly T[], number: number): T | undefined {
  return all.filter(({ entry }) => entry.number < number).at(-1);
}

/** The opening that stood when entry `number` was written: no later attempt of what it rests on had closed it. */
export function openingBefore(plan: Plan, own: readonly Entry[], node: NodeId, number: number): Entry | undefined {
  const opened = newestBefore(
    ofType(own, "boundary.opened").filter(({ event }) => event.node === node),
    number,
  );
  const upTo = stepsUpTo(plan, node);
  const attempt = newestBefore(
    ofType(own, "operation.intended").filter(({ event }) => upTo.has(event.step)),
    number,
  );
  const closed = attempt !== undefined && opened !== undefined && attempt.entry.number > opened.entry.number;
  return closed ? undefined : opened?.entry;
}

/** What a wait lacked when entry `number` was written; nothing where it had come. */
export function lackOf(plan: Plan, own: readonly Entry[], wait: Wait, number: number): string | undefined {
  if (wait.kind === "ready") return lackOfReady(own, wait.gate, number);
  if (wait.kind === "applied") return lackOfApplied(plan, own, wait.node, number);
  if (openingBefore(plan, own, wait.node, number) !== undefined) return undefined;
  const later = ofType(own, "boundary.opened").find(
    ({ event, entry }) => event.node === wait.node && entry.number > number,
  );
  return later === undefined
    ? `${wait.node} had not converged`
    : `${wait.node} converged only later${naming(later.entry.number)}`;
}

function lackOfReady(own: readonly Entry[], gate: PlanGate, number: number): string | undefined {
  const passed = ofType(own, "gate.passed").some(({ event, entry }) => event.gate === gate.id && entry.number < number);
  const overridden = overridesOf(own, gate.id).some((entry) => entry.number < number);
  return passed || overridden ? undefined : `${gate.id} had not passed`;
}

function lackOfApplied(plan: Plan, own: readonly Entry[], node: NodeId, number: number): string | undefined {
  const missing = stepsIn(plan, node).filter((step) => !appliedBefore(own, step, number));
  return missing.length === 0 ? undefined : `${missing.join(", ")} had not been applied`;
}

/** The newest outcome of a step before entry `number` was a success, by the engine's word or a person's. */
export function appliedBefore(own: readonly Entry[], step: NodeId, number: number): boolean {
  const last = newestBefore(
    ofType(own, "operation.intended", "operation.succeeded", "operation.failed", "operation.settled").filter(
      ({ entry }) => entry.step === step,
    ),
    number,
  );
  if (last?.event.type === "operation.settled") return last.event.as === "succeeded";
  return last?.event.type === "operation.succeeded";
}

/** Signed words that let a gate or a boundary be passed. */
export function overridesOf(own: readonly Entry[], about: string): readonly Entry[] {
  return own.filter((entry) => wordsOf(entry).verb === "overridden" && textOf(entry, "gate", "node") === about);
}
