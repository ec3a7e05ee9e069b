/**
 * Looks at a running engine and answers at its two holds. It believes only what the journal has taken, so that another
 * host can go on where this one died. Invariant 10 is kept here; its rules are in surprise.ts.
 */
import { type Redactor, secretsOf } from "../../redact.js";
import { type SignalName, signal, signalText } from "./directory.js";
import { parseEvent, programError, seenIn } from "./engine-events.js";
import type { Journal, JournalEntry, Seen } from "./journal.js";
import type { HostOrder } from "./order.js";
import { sessionMembers } from "./process-identity.js";
import { changesOf, fold, type OperationState, stepsOf } from "./state.js";
import { deleteRefusal, droppedSince, dropRefusal, previewRefusal, surpriseIn } from "./surprise.js";

/** Milliseconds that events may take from the engine to us after its program has ended. */
const GRACE = 2_000;
/** Lines of the program's standard error that are remembered, in memory, for the reason of a failure. */
const REMEMBERED = 20;

export interface Observer {
  state(): OperationState;
  /** Journals a line and takes it into the state; `durable` keeps it over the machine's death. */
  record(entry: JournalEntry, durable?: "durable"): void;
  /** One line of the engine's event log. */
  event(line: string): void;
  /** One line of plain-text secrets, to be masked from now on. */
  secret(line: string): void;
  /** Looks at the signals and does what is due. Called whenever something may have changed; cheap. */
  react(): void;
  /** How to stop the engine that is looked at. */
  attach(interrupt: () => void): void;
  /** What the program said last on its standard error; redacted, never journaled as such. */
  programErrors(): readonly string[];
}

/** `drain` reads what lies in the FIFOs; `now` is milliseconds since the epoch. */
export function createObserver(
  order: HostOrder,
  journal: Journal,
  redactor: Redactor,
  begin: OperationState,
  drain: () => void,
  now: () => number = Date.now,
): Observer {
  let state = begin;
  let interrupt: (() => void) | undefined;
  let graceEnds: number | undefined;
  const errors: string[] = [];
  const redact = redactor.apply;

  const record = (entry: JournalEntry, durable?: "durable"): void => {
    journal.write(entry);
    if (durable === "durable") journal.sync();
    state = fold(state, { at: now(), ...entry } as Parameters<typeof fold>[1]);
  };

  const stop = (): void => {
    interrupt?.();
    interrupt = undefined;
  };

  const refuse = (reason: string, surprise: boolean): void => {
    if (state.refused !== undefined) return;
    signal(order.directory, "refuse", reason);
    record({ line: "refused", reason, surprise }, "durable");
  };

  const see = (seen: Seen): void => {
    const phase = state.phase;
    record({ line: "seen", phase, seen });
    if (phase !== "update" || seen.kind !== "step") return;
    children(seen);
    if (order.verb === "refresh") return;
    const surprise = surpriseIn(stepsOf(state, "preview"), seen);
    if (surprise === undefined || state.refused !== undefined) return;
    refuse(surprise, true);
    stop();
  };

  const event = (line: string): void => {
    const parsed = parseEvent(line);
    if (parsed === undefined) return;
    const said = programError(parsed, redact);
    if (said !== undefined) errors.splice(0, errors.push(said) - REMEMBERED);
    const seen = seenIn(parsed, redact);
    if (seen !== undefined) see(seen);
  };

  const previewed = (): void => {
    if (state.previewed !== undefined || !isPreviewComplete(order, state)) return;
    const refusal = order.verb === "up" ? upRefusal(order, state) : undefined;
    const preview = changesOf(state, "preview", now());
    record({ line: "previewed", preview, ...(refusal === undefined ? {} : { refusal }) }, "durable");
    if (refusal !== undefined) refuse(refusal, false);
  };

  const answers = (): void => {
    const refusal = signalText(order.directory, "refuse");
    if (refusal !== undefined && state.refused === undefined) record({ line: "refused", reason: redact(refusal) });
    if (!state.accepted && given("accept")) record({ line: "accepted" }, "durable");
    if (!state.cancelled && given("cancel")) cancel();
  };

  const cancel = (): void => {
    record({ line: "cancelled" }, "durable");
    // A program that is held hears nothing of the interrupt: the refusal lets it end.
    if (!state.committed) signal(order.directory, "refuse", "the operation was cancelled");
    stop();
  };

  const evaluated = (): void => {
    if (!order.oneProcess || state.committed || state.refused !== undefined || state.cancelled) return;
    if (!state.held && given("held")) record({ line: "held" });
    if (!given("evaluated")) return;
    if (!state.evaluated) record({ line: "evaluated" });
    drain();
    const dropped = droppedSince(stepsOf(state, "preview"), stepsOf(state, "update"));
    const refusal = dropRefusal(dropped);
    graceEnds ??= now() + GRACE;
    if (refusal === undefined) commit();
    else if (now() < graceEnds) setTimeout(react, GRACE / 20);
    else refuse(refusal, true);
  };

  /** The engine's lock names only the engine; a provider that outlives it still finishes what it was asked to do. */
  const children = (seen: Seen): void => {
    const acts = seen.kind === "step" && !/^pulumi:(pulumi:Stack|providers:)/.test(seen.type);
    if (!acts || state.children.length > 0 || state.engine === undefined) return;
    record({ line: "children", processes: sessionMembers(state.engine.pid) });
  };

  const commit = (): void => {
    record({ line: "committed" }, "durable");
    signal(order.directory, "commit");
  };

  const given = (name: SignalName): boolean => signalText(order.directory, name) !== undefined;

  const react = (): void => {
    if (state.outcome !== undefined) return;
    answers();
    evaluated();
    previewed();
  };

  return {
    state: () => state,
    record,
    event: (line) => {
      event(line);
      previewed();
    },
    secret: (line) => {
      for (const value of secretsOf(parseSecrets(line))) redactor.add(value);
    },
    react,
    attach: (how) => {
      interrupt = how;
    },
    programErrors: () => errors,
  };
}

function parseSecrets(line: string): readonly string[] {
  try {
    return JSON.parse(line) as readonly string[];
  } catch {
    return [];
  }
}

/** A preview that failed has a summary, too; where the program was let into its update it cannot have failed. */
function isPreviewComplete(order: HostOrder, state: OperationState): boolean {
  if (state.held) return true;
  if (!order.oneProcess) return state.exits.preview?.code === 0;
  const { preview } = state.seen;
  const failed = preview.some((seen) => seen.kind === "diagnostic" && seen.severity === "error");
  return !failed && preview.some((seen) => seen.kind === "summary");
}

function upRefusal(order: HostOrder, state: OperationState): string | undefined {
  const steps = stepsOf(state, "preview");
  const refusal = previewRefusal(steps) ?? (order.options.expectNoDeletes === true ? deleteRefusal(steps) : undefined);
  if (refusal !== undefined || order.options.expectNoChanges !== true) return refusal;
  const counts = Object.entries(changesOf(state, "preview", 0).counts).filter(([op]) => op !== "same" && op !== "read");
  if (counts.length === 0) return undefined;
  return `no changes were expected, and the preview shows ${counts.map(([op, count]) => `${op} ${count}`).join(", ")}`;
}
