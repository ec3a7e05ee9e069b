/** The declared order beside the actual one. Pure. */
import type { NodeId, Plan } from "../../plan/model.js";
import type { Entry } from "../../run/ports.js";
import { putBackBy } from "../put-back.js";
import type { OrderRow } from "./model.js";
import { ofType, type Read } from "./reading.js";
import { lackOf, waitsOf } from "./waits.js";

interface Place {
  readonly step: NodeId;
  readonly label: string;
}

/** Every step with its place, in declared order. */
function placesOf(plan: Plan): readonly Place[] {
  const roots = plan.nodes.filter((node) => node.parent === undefined);
  return roots.flatMap(({ id }, at) => placesBelow(plan, id, String(at + 1)));
}

function placesBelow(plan: Plan, id: NodeId, label: string): readonly Place[] {
  const node = plan.nodes.find((candidate) => candidate.id === id);
  if (node?.kind !== "group") return [{ step: id, label }];
  return node.members.flatMap((member, at) =>
    placesBelow(plan, member, node.group === "serial" ? `${label}.${at + 1}` : `${label}${letter(at)}`),
  );
}

/** a, b, … z, then 27, 28: a group may have many members. */
function letter(at: number): string {
  return at < 26 ? String.fromCharCode(97 + at) : `/${at + 1}`;
}

/** One row an attempt, in declared order; steps that never started have a row, too. */
export function orderOf(plan: Plan, own: readonly Entry[]): readonly OrderRow[] {
  const starts = ofType(own, "operation.intended");
  return placesOf(plan).flatMap(({ step, label }) => {
    const attempts = starts.filter(({ event }) => event.step === step);
    if (attempts.length === 0) return [{ declared: label, step, early: [] }];
    return attempts.map((start) => rowOf(plan, own, label, start, starts.indexOf(start) + 1));
  });
}

function rowOf(
  plan: Plan,
  own: readonly Entry[],
  declared: string,
  { entry, event }: Read<"operation.intended">,
  actual: number,
): OrderRow {
  const { step, stack, attempt, operation } = event;
  const ended = endOf(own, operation);
  const asOf = putBackBy(event);
  return {
    declared,
    actual,
    step,
    stack,
    attempt,
    ...(asOf === undefined ? {} : { asOf }),
    started: { entry: entry.number, time: entry.time },
    early: waitsOf(plan, step).flatMap((wait) => lackOf(plan, own, wait, entry.number) ?? []),
    ...(ended === undefined ? {} : { ended }),
  };
}

/** How an operation ended, as its newest entry about that says. */
function endOf(own: readonly Entry[], operation: string): OrderRow["ended"] {
  const last = ofType(own, "operation.succeeded", "operation.failed", "operation.unresolved", "operation.settled")
    .filter(({ event }) => event.operation === operation)
    .at(-1);
  if (last === undefined) return undefined;
  const { number, time } = last.entry;
  const common = { entry: number, time };
  switch (last.event.type) {
    case "operation.succeeded":
      return { ...common, how: "succeeded", counts: last.event.changes.counts };
    case "operation.failed":
      return { ...common, how: last.event.how, reason: last.event.reason };
    case "operation.unresolved":
      return { ...common, how: "unresolved", reason: last.event.facts.join("; ") };
    case "operation.settled":
      return { ...common, how: `settled as ${last.event.as}`, reason: last.event.reason };
  }
}
