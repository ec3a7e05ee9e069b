/**
 * Proves the record (invariant 7): numbers without gaps, each hash, the chain, causes that point back to what they name,
 * canonical text, what was derived from it, and the head. It streams and stops at the first entry that is wrong.
 */
import { canonical } from "../canonical.js";
import type { Entry } from "../run/ports.js";
import type { Database } from "./database.js";
import { entryHash, GENESIS } from "./encoding.js";
import { ENTRY_COLUMNS, type EntryRow, toEntry } from "./rows.js";

export interface VerifyOptions {
  /** Called after each page with the entries checked and the entries in all. */
  readonly progress?: (checked: number, total: number) => void;
}

export interface VerifyResult {
  readonly ledger: string;
  /** Entries that were found right: 1 to this number. */
  readonly checked: number;
  /** The hash of the newest entry, as the database says. */
  readonly head: string;
  /** The first number at which the record is wrong; absent when it is sound. */
  readonly broken?: { readonly number: number; readonly reason: string };
}

interface Head {
  readonly ledger: string;
  readonly number: number;
  readonly hash: string;
}

type CheckedRow = EntryRow & { readonly derived: boolean };

const PAGE = 2000;

/** The hashes seen so far, 32 bytes each, so that causes can be checked without asking again. */
interface Trail {
  count: number;
  hashes: Buffer;
  readonly runs: Map<string, { version: number; last: number }>;
}

function remember(trail: Trail, entry: Entry): void {
  if (trail.hashes.length < (trail.count + 1) * 32) trail.hashes = Buffer.concat([trail.hashes, Buffer.alloc(1 << 20)]);
  trail.hashes.write(entry.hash, trail.count * 32, "hex");
  trail.count += 1;
  if (entry.run === undefined) return;
  trail.runs.set(entry.run, { version: (trail.runs.get(entry.run)?.version ?? 0) + 1, last: entry.number });
}

function hashOf(trail: Trail, number: number): string {
  if (number === 0) return GENESIS;
  return trail.hashes.toString("hex", (number - 1) * 32, number * 32);
}

/** What is wrong with an entry that follows the trail, or nothing. */
function fault(entry: Entry, derived: boolean, trail: Trail): string | undefined {
  if (entryHash(entry) !== entry.hash) return "its content is not what its hash was taken over";
  if (entry.previous !== hashOf(trail, trail.count)) return "it does not follow the entry before it";
  if (canonical(entry.body) !== entry.text) return "its body is not canonical JSON";
  if (!derived) return "the column derived from its body differs from it";
  for (const cause of entry.causes) {
    if (cause.number < 1 || cause.number > trail.count) return `its cause ${cause.number} is not an earlier entry`;
    if (cause.hash !== hashOf(trail, cause.number)) return `its cause ${cause.number} has another hash`;
  }
  return undefined;
}

function faultOfRow(row: CheckedRow, trail: Trail): { number: number; reason: string } | undefined {
  const expected = trail.count + 1;
  if (Number(row.number) !== expected) return { number: expected, reason: "it is missing" };
  try {
    const entry = toEntry(row);
    const reason = fault(entry, row.derived, trail);
    if (reason !== undefined) return { number: expected, reason };
    remember(trail, entry);
    return undefined;
  } catch {
    return { number: expected, reason: "its body is not JSON" };
  }
}

async function readHead(database: Database): Promise<Head & { readonly newest: number }> {
  const [row] = await database.ask<{ ledger: string; number: string; hash: string; newest: string }>(
    `select head.*, (select coalesce(max(number), 0) from evo.readable_entries) as newest from evo.readable_head as head`,
  );
  if (row === undefined) throw new Error("the ledger has no head");
  return { ledger: row.ledger, number: Number(row.number), hash: row.hash, newest: Number(row.newest) };
}

async function readPage(database: Database, after: number, to: number): Promise<CheckedRow[]> {
  return database.ask<CheckedRow>(
    `select ${ENTRY_COLUMNS}, body is not distinct from text::jsonb as derived from evo.readable_entries
     where number > $1 and number <= $2 order by number limit ${PAGE}`,
    [after, to],
  );
}

/** The index of runs must say what the entries say; a run that has grown meanwhile is left for the next time. */
async function faultOfRuns(database: Database, trail: Trail): Promise<{ number: number; reason: string } | undefined> {
  const sql = "select run, version, last from evo.readable_runs";
  const rows = await database.ask<{ run: string; version: string; last: string }>(sql);
  for (const row of rows) {
    const seen = trail.runs.get(row.run);
    trail.runs.delete(row.run);
    if (Number(row.last) > trail.count) continue;
    if (seen?.version === Number(row.version) && seen.last === Number(row.last)) continue;
    return { number: Number(row.last), reason: `the index of runs is wrong about run ${row.run}` };
  }
  const [lost] = trail.runs;
  return lost && { number: lost[1].last, reason: `the index of runs has lost run ${lost[0]}` };
}

async function firstFault(
  database: Database,
  head: Head & { readonly newest: number },
  trail: Trail,
  options: VerifyOptions,
): Promise<{ number: number; reason: string } | undefined> {
  if (head.newest > head.number) return { number: head.number + 1, reason: "it lies beyond the head" };
  while (trail.count < head.number) {
    const rows = await readPage(database, trail.count, head.number);
    for (const row of rows) {
      const found = faultOfRow(row, trail);
      if (found !== undefined) return found;
    }
    if (rows.length === 0) return { number: trail.count + 1, reason: "it is missing" };
    options.progress?.(trail.count, head.number);
  }
  if (hashOf(trail, trail.count) !== head.hash) return { number: head.number, reason: "the head has another hash" };
  return faultOfRuns(database, trail);
}

/** Reads the whole record up to its head. Entries appended meanwhile are not looked at. */
export async function verify(database: Database, options: VerifyOptions = {}): Promise<VerifyResult> {
  const head = await readHead(database);
  const trail: Trail = { count: 0, hashes: Buffer.alloc(0), runs: new Map() };
  const found = await firstFault(database, head, trail, options);
  const result = { ledger: head.ledger, checked: trail.count, head: head.hash };
  return found === undefined ? result : { ...result, broken: found };
}
