/** Follows an operation by its journal, from any process, and puts a new host in the place of a dead one. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OperationOutcome, OperationReport } from "../../run/ports.js";
import { watchDirectory } from "./directory.js";
import { type JournalLine, journalReader } from "./journal.js";
import { identifyProcess, isAlive, isStopped, type ProcessIdentity } from "./process-identity.js";
import { fold, initialState, type OperationState, stepsOf } from "./state.js";

export interface FollowOptions {
  readonly directory: string;
  readonly signal: AbortSignal;
  /** Starts a host that takes up the operation. */
  takeUp(): Promise<void>;
  /** What the backend says of an operation that has no directory here. */
  withoutDirectory(): Promise<OperationOutcome>;
}

/** Ends with an `ended` report, or without one when the signal aborts. */
export async function* followOperation(options: FollowOptions): AsyncGenerator<OperationReport, void, void> {
  const { directory, signal } = options;
  if (!existsSync(directory)) return void (yield { kind: "ended", outcome: await options.withoutDirectory() });
  const read = journalReader(directory);
  const changes = changeSource(directory, signal);
  let state = initialState();
  let previewed: OperationReport | undefined;
  try {
    while (!signal.aborted) {
      const lines = read();
      for (const line of lines) {
        state = fold(state, line);
        if (line.line === "previewed") previewed = previewReport(line, state);
      }
      // The word on a preview is for a living host: without one, an engine that is dead would seem to have been let go on.
      if (previewed !== undefined && (state.outcome !== undefined || hasHost(state))) {
        yield previewed;
        previewed = undefined;
      }
      if (state.outcome !== undefined) return void (yield { kind: "ended", outcome: state.outcome });
      if (lines.length > 0 && advanced(lines)) yield progress(state);
      if (lines.length === 0 && !hostLives(state)) await replaceHost(options, state.hosts.length);
      await changes.next();
    }
  } finally {
    changes.stop();
  }
}

function previewReport(
  { preview, refusal }: JournalLine & { line: "previewed" },
  { refused, before }: OperationState,
): OperationReport {
  const why = refusal ?? refused;
  const checkpoint = before === undefined ? {} : { checkpoint: before };
  return { kind: "previewed", preview, ...checkpoint, ...(why === undefined ? {} : { refusal: why }) };
}

function advanced(lines: readonly JournalLine[]): boolean {
  return lines.some((line) => line.line === "seen" || line.line === "spawned");
}

function progress(state: OperationState): OperationReport {
  if (state.engine === undefined) return { kind: "progress", phase: "starting", done: 0 };
  const done = state.seen[state.phase].filter((one) => one.kind === "done").length;
  const urn = stepsOf(state, state.phase).at(-1)?.urn;
  const phase = state.phase === "preview" ? ("previewing" as const) : ("updating" as const);
  const planned = state.phase === "update" ? { planned: stepsOf(state, "preview").length } : {};
  return { kind: "progress", phase, done, ...planned, ...(urn === undefined ? {} : { urn }) };
}

/** One that was stopped observes nothing more: it is killed, and another takes its place. The engine is never touched. */
function hostLives(state: OperationState): boolean {
  const host = state.hosts.at(-1);
  if (host === undefined || !isAlive(host)) return false;
  if (isStopped(host)) process.kill(host.pid, "SIGKILL");
  return true;
}

function hasHost({ hosts }: OperationState): boolean {
  const host = hosts.at(-1);
  return host !== undefined && isAlive(host);
}

/** One follower alone starts the new host: the file `taking-<n>` is its claim; one of a dead follower doesn't count. */
async function replaceHost({ directory, takeUp }: FollowOptions, number: number): Promise<void> {
  const claim = join(directory, `taking-${number}`);
  if (!claimed(claim)) return;
  try {
    await takeUp();
  } finally {
    rmSync(claim, { force: true });
  }
}

function claimed(claim: string): boolean {
  try {
    writeFileSync(claim, JSON.stringify(identifyProcess(process.pid)), { flag: "wx", mode: 0o600 });
    return true;
  } catch {
    if (!isAlive(claimant(claim))) rmSync(claim, { force: true });
    return false;
  }
}

function claimant(claim: string): ProcessIdentity {
  try {
    return JSON.parse(readFileSync(claim, "utf8")) as ProcessIdentity;
  } catch {
    return { pid: 0, start: "", boot: "" };
  }
}

interface Changes {
  next(): Promise<void>;
  stop(): void;
}

/** A change between two calls of `next` is not missed. */
function changeSource(directory: string, signal: AbortSignal): Changes {
  let changed = false;
  let wake: (() => void) | undefined;
  const tell = (): void => {
    changed = true;
    wake?.();
  };
  const stopWatching = watchDirectory(directory, tell);
  signal.addEventListener("abort", tell, { once: true });
  return {
    next: async () => {
      if (!changed) await new Promise<void>((resolve) => (wake = resolve));
      changed = false;
      wake = undefined;
    },
    stop: () => {
      stopWatching();
      signal.removeEventListener("abort", tell);
    },
  };
}
