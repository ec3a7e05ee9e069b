/** What the run machine and the commands read: entries, runs, leases, looks. Lists of entries: entries.ts. */
import type { GateId } from "../plan/model.js";
import type { RunId } from "../run/events.js";
import type { Entry, LeaseHolder, Sample } from "../run/ports.js";
import type { Database } from "./database.js";
import { ENTRY_COLUMNS, type EntryRow } from "./entry-row.js";
import { type LeaseRow, toEntry, toHolder, toSoundEntry } from "./rows.js";

/** One run, as the ledger knows it without folding its entries. Times are ISO 8601 by the database's clock. */
export interface RunSummary {
  readonly run: RunId;
  readonly sequence?: string;
  readonly rehearsal: boolean;
  readonly started: string;
  readonly last: { readonly number: number; readonly type: string; readonly time: string };
  /** How many entries it has: the version that an append expects. */
  readonly version: number;
}

export interface RunFilter {
  readonly sequence?: string;
  readonly rehearsal?: boolean;
  /** Only runs that have neither completed nor been aborted. */
  readonly unfinished?: boolean;
  /** The newest so many. */
  readonly limit?: number;
}

/** SQL conditions and the values that go with them; `?` stands for the value's place. */
function where(conditions: readonly (readonly [sql: string, value: unknown])[]): { sql: string; values: unknown[] } {
  const given = conditions.filter(([, value]) => value !== undefined);
  const parts = given.map(([sql], i) => sql.replaceAll("?", `$${i + 1}`));
  return { sql: parts.length === 0 ? "true" : parts.join(" and "), values: given.map(([, value]) => value) };
}

/** One entry, or nothing when there is none of that number. */
export async function entry(database: Database, number: number): Promise<Entry | undefined> {
  const sql = `select ${ENTRY_COLUMNS} from evo.readable_entries where number = $1`;
  const [row] = await database.ask<EntryRow>(sql, [number]);
  return row && toEntry(row);
}

/** All entries of one run, in order, each with its hash checked: a run goes on only from what was recorded. */
export async function load(database: Database, run: RunId, after = 0): Promise<readonly Entry[]> {
  const sql = `select ${ENTRY_COLUMNS} from evo.readable_entries where run = $1 and number > $2 order by number`;
  return (await database.ask<EntryRow>(sql, [run, after])).map(toSoundEntry);
}

interface RunRow {
  readonly run: string;
  readonly sequence: string | null;
  readonly rehearsal: boolean;
  readonly version: string;
  readonly last: string;
  readonly started: string;
  readonly last_type: string;
  readonly last_time: string;
}

function toSummary(row: RunRow): RunSummary {
  return {
    run: row.run,
    ...(row.sequence === null ? {} : { sequence: row.sequence }),
    rehearsal: row.rehearsal,
    started: row.started,
    last: { number: Number(row.last), type: row.last_type, time: row.last_time },
    version: Number(row.version),
  };
}

const UNFINISHED = `not exists (select from evo.readable_entries as entry
  where entry.run = known.run and entry.type in ('run.completed', 'run.aborted', 'run.recovered'))`;

/** Runs, newest first. */
export async function runs(database: Database, filter: RunFilter): Promise<readonly RunSummary[]> {
  const { sql, values } = where([
    ["sequence = ?", filter.sequence],
    ["rehearsal = ?", filter.rehearsal],
  ]);
  const limit = filter.limit === undefined ? "" : `limit ${Math.max(0, Math.floor(filter.limit))}`;
  const open = filter.unfinished ? `and ${UNFINISHED}` : "";
  const text = `select * from evo.readable_runs as known where ${sql} ${open} order by first desc ${limit}`;
  return (await database.ask<RunRow>(text, values)).map(toSummary);
}

/** Leases that are held, oldest first: those that are live, or those of one run, expired ones included. */
export async function leases(database: Database, run?: RunId): Promise<readonly LeaseHolder[]> {
  const which = run === undefined ? "live" : "not released and holder ->> 'run' = $1";
  const sql = `select * from evo.readable_leases where ${which} order by since, resource`;
  return (await database.ask<LeaseRow>(sql, run === undefined ? [] : [run])).map(toHolder);
}

/** The raw looks of a gate, by target and in the order in which they were begun. */
export async function samples(database: Database, run: RunId, gate: GateId): Promise<readonly Sample[]> {
  const sql =
    "select target, text from evo.readable_samples where run = $1 and gate = $2 order by target, began, number";
  const rows = await database.ask<{ target: string; text: string }>(sql, [run, gate]);
  return rows.map(({ target, text }) => ({ run, gate, target, measurement: JSON.parse(text) }));
}

/** The number of the last look of each gate and target of a run. */
export async function sampled(
  database: Database,
  run: RunId,
): Promise<readonly { readonly gate: GateId; readonly target: string; readonly last: number }[]> {
  const sql = "select gate, target, max(number) as last from evo.readable_samples where run = $1 group by gate, target";
  const rows = await database.ask<{ gate: string; target: string; last: string }>(sql, [run]);
  return rows.map(({ gate, target, last }) => ({ gate, target, last: Number(last) }));
}
