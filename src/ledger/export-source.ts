/**
 * An export (docs/ledger-format.md): JSON lines, in this order: the ledger and its head, keys, checkpoints, entries, raw
 * looks. It is read once, line by line, so that its size doesn't matter.
 */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { EvoError, EXIT } from "../errors.js";
import type { SampleRow } from "./claims.js";
import type { EntryRow } from "./entry-row.js";
import type { KeyRecord } from "./keys.js";
import type { CheckedRow, Source } from "./source.js";

/** What the first line holds. */
export interface ExportHeader {
  readonly format: typeof EXPORT_FORMAT;
  readonly id: string;
  /** Of the newest entry. */
  readonly number: number;
  readonly hash: string;
}

export const EXPORT_FORMAT = "evo.export/1";

/** An entry as a line has it: the row's columns, numbers as numbers, without the ledger, which the first line names. */
export type ExportedEntry = Omit<EntryRow, "ledger" | "number" | "cause_numbers"> & {
  readonly number: number;
  readonly cause_numbers: readonly number[];
};

interface Kinds {
  readonly ledger: ExportHeader;
  readonly key: KeyRecord;
  readonly checkpoint: string;
  readonly entry: ExportedEntry;
  readonly sample: SampleRow;
}

/** A line: one of these keys. */
export type ExportLine = { readonly [kind in keyof Kinds]?: Kinds[kind] };

/** A record in a file, with the checkpoints that it brings along. */
export interface ExportSource extends Source {
  checkpoints(): Promise<readonly string[]>;
}

const BEGINNING = '{"ledger":';
const PAGE = 2000;

/** Whether a file begins as an export does. Errors: `usage` (exit 2) where it can't be read. */
export async function isExport(file: string): Promise<boolean> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw new EvoError("usage", `${file} can't be read: ${error.code}`, { remedy: "give a file that exists" });
  });
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(BEGINNING.length), position: 0 });
    return buffer.toString("utf8", 0, bytesRead) === BEGINNING;
  } finally {
    await handle.close();
  }
}

/** Opens a file that must be an export. Errors: `usage` (exit 2) where it can't be read, `ledger.export` (exit 10). */
export async function openExport(file: string): Promise<ExportSource> {
  if (await isExport(file)) return exportSource(file);
  throw noExport(file, 1);
}

/** An export. Errors, while it is read: `ledger.export` (exit 10) on a line that is none of an export. */
export function exportSource(file: string): ExportSource {
  const lines = readLines(file);
  const header = lines.next("ledger").then((found) => {
    if (found?.format === EXPORT_FORMAT) return found;
    throw noExport(file, 1);
  });
  header.catch(() => undefined); // Said to whoever asks for the head.
  const all = async <K extends keyof Kinds>(kind: K): Promise<readonly Kinds[K][]> => {
    await header;
    const found: Kinds[K][] = [];
    for (let line = await lines.next(kind); line !== undefined; line = await lines.next(kind)) found.push(line);
    return found;
  };
  // Keys stand before checkpoints, whichever is asked for first.
  const keys = all("key");
  const checkpoints = keys.then(() => all("checkpoint"));
  checkpoints.catch(() => undefined);
  return {
    async head() {
      const { id, number, hash } = await header;
      return { ledger: id, number, hash, newest: number };
    },
    keys: () => keys,
    checkpoints: () => checkpoints,
    async *pages() {
      await checkpoints;
      const { id } = await header;
      yield* inPages(lines, "entry", (entry) => toRow(id, entry));
    },
    hashes: async () => new Map(),
    samples: () => inPages(lines, "sample", (sample) => sample),
  };
}

interface Lines {
  /** What the next line holds, if it is of this kind; else nothing, and the line stays the next one. */
  next<K extends keyof Kinds>(kind: K): Promise<Kinds[K] | undefined>;
}

function readLines(file: string): Lines {
  const source = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  const iterator = source[Symbol.asyncIterator]();
  let number = 0;
  let waiting: ExportLine | undefined;
  const advance = async (): Promise<ExportLine | undefined> => {
    const { done, value } = await iterator.next();
    number += 1;
    return done ? undefined : parse(file, number, value);
  };
  return {
    async next(kind) {
      waiting ??= await advance();
      const found = waiting?.[kind];
      if (found !== undefined) waiting = undefined;
      return found;
    },
  };
}

function parse(file: string, number: number, line: string): ExportLine {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Said below.
  }
  throw noExport(file, number);
}

async function* inPages<K extends keyof Kinds, T>(
  lines: Lines,
  kind: K,
  to: (value: Kinds[K]) => T,
): AsyncGenerator<readonly T[]> {
  for (;;) {
    const page: T[] = [];
    while (page.length < PAGE) {
      const value = await lines.next(kind);
      if (value === undefined) break;
      page.push(to(value));
    }
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
  }
}

/** Nothing is derived in a file. */
function toRow(ledger: string, entry: ExportedEntry): CheckedRow {
  const { number, cause_numbers } = entry;
  return { ...entry, ledger, number: String(number), cause_numbers: cause_numbers.map(String), derived: true };
}

function noExport(file: string, line: number): EvoError {
  return new EvoError("ledger.export", `line ${line} of ${file} is none of an evo ledger's export`, {
    exit: EXIT.ledgerBroken,
    remedy: "give a file as evo ledger export has written it, whole",
  });
}
