/**
 * The journal: what an operation host saw, as one JSON object a line. It is an allow-list (invariant 11): types, URNs,
 * operations, property paths and redacted diagnostics; never a resource's state, a value or a debug diagnostic.
 */
import { closeSync, fdatasyncSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { ChangeSet, Diagnostic } from "../../run/events.js";
import type { OperationOutcome } from "../../run/ports.js";
import { JOURNAL } from "./directory.js";
import type { ProcessIdentity } from "./process-identity.js";

/** One process of the engine: the only one of an attempt, or its preview and then its update. */
export type Call = "attempt" | "preview" | "update";
/** What the engine is at: planning, or doing. */
export type Phase = "preview" | "update";

/** What is kept of an engine event. */
export type Seen =
  | {
      readonly kind: "step";
      readonly urn: string;
      readonly type: string;
      readonly op: string;
      readonly paths: readonly string[];
      readonly replaces: readonly string[];
      /** Of a provider resource: the version it runs at. */
      readonly version?: string;
    }
  | { readonly kind: "done"; readonly urn: string; readonly op: string }
  | ({ readonly kind: "diagnostic" } & Diagnostic)
  | { readonly kind: "summary"; readonly preview: boolean; readonly counts: { readonly [op: string]: number } };

export type JournalLine = { readonly at: number } & (
  | { readonly line: "hosted"; readonly host: ProcessIdentity; readonly engine: string }
  /**
   * Committed to disk before the engine is spawned: without this line no engine ever was. `checkpoint`: digest of the
   * engine's checkpoint at that moment, where it can be told cheaply.
   */
  | { readonly line: "spawning"; readonly call: Call; readonly checkpoint?: string }
  | { readonly line: "spawned"; readonly call: Call; readonly engine: ProcessIdentity }
  | { readonly line: "children"; readonly processes: readonly ProcessIdentity[] }
  | { readonly line: "seen"; readonly phase: Phase; readonly seen: Seen }
  | { readonly line: "previewed"; readonly preview: ChangeSet; readonly refusal?: string }
  | { readonly line: "accepted" | "held" | "evaluated" | "committed" | "cancelled" }
  /** `surprise`: evo itself stopped it in mid-update (invariant 10). */
  | { readonly line: "refused"; readonly reason: string; readonly surprise?: boolean }
  | { readonly line: "exited"; readonly call: Call; readonly code: number | null; readonly signal: string | null }
  | { readonly line: "outcome"; readonly outcome: OperationOutcome }
);

type WithoutTime<T> = T extends unknown ? Omit<T, "at"> : never;
/** A line before the journal has put the time to it. */
export type JournalEntry = WithoutTime<JournalLine>;

export interface Journal {
  /** Adds a line. A process's death doesn't lose it; `sync` keeps it over a machine's death too. */
  write(entry: JournalEntry): void;
  sync(): void;
  close(): void;
}

/** Opens the journal for appending. */
export function openJournal(directory: string, now: () => number = Date.now): Journal {
  const fd = openSync(join(directory, JOURNAL), "a", 0o600);
  return {
    write: (entry) => void writeSync(fd, `${JSON.stringify({ at: now(), ...entry })}\n`),
    sync: () => fdatasyncSync(fd),
    close: () => closeSync(fd),
  };
}

function parse(line: string): JournalLine | undefined {
  try {
    return JSON.parse(line) as JournalLine;
  } catch {
    return undefined;
  }
}

/** Reads lines as they come: each call returns the complete ones that were added since the last. */
export function journalReader(directory: string): () => readonly JournalLine[] {
  const path = join(directory, JOURNAL);
  let offset = 0;
  return () => {
    const added = readFrom(path, offset);
    const end = added.lastIndexOf(0x0a) + 1;
    offset += end;
    const lines = added.subarray(0, end).toString("utf8").split("\n");
    // A host that was killed in mid-write leaves a torn line, to which the next host's first line is glued.
    return lines
      .map((line) => parse(line) ?? parse(line.slice(line.lastIndexOf('{"at":'))))
      .filter((l) => l !== undefined);
  };
}

function readFrom(path: string, offset: number): Buffer {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= offset) return Buffer.alloc(0);
  const fd = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(size - offset);
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, offset));
  } finally {
    closeSync(fd);
  }
}

/** The whole journal as it stands; empty when there is none. */
export function readJournal(directory: string): readonly JournalLine[] {
  return journalReader(directory)();
}
