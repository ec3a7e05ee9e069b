/** What the record says of stacks, whatever run it was in: for looks at what evo did not do. */
import type { Entry } from "../run/ports.js";
import type { Database } from "./database.js";
import { ENTRY_COLUMNS, type EntryRow } from "./entry-row.js";
import { toSoundEntry } from "./rows.js";

export interface StackFilter {
  /** Identities; absent: every stack. */
  readonly stacks?: readonly string[];
  /** Of these types every entry. */
  readonly every: readonly string[];
  /** Of these only the newest of each stack, result and kind of body (with and without a checkpoint). */
  readonly newest: readonly string[];
}

/** Entries about stacks, in order, each with its hash checked. */
export async function aboutStacks(database: Database, filter: StackFilter): Promise<readonly Entry[]> {
  const sql = `select ${ENTRY_COLUMNS} from evo.readable_entries
      where type = any($2) and stack is not null and ($1::text[] is null or stack = any($1))
    union all (
      select distinct on (stack, type, body ? 'checkpoint', body ->> 'result') ${ENTRY_COLUMNS}
      from evo.readable_entries
      where type = any($3) and stack is not null and ($1::text[] is null or stack = any($1))
      order by stack, type, body ? 'checkpoint', body ->> 'result', number desc)
    order by number`;
  const values = [filter.stacks ?? null, filter.every, filter.newest];
  return (await database.ask<EntryRow>(sql, values)).map(toSoundEntry);
}

/** Which of these operations the record has an intent for. An operation's id begins with its run's. */
export async function intendedOperations(
  database: Database,
  operations: readonly string[],
): Promise<ReadonlySet<string>> {
  if (operations.length === 0) return new Set();
  const sql = `select distinct operation from evo.readable_entries
    where run = any($1) and operation = any($2) and type = 'operation.intended'`;
  const runs = operations.map((operation) => operation.split(".")[0]);
  const rows = await database.ask<{ operation: string }>(sql, [runs, operations]);
  return new Set(rows.map(({ operation }) => operation));
}

/** The newest word on each sequence that was declared ahead of a run (rehearsals apart): declaration or withdrawal. */
export async function intents(database: Database): Promise<readonly Entry[]> {
  const sql = `select distinct on (sequence, rehearsal) ${ENTRY_COLUMNS} from evo.readable_entries
    where type = 'sequence.withdrawn' or (type = 'sequence.declared' and body ->> 'ahead' = 'true')
    order by sequence, rehearsal, number desc`;
  return (await database.ask<EntryRow>(sql, [])).map(toSoundEntry);
}
