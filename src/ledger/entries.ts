/**
 * Lists of entries, by what people ask for: a run, a stack, an actor, a time. In pages with a key, so that neither memory
 * nor the database's work grows with the record before or behind a page. What people shorten (the end of a stack's
 * identity, a type with a `*`) is looked up first, so that the page itself is a walk along an index.
 */
import type { Entry } from "../run/ports.js";
import type { Database } from "./database.js";
import { ENTRY_COLUMNS, type EntryRow } from "./entry-row.js";
import { toEntry } from "./rows.js";

export interface EntryFilter {
  readonly run?: string;
  readonly sequence?: string;
  /** The stack's identity, or the end of it from a `/` or `#` on: `app/prod`, `prod`. */
  readonly stack?: string;
  /** An entry type; with a trailing `*` every type that begins so. */
  readonly type?: string;
  /** The claimed actor, with or without its host, or the authenticated role. */
  readonly actor?: string;
  /** ISO 8601, inclusive. */
  readonly since?: string;
  /** ISO 8601, exclusive. */
  readonly until?: string;
  readonly rehearsal?: boolean;
  /** Only entries with a greater number. */
  readonly after?: number;
  /** The first so many. */
  readonly limit?: number;
  /** The newest so many, oldest first; not together with `limit`. */
  readonly last?: number;
}

/** A condition in SQL and its value; `?` stands for the value's place. Without a value it doesn't apply. */
type Condition = readonly [sql: string, value: unknown];

/** A filter as the indexes want it. */
interface Question {
  /** An entry that meets all conditions of one of these is meant; no entry meets two. */
  readonly branches: readonly (readonly Condition[])[];
  /** By time where a time is asked for: then the index on time leads to the first one. Else by number. */
  readonly byTime: boolean;
}

/** Where a page ended. */
interface Place {
  readonly number: number;
  readonly time: string;
}

const PAGE = 500;

/** Entries in order, as they stand in the database: `ledger log` shows also what `verify` would refuse. */
export async function* entries(database: Database, filter: EntryFilter): AsyncGenerator<Entry, void, undefined> {
  const question = await questionOf(database, filter);
  let place = filter.last === undefined ? undefined : await beforeLast(database, question, filter.last);
  let left = filter.limit ?? filter.last ?? Number.POSITIVE_INFINITY;
  while (left > 0) {
    const size = Math.min(PAGE, left);
    const rows = await ask<EntryRow>(database, question, { columns: ENTRY_COLUMNS, place, size });
    for (const row of rows) yield toEntry(row);
    const end = rows.at(-1);
    if (end === undefined || rows.length < size) return;
    left -= rows.length;
    place = { number: Number(end.number), time: end.time };
  }
}

async function questionOf(database: Database, filter: EntryFilter): Promise<Question> {
  const { run, sequence, since, until, rehearsal, after, actor } = filter;
  const common: readonly Condition[] = [
    ["run = ?", run],
    ["sequence = ?", sequence],
    ["stack = any(?)", filter.stack === undefined ? undefined : await stacksLike(database, filter.stack)],
    ["type = any(?)", filter.type === undefined ? undefined : await typesLike(database, filter.type)],
    ["moment >= ?::timestamptz", since],
    ["moment < ?::timestamptz", until],
    ["rehearsal = ?", rehearsal],
    ["number > ?", after],
  ];
  const branches = actor === undefined ? [common] : actorsLike(actor).map((own) => [...own, ...common]);
  return { branches, byTime: since !== undefined || until !== undefined };
}

/** Identities of stacks that are named so or end so. */
export async function stacksLike(database: Database, named: string): Promise<readonly string[]> {
  const sql = `select stack from evo.readable_stacks
    where stack = $1 or right(stack, length($1) + 1) in ('/' || $1, '#' || $1)`;
  return (await database.ask<{ stack: string }>(sql, [named])).map(({ stack }) => stack);
}

async function typesLike(database: Database, named: string): Promise<readonly string[]> {
  if (!named.endsWith("*")) return [named];
  const sql = "select type from evo.readable_types where starts_with(type, $1)";
  return (await database.ask<{ type: string }>(sql, [named.slice(0, -1)])).map(({ type }) => type);
}

/** As they say, and, of what is left, as the database knows them: each has an index of its own. */
function actorsLike(actor: string): readonly (readonly Condition[])[] {
  const name = "split_part(claimed, '@', 1) = split_part(?::text, '@', 1)";
  const claimed = actor.includes("@") ? `${name} and claimed = ?` : name;
  return [
    [[claimed, actor]],
    [
      ["authenticated = ?", actor],
      [`not (${claimed})`, actor],
    ],
  ];
}

interface Asked {
  readonly columns: string;
  readonly place: Place | undefined;
  readonly size: number;
  readonly order?: "asc" | "desc";
}

/** A page of rows: of each branch as many as are wanted, then the first of them all. */
async function ask<Row extends object>(database: Database, question: Question, asked: Asked): Promise<Row[]> {
  const { columns, place, size, order = "asc" } = asked;
  const key = question.byTime ? `moment ${order}, number ${order}` : `number ${order}`;
  const values: unknown[] = [];
  const behind: readonly Condition[] = question.byTime
    ? [["(moment, number) > (?::timestamptz, ?)", place && [place.time, place.number]]]
    : [["number > ?", place?.number]];
  const branches = question.branches.map((conditions) => {
    const where = [...conditions, ...behind].flatMap(([sql, value]) => (value === undefined ? [] : bind(sql, value)));
    const sql = `select ${columns}, moment from evo.readable_entries where ${where.join(" and ") || "true"}`;
    return `(${sql} order by ${key} limit ${size})`;
  });
  return database.ask<Row>(
    `select ${columns} from (${branches.join(" union all ")}) as found order by ${key} limit ${size}`,
    values,
  );

  /** One value for all places, or, of a key, one each. */
  function bind(sql: string, value: unknown): string {
    const several = sql.includes("(?::timestamptz, ?)");
    const first = values.length + 1;
    values.push(...(several ? (value as unknown[]) : [value]));
    let at = first;
    return sql.replaceAll("?", () => `$${several ? at++ : first}`);
  }
}

/** The place right before the newest `count` entries that match; the beginning where there are fewer. */
async function beforeLast(database: Database, question: Question, count: number): Promise<Place | undefined> {
  const size = Math.max(1, Math.floor(count));
  const columns = "number, time";
  const rows = await ask<{ number: string; time: string }>(database, question, {
    columns,
    place: undefined,
    size,
    order: "desc",
  });
  const first = rows.at(-1);
  return first && { number: Number(first.number) - 1, time: first.time };
}
