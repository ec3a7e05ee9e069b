/** From where a run stands to the exit code that says so; the first cause wins (DESIGN 9). */
import { EXIT, type ExitCode } from "../errors.js";
import type { HaltCause } from "../run/events.js";
import type { RunState } from "../run/state.js";

const HALT_EXITS: { readonly [cause in HaltCause]: ExitCode } = {
  "operation-failed": EXIT.error,
  "operation-refused": EXIT.usage,
  "operation-unresolved": EXIT.awaitsPerson,
  "stack-locked": EXIT.locked,
  "gate-failed": EXIT.gateFailed,
  "gate-errored": EXIT.inconclusive,
  "gate-inconclusive": EXIT.inconclusive,
  "gate-timed-out": EXIT.inconclusive,
  inconsistent: EXIT.gateFailed,
  departed: EXIT.departures,
  "sources-changed": EXIT.awaitsPerson,
  "approval-outdated": EXIT.awaitsPerson,
};

/** The exit code of a command that drove this run as far as it went. */
export function exitOf(state: RunState): ExitCode {
  if (state.halt !== undefined) return HALT_EXITS[state.halt.cause];
  switch (state.status) {
    case "completed":
      return EXIT.done;
    case "aborted":
      return EXIT.aborted;
    default:
      return EXIT.awaitsPerson;
  }
}
