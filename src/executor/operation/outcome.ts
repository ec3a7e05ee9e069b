/** How an operation ended, as far as its engine's exit and events tell. Pure. */
import type { ChangeSet } from "../../run/events.js";
import type { OperationOutcome } from "../../run/ports.js";
import { changesOf, type OperationState } from "./state.js";

export interface Ending {
  /** What the engine wrote to its standard error, redacted. */
  readonly stderr: string;
  /** What the program wrote to its own, redacted. */
  readonly programErrors: readonly string[];
  readonly checkpoint?: string;
}

/** Longest reason, in characters. */
const LONGEST = 2_000;
/** So many resources are named in a reason; the entry carries all of them. */
const NAMED = 10;

/** The outcome of an operation whose last engine process has exited. */
export function outcomeOf(state: OperationState, ending: Ending): OperationOutcome {
  const ended = state.ended ?? Date.now();
  const times = { began: state.began ?? ended, ended };
  const checkpoint = ending.checkpoint === undefined ? {} : { checkpoint: ending.checkpoint };
  const code = state.call === undefined ? undefined : state.exits[state.call]?.code;
  const done = code === 0 && state.call !== "preview";
  if (done && !state.surprised)
    return { status: "succeeded", ...times, changes: changesOf(state, "update", ended), ...checkpoint };
  const how = { ...times, changes: changesTold(state, ended), ...checkpoint };
  if (state.refused !== undefined && !state.cancelled) {
    const late = done ? " (the engine had finished before it could be stopped)" : "";
    return { status: "refused", reason: state.refused + late, ...how };
  }
  if (state.cancelled) return { status: "cancelled", reason: cancelReason(state), ...how };
  const lock = lockedBy(state, ending);
  if (lock !== undefined) return { status: "locked", reason: lock, ...how };
  return { status: "failed", reason: failureReason(state, ending), ...how };
}

/** The engine takes the stack's lock before it does anything: what has had an effect was not kept out by one. */
function lockedBy(state: OperationState, ending: Ending): string | undefined {
  if (state.seen.update.some((one) => one.kind === "done")) return undefined;
  return lockReason([ending.stderr, ...errorsTold(state)].join("\n"));
}

function errorsTold(state: OperationState): readonly string[] {
  return [...state.seen.preview, ...state.seen.update]
    .flatMap((one) => (one.kind === "diagnostic" && one.severity === "error" ? [one.message] : []))
    .filter((message) => !/^(update|preview|destroy|refresh) failed$/.test(message));
}

/** What was only planned is no change; its diagnostics are worth keeping. */
function changesTold(state: OperationState, ended: number): ChangeSet {
  if (state.accepted) return changesOf(state, "update", ended);
  return { ...changesOf(state, "preview", ended), counts: {}, resources: [] };
}

function cancelReason(state: OperationState): string {
  if (!state.accepted) return "cancelled before its update had begun; nothing was changed";
  const done = state.seen.update.flatMap((one) =>
    one.kind === "done" && one.op !== "same" && !/::pulumi:(pulumi:Stack|providers:\w[^:]*)::/.test(one.urn)
      ? [`${one.op} ${one.urn.split("::").at(-1)}`]
      : [],
  );
  const named = done.length > NAMED ? [...done.slice(0, NAMED), `${done.length - NAMED} more`] : done;
  const what = named.length === 0 ? "nothing" : named.join(", ");
  return `cancelled during its update, which had done: ${what}; the engine finished what it was doing`;
}

/** gRPC's words, and the network's, for an answer that never came. */
const NO_ANSWER =
  /error reading from server|transport is closing|connection reset by peer|broken pipe|unexpected EOF|deadline exceeded/i;

/** Why it is not known whether an effect of this update has been made, though the engine has ended. */
export function doubtsOf(state: OperationState): readonly string[] {
  const errors = state.seen.update.flatMap((one) =>
    one.kind === "diagnostic" && one.severity === "error" ? [one] : [],
  );
  const doubts = errors.flatMap(({ urn, message }) => {
    if (/failed to save snapshot/.test(message))
      return ["the engine could not write its checkpoint: what it did last may be missing there"];
    // One without a resource, or of the stack, is about the connection to the program.
    if (urn === undefined || /::pulumi:pulumi:Stack::/.test(urn) || !NO_ANSWER.test(message)) return [];
    return [`the provider gave no answer about ${urn}: what it was asked to do may have been done`];
  });
  return [...new Set(doubts)];
}

/** Why the engine failed, in its own words where it has some. */
export function failureReason(state: OperationState, ending: Ending): string {
  const told = errorsTold(state);
  const lock = lockReason([ending.stderr, ...told].join("\n"));
  if (lock !== undefined) return lock;
  const stderr = ending.stderr.replace(/^error: /gm, "").trim();
  const reason =
    told.length > 0 ? [...new Set(told)].slice(0, 3).join("\n") : stderr || ending.programErrors.join("\n");
  const exit = state.call === undefined ? undefined : state.exits[state.call];
  return (reason || `the engine ended with ${exit?.signal ?? `exit code ${exit?.code ?? "unknown"}`}`).slice(
    0,
    LONGEST,
  );
}

/** Who holds the stack, as the backend tells. Source: pkg/backend/diy/lock.go; Pulumi Cloud answers 409. */
export function lockReason(text: string): string | undefined {
  if (/Another update is currently in progress/.test(text)) {
    return `the stack is locked: another update is in progress at its backend\n${text.trim()}`.slice(0, LONGEST);
  }
  if (!/stack is currently locked by/.test(text)) return undefined;
  const holders = [...text.matchAll(/created by (\S+)@(\S+) \(pid (\d+)\) at (\S+)/g)];
  const named = holders.map(([, user, host, pid, since]) => `${user} on ${host} (pid ${pid}) since ${since}`);
  return `the stack is locked by ${named.join(" and ") || "another process"}`;
}
