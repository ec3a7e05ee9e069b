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

/** A column that has an index with the number behind it, and the one value that is wanted there. */
interface Lead {
  readonly column: string;
  readonly value: string;
}

/** What an entry must meet. */
interface Branch {
  readonly conditions: readonly Condition[];
  /** The one condition that can lead along an index; absent where the planner has a choice to make. */
  readonly lead?: Lead;
}

/** A filter as the indexes want it. */
interface Question {
  /** An entry that meets one of these is meant; no entry meets two. */
  readonly branches: readonly Branch[];
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
  const stacks = filter.stack === undefined ? undefined : await stacksLike(database, filter.stack);
  const types = filter.type === undefined ? undefined : await typesLike(database, filter.type);
  const named: readonly Condition[] = [
    ["run = ?", run],
    ["sequence = ?", sequence],
    ["stack = any(?)", stacks],
    ["type = any(?)", types],
  ];
  const range: readonly Condition[] = [
    ["moment >= ?::timestamptz", since],
    ["moment < ?::timestamptz", until],
    ["rehearsal = ?", rehearsal],
    ["number > ?", after],
  ];
  const byTime = since !== undefined || until !== undefined;
  const common = [...named, ...range];
  if (actor !== undefined) {
    const alone = !byTime && named.every(([, value]) => value === undefined);
    return { branches: actorsLike(actor).map((own) => alongside(own, common, alone)), byTime };
  }
  const leads = [one("run", run), one("sequence", sequence), one("stack", stacks), one("type", types)];
  const given = named.filter(([, value]) => value !== undefined);
  const lead = leads.find((found) => found !== undefined);
  if (byTime || given.length !== 1 || lead === undefined) return { branches: [{ conditions: common }], byTime };
  return { branches: [{ conditions: range, lead }], byTime };
}

/** One value, not several, can lead. */
function one(column: string, value: string | readonly string[] | undefined): Lead | undefined {
  if (typeof value === "string") return { column, value };
  const [only] = value ?? [];
  return only === undefined || value?.length !== 1 ? undefined : { column, value: only };
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

/** The name before a claimed actor's host: what the index on claims is made of. */
const CLAIMED_NAME = "split_part(claimed, '@', 1)";

/** As they say, and, of what is left, as the database knows them: each has an index of its own. */
function actorsLike(actor: string): readonly Required<Branch>[] {
  const whole: readonly Condition[] = actor.includes("@") ? [["claimed = ?", actor]] : [];
  const claimed = [`${CLAIMED_NAME} = split_part(?::text, '@', 1)`, ...whole.map(([sql]) => sql)].join(" and ");
  return [
    { lead: { column: CLAIMED_NAME, value: actor.split("@", 1)[0] as string }, conditions: whole },
    { lead: { column: "authenticated", value: actor }, conditions: [[`not (${claimed})`, actor]] },
  ];
}

/** With other conditions beside it a lead becomes one of them, and the planner chooses. */
function alongside({ lead, conditions }: Required<Branch>, common: readonly Condition[], alone: boolean): Branch {
  if (alone) return { lead, conditions: [...conditions, ...common] };
  return { conditions: [[`${lead.column} = ?`, lead.value], ...conditions, ...common] };
}

interface Asked {
  readonly columns: string;
  readonly place: Place | undefined;
  readonly size: number;
  readonly order?: "asc" | "desc";
}

/** The greatest number that an entry can have. */
const LAST = "9223372036854775807";

/**
 * A page of rows: of each branch as many as are wanted, then the first of them all.
 *
 * A lead is asked for as a range of its index, and the order names its column: an equality would let the planner walk the
 * primary key instead, which it believes cheap because it takes values for evenly spread. They are not: whoever has been
 * quiet for half a million entries would be looked for through all of them.
 */
async function ask<Row extends object>(database: Database, question: Question, asked: Asked): Promise<Row[]> {
  const { columns, place, size, order = "asc" } = asked;
  const key = question.byTime ? `moment ${order}, number ${order}` : `number ${order}`;
  const values: unknown[] = [];
  const behind: readonly Condition[] = question.byTime
    ? [["(moment, number) > (?::timestamptz, ?)", place && [place.time, place.number]]]
    : [["number > ?", place?.number]];
  const branches = question.branches.map(({ conditions, lead }) => {
    const led = lead === undefined ? behind : along(lead, place?.number ?? 0);
    const where = [...led, ...conditions].flatMap(([sql, value]) => (value === undefined ? [] : bind(sql, value)));
    const sql = `select ${columns}, moment from evo.readable_entries where ${where.join(" and ") || "true"}`;
    return `(${sql} order by ${lead === undefined ? "" : `${lead.column} ${order}, `}${key} limit ${size})`;
  });
  return database.ask<Row>(
    `select ${columns} from (${branches.join(" union all ")}) as found order by ${key} limit ${size}`,
    values,
  );

  /** One value for all places; of a list as many as there are places. */
  function bind(sql: string, value: unknown): string {
    const several = Array.isArray(value) && sql.split("?").length > 2;
    const first = values.length + 1;
    values.push(...(several ? value : [value]));
    let at = first;
    return sql.replaceAll("?", () => `$${several ? at++ : first}`);
  }
}

/** What has the lead's value and lies behind a number, as a range of the lead's index. */
function along({ column, value }: Lead, from: number): readonly Condition[] {
  const range = `${column} is not null and (${column}, number) > (?, ?) and (${column}, number) <= (?, ?)`;
  return [[range, [value, from, value, LAST]]];
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
