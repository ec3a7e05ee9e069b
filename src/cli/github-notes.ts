/** What of a run is worth an annotation on GitHub: failed operations, halts, holds, pauses. Pure. */
import type { SourceLocation } from "../errors.js";
import type { RunEvent } from "../run/events.js";
import { lastAttempt, type RunState } from "../run/state.js";
import { describeEvent } from "../views/lines.js";
import type { Annotation } from "./github.js";

/** Where in the author's files a step or a group stands. */
export type WhereIs = (node: string | undefined) => SourceLocation | undefined;

/** The note for an event, with the state that it led to. */
export function noteOf(event: RunEvent, state: RunState, where: WhereIs): Annotation | undefined {
  const message = describeEvent(event) ?? "";
  const name = state.started.plan.sequence.name;
  switch (event.type) {
    case "operation.failed": {
      const step = stepOf(state, event.operation);
      // What a person stopped, or what will be tried again at once, is no error of the step.
      const severity = event.how === "cancelled" || event.how === "absent" ? "warning" : "error";
      return { severity, title: `${name}: ${step} ${event.how}`, message, at: where(step) };
    }
    case "operation.unresolved": {
      const step = stepOf(state, event.operation);
      return { severity: "error", title: `${name}: ${step} unresolved`, message, at: where(step) };
    }
    case "run.halted":
      if (isSaid(state, event)) return undefined;
      return { severity: "error", title: `${name} halted: ${event.cause}`, message, at: where(event.node) };
    case "run.held": {
      const title = `${name}: ${event.node} is held by ${event.gate}`;
      return { severity: "warning", title, message: `${message}\n${event.reason}`, at: where(event.node) };
    }
    case "run.paused":
      return { severity: "notice", title: `${name} paused`, message, at: where(undefined) };
    default:
      return undefined;
  }
}

/** A halt for an operation that has been noted already: the runner shows ten notes of a kind, not more. */
function isSaid(state: RunState, { cause, node }: RunEvent & { type: "run.halted" }): boolean {
  const outcome = node === undefined ? undefined : lastAttempt(state, node)?.outcome;
  return cause.startsWith("operation-") && outcome !== undefined && outcome.status !== "absent";
}

function stepOf(state: RunState, operation: string): string {
  const found = Object.entries(state.steps).find(([, all]) => all.some((attempt) => attempt.operation === operation));
  return found?.[0] ?? operation;
}
