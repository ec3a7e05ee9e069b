/** Questions of people, each answered by one of the views that docs/ledger.md describes. */
import type { Json } from "../gates/model.js";
import type { NodeId } from "../plan/model.js";
import type { RunId } from "../run/events.js";
import type { Entry } from "../run/ports.js";
import type { Database } from "./database.js";
import { stacksLike } from "./entries.js";
import { ENTRY_COLUMNS, type EntryRow } from "./entry-row.js";
import { toEntry } from "./rows.js";

/** As what an entry takes part in the audit of a run; see `evo.readable_audit`. */
export type AuditPart = "own" | "evidence" | "origin" | "answer" | "departure";

export interface AuditedEntry {
  readonly part: AuditPart;
  readonly entry: Entry;
}

const PAGE = 500;

/** What an audit of a run needs, in order; an entry may come twice. Nothing for a run that the ledger doesn't know. */
export async function audited(database: Database, run: RunId): Promise<readonly AuditedEntry[]> {
  const sql = `select part, ${ENTRY_COLUMNS} from evo.readable_audit where audited = $1 and number > $2
    order by number limit ${PAGE}`;
  const all: AuditedEntry[] = [];
  for (let after = 0; ; after = all.at(-1)?.entry.number ?? 0) {
    const rows = await database.ask<EntryRow & { readonly part: AuditPart }>(sql, [run, after]);
    for (const row of rows) all.push({ part: row.part, entry: toEntry(row) });
    if (rows.length < PAGE) return all;
  }
}

/** An entry and what led to it, or what followed from it; at most `most` entries, the nearest, by number. */
export async function related(
  database: Database,
  number: number,
  direction: "causes" | "effects",
  most: number,
): Promise<readonly Entry[]> {
  const sql = `select ${ENTRY_COLUMNS} from evo.${direction}_of($1, $2)`;
  return (await database.ask<EntryRow>(sql, [number, most])).map(toEntry);
}

/** Where a step was started last, and how that ended as far as it is known; of a group the opening of its boundary. */
export interface NewestOfStep {
  readonly start: Entry;
  readonly outcome?: Entry;
}

/** The newest start of a step of this name, else the newest opening of such a group; of one run where that is given. */
export async function newestOf(database: Database, step: NodeId, run?: RunId): Promise<NewestOfStep | undefined> {
  const start =
    (await newestEntry(database, "step = $1 and type = 'operation.intended'", step, run)) ??
    (await newestEntry(database, "step = $1 and type = 'boundary.opened'", step, run));
  if (start === undefined) return undefined;
  const outcome = await newestEntry(database, OUTCOME, start.operation ?? "", start.run);
  return outcome === undefined ? { start } : { start, outcome };
}

const OUTCOME = `operation = $1
  and type in ('operation.succeeded', 'operation.failed', 'operation.unresolved', 'operation.settled')`;

async function newestEntry(database: Database, where: string, value: string, run?: RunId): Promise<Entry | undefined> {
  const own = run === undefined ? "" : "and run = $2";
  const sql = `select ${ENTRY_COLUMNS} from evo.readable_entries where ${where} ${own} order by number desc limit 1`;
  const [row] = await database.ask<EntryRow>(sql, run === undefined ? [value] : [value, run]);
  return row && toEntry(row);
}

/** A run as one step of the system's evolution. Times are ISO 8601 by the database's clock. */
export interface EvolutionRow {
  readonly run: RunId;
  readonly sequence?: string;
  readonly owner?: string;
  readonly rehearsal: boolean;
  readonly first: number;
  readonly last: number;
  readonly started: string;
  readonly claimed: string;
  readonly authenticated: string;
  /** The verb of its newest `run.*` entry: running, halted, completed, … */
  readonly standing: string;
  readonly standingSince: string;
  readonly stacks: readonly string[];
  /** Operations that succeeded and failed, signed overrides, departures and halts that its entries tell of. */
  readonly succeeded: number;
  readonly failed: number;
  readonly overridden: number;
  readonly departures: number;
  readonly halts: number;
}

export interface EvolutionFilter {
  /** ISO 8601: runs that were started not before, and before. */
  readonly since?: string;
  readonly until?: string;
  readonly owner?: string;
  /** Identities of stacks: runs that operated one of them. */
  readonly stacks?: readonly string[];
  readonly rehearsal: boolean;
  /** The newest so many. */
  readonly limit: number;
}

/** Runs in the order in which they were started. Which ones is found out first: what is counted of a run costs more. */
export async function evolution(database: Database, filter: EvolutionFilter): Promise<readonly EvolutionRow[]> {
  const sql = `with chosen as materialized (
      select run from evo.readable_entries
      where type = 'run.started' and rehearsal = $1
        and ($2::timestamptz is null or moment >= $2) and ($3::timestamptz is null or moment < $3)
        and ($4::text is null or body #>> '{plan,sequence,owner}' = $4)
        and ($5::text[] is null or run in (
          select run from evo.readable_entries where stack = any($5) and type = 'operation.intended'))
      order by number desc limit $6
    )
    select known.run, sequence, owner, rehearsal, first, last, started, claimed, authenticated, standing,
      standing_since as "standingSince", stacks, succeeded, failed, overridden, departures, halts
    from chosen join evo.readable_evolution as known on known.run = chosen.run order by first`;
  const { rehearsal, since, until, owner, stacks, limit } = filter;
  const values = [rehearsal, since ?? null, until ?? null, owner ?? null, stacks ?? null, limit];
  return (await database.ask<{ [column: string]: unknown }>(sql, values)).map(
    (row) => tidy(row, EVOLUTION_NUMBERS) as unknown as EvolutionRow,
  );
}

const EVOLUTION_NUMBERS = ["first", "last", "succeeded", "failed", "overridden", "departures", "halts"];

/** Something that happened to a stack; see `evo.readable_history`. */
export interface HistoryRow {
  readonly stack: string;
  readonly number: number;
  readonly time: string;
  readonly type: string;
  readonly sequence?: string;
  readonly run?: RunId;
  readonly step?: NodeId;
  readonly operation?: string;
  readonly rehearsal: boolean;
  readonly claimed: string;
  readonly authenticated: string;
  readonly causes: readonly number[];
  /** By an operation of evo's. */
  readonly governed: boolean;
  /** Resources per engine op. */
  readonly counts?: { readonly [op: string]: number };
  readonly how?: string;
  readonly reason?: string;
  /** Of what evo did not do. */
  readonly body?: { readonly [key: string]: Json };
  /** Who began the run. */
  readonly startedBy?: string;
  readonly startedAs?: string;
  /** The entry by which the boundary opened that rests on it. */
  readonly converged?: number;
  readonly convergedTime?: string;
}

export interface HistoryFilter {
  /** Identities of stacks. */
  readonly stacks: readonly string[];
  readonly since?: string;
  readonly until?: string;
  /** Only what evo did, or only what it did not do. */
  readonly governed?: boolean;
  /** The newest so many. */
  readonly limit: number;
}

/** What happened to these stacks, oldest first. */
export async function history(database: Database, filter: HistoryFilter): Promise<readonly HistoryRow[]> {
  const sql = `select * from (
      select stack, number, time, type, sequence, run, step, operation, rehearsal, claimed, authenticated,
        cause_numbers as causes, governed, counts, how, reason, body, started_by as "startedBy", started_as as "startedAs", converged,
        converged_time as "convergedTime"
      from evo.readable_history
      where stack = any($1)
        and ($2::timestamptz is null or moment >= $2) and ($3::timestamptz is null or moment < $3)
        and ($4::boolean is null or governed = $4)
      order by number desc limit $5
    ) as newest order by number`;
  const { stacks, since, until, governed, limit } = filter;
  const values = [stacks, since ?? null, until ?? null, governed ?? null, limit];
  return (await database.ask<{ [column: string]: unknown }>(sql, values)).map(
    (row) =>
      ({
        ...tidy(row, ["number", "converged"]),
        causes: (row.causes as string[]).map(Number),
      }) as unknown as HistoryRow,
  );
}

/** Without what is NULL, and with numbers as numbers: a bigint comes as text. */
function tidy(row: { readonly [column: string]: unknown }, numbers: readonly string[]): object {
  const known = Object.entries(row).filter(([, value]) => value !== null);
  return Object.fromEntries(known.map(([key, value]) => [key, numbers.includes(key) ? Number(value) : value]));
}

/** A stack that the ledger knows, and its newest entry. */
export interface KnownStack {
  readonly stack: string;
  readonly number: number;
  readonly time: string;
  readonly type: string;
  readonly rehearsal: boolean;
}

/** The stacks that are named so, or whose identity ends so from a `/` or `#` on. */
export async function stacks(database: Database, named: string): Promise<readonly KnownStack[]> {
  const sql = "select * from evo.readable_stacks where stack = any($1) order by stack";
  const rows = await database.ask<Omit<KnownStack, "number"> & { readonly number: string }>(sql, [
    await stacksLike(database, named),
  ]);
  return rows.map((row) => ({ ...row, number: Number(row.number) }));
}
