/** News of a run as plain lines, for terminals without a tree, logs and pipes. Pure: what is said depends on its arguments only. */
import type { Json, Measurement } from "../gates/model.js";
import type { RunEvent } from "../run/events.js";
import type { LeaseHolder } from "../run/ports.js";
import { counted, duration, planned, shown } from "./text.js";

/** The line for a recorded event; nothing for those that a person needn't see as they come. `run`: its name, to be said. */
export function describeEvent(event: RunEvent, run?: string): string | undefined {
  switch (event.type) {
    case "run.started":
      return `run${run === undefined ? "" : ` ${run}`} of ${event.plan.sequence.name} started${event.rehearsal === undefined ? "" : `, rehearsed in world ${event.rehearsal}`}`;
    case "run.adopted":
      return `driven by ${event.holder}`;
    case "operation.intended":
      return `${event.step}: ${event.verb}${event.attempt > 1 ? ` (attempt ${event.attempt})` : ""}, previewing`;
    case "operation.previewed":
      return `${stepOf(event.operation)}: preview: ${planned(event.preview.counts)}${event.refusal === undefined ? "" : `; refused: ${event.refusal}`}`;
    case "operation.succeeded":
      return `${stepOf(event.operation)}: updated, ${counted(event.changes.counts)}, ${duration(event.ended - event.began)}`;
    case "operation.failed":
      return `${stepOf(event.operation)}: ${event.how}: ${event.reason}`;
    case "operation.unresolved":
      return `${stepOf(event.operation)}: its outcome is unknown: ${event.facts.join("; ")}`;
    case "gate.measured":
      return undefined;
    case "gate.passed":
      return `${event.gate}: passed (${event.targets.map((target) => target.target).join(", ")})`;
    case "gate.failed":
    case "gate.errored":
    case "gate.inconclusive":
      return `${event.gate}: ${event.timedOut ? "timed out" : event.type.slice("gate.".length)}: ${event.reason}`;
    case "boundary.opened":
      return `${event.node}: converged`;
    case "run.held":
      return `${event.node}: held by ${event.gate}; still measuring`;
    case "run.halted":
      return `halted (${event.cause}): ${event.reason}`;
    case "run.paused":
      return `paused: ${event.reason}`;
    case "run.resumed":
      return `resumed: ${event.reason}`;
    case "run.completed":
      return "completed: every boundary has converged";
    case "run.aborted":
      return `aborted: ${event.reason}`;
  }
}

function stepOf(operation: string): string {
  return operation.split(".").at(-3) ?? operation;
}

/** `gateway/canary  eu-west-1  403, expected 200  12 s`: what a boundary waits for. */
export function describeLook(gate: string, target: string, look: Measurement, since: number): string {
  const waited = duration(look.ended - since);
  if (look.verdict === "pass") return `${gate}  ${target}  ${shown(look.observed)}, as expected`;
  if (look.verdict === "fail")
    return `${gate}  ${target}  ${shown(look.observed)}, expected ${shown(look.expected)}  ${waited}`;
  return `${gate}  ${target}  ${look.verdict}: ${look.message ?? shown(look.observed)}  ${waited}`;
}

/** Who holds what, and since when. */
export function describeHolder(lease: LeaseHolder): string {
  const parts = ["run", "sequence", "actor", "host", "pid"].flatMap((key) => {
    const value: Json | undefined = lease.holder[key];
    return value === undefined ? [] : [`${key} ${shown(value)}`];
  });
  return `${lease.resource} is held by ${parts.join(", ")} since ${lease.since}, until ${lease.expires} unless renewed`;
}
