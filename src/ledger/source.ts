/** Where a record is read from to be verified: the database, page by page, the next one asked for while one is checked. */
import type { SampleRow } from "./claims.js";
import type { Database } from "./database.js";
import { ENTRY_COLUMNS, type EntryRow } from "./entry-row.js";
import type { KeyRecord } from "./keys.js";
import { recordedKeys } from "./keys.js";
import type { Head } from "./memory.js";

/** An entry's row; `derived` says whether the column derived from its text agrees with it. */
export type CheckedRow = EntryRow & { readonly derived: boolean };

export interface RunRow {
  readonly run: string;
  readonly version: number;
  readonly last: number;
}

/** A record that can be read once, in this order: head, keys, entries, samples, runs. */
export interface Source {
  /** What the record says of its own end, and the greatest number that there is. */
  head(): Promise<Head & { readonly newest: number }>;
  keys(): Promise<readonly KeyRecord[]>;
  pages(after: number, to: number): AsyncIterable<readonly CheckedRow[]>;
  /** Hashes of entries as they stand, unchecked. */
  hashes(numbers: readonly number[]): Promise<ReadonlyMap<number, string>>;
  /** Raw looks of these runs, for each target in order; all of them where none are named. */
  samples(runs?: readonly string[]): AsyncIterable<readonly SampleRow[]>;
  /** The index of runs; absent where the record has none. */
  runs?(): Promise<readonly RunRow[]>;
}

const PAGE = 2000;
/** Runs whose looks are asked for at once. */
const RUNS = 200;

/** The record in a database. */
export function databaseSource(database: Database): Source {
  return {
    head: () => readHead(database),
    keys: () => recordedKeys(database),
    pages: (after, to) => ahead(pages(database, after, to)),
    hashes: (numbers) => hashes(database, numbers),
    samples: (runs) => ahead(samples(database, runs)),
    runs: () => runs(database),
  };
}

async function readHead(database: Database): Promise<Head & { readonly newest: number }> {
  const [row] = await database.ask<{ ledger: string; number: string; hash: string; newest: string }>(
    `select head.*, coalesce(newest.number, 0) as newest from evo.readable_head as head
      left join (select number from evo.readable_entries order by number desc limit 1) as newest on true`,
  );
  if (row === undefined) throw new Error("the ledger has no head");
  return { ledger: row.ledger, number: Number(row.number), hash: row.hash, newest: Number(row.newest) };
}

async function* pages(database: Database, after: number, to: number): AsyncGenerator<readonly CheckedRow[]> {
  // A stretch of numbers, not a limit: whatever the planner believes of a table that has just grown, it reads no more.
  const sql = `select ${ENTRY_COLUMNS}, body is not distinct from text::jsonb as derived from evo.readable_entries
    where number > $1 and number <= $2 order by number`;
  for (let last = after; last < to; last += PAGE) {
    const rows = await database.ask<CheckedRow>(sql, [last, Math.min(last + PAGE, to)]);
    // Where a page is missing, all that could be said of what lies behind is that it does not follow.
    if (rows.length === 0) return;
    yield rows;
  }
}

async function hashes(database: Database, numbers: readonly number[]): Promise<ReadonlyMap<number, string>> {
  if (numbers.length === 0) return new Map();
  const sql = "select number, hash from evo.readable_entries where number = any($1)";
  const rows = await database.ask<{ number: string; hash: string }>(sql, [numbers]);
  return new Map(rows.map(({ number, hash }) => [Number(number), hash]));
}

async function* samples(
  database: Database,
  wanted: readonly string[] | undefined,
): AsyncGenerator<readonly SampleRow[]> {
  const all = wanted ?? (await database.ask<{ run: string }>(ALL_RUNS)).map(({ run }) => run);
  for (let at = 0; at < all.length; at += RUNS) yield* samplesOf(database, all.slice(at, at + RUNS));
}

const ALL_RUNS = `with recursive known as (
    (select run from evo.readable_samples order by run limit 1)
    union all
    select (select run from evo.readable_samples where run > known.run order by run limit 1) from known
      where known.run is not null)
  select run from known where run is not null`;

type SampleColumns = { readonly [key in keyof SampleRow]: string };

async function* samplesOf(database: Database, some: readonly string[]): AsyncGenerator<readonly SampleRow[]> {
  const sql = `select run, gate, target, number, began, text from evo.readable_samples
    where run = any($1) and (run, gate, target, number, began) > ($2, $3, $4, $5, $6)
    order by run, gate, target, number, began limit ${PAGE}`;
  for (let last = ["", "", "", "-1", "0"]; ; ) {
    const rows = await database.ask<SampleColumns>(sql, [some, ...last]);
    if (rows.length > 0) yield rows.map((row) => ({ ...row, number: Number(row.number), began: Number(row.began) }));
    const end = rows.at(-1);
    if (rows.length < PAGE || end === undefined) return;
    last = [end.run, end.gate, end.target, end.number, end.began];
  }
}

async function runs(database: Database): Promise<readonly RunRow[]> {
  const sql = "select run, version, last from evo.readable_runs";
  const rows = await database.ask<{ run: string; version: string; last: string }>(sql);
  return rows.map(({ run, version, last }) => ({ run, version: Number(version), last: Number(last) }));
}

/** Asks for the next page while the one before it is looked at. */
async function* ahead<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = source.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done) return;
      next = source.next();
      yield value;
    }
  } finally {
    next.catch(() => undefined);
    await source.return(undefined).catch(() => undefined);
  }
}
