/** What the record says of schedules: which stand, what fell due last, and what of it has been done. */
import type { Entry } from "../run/ports.js";
import type { Database } from "./database.js";
import { ENTRY_COLUMNS, type EntryRow } from "./entry-row.js";
import { toSoundEntry } from "./rows.js";

/** The newest word on each schedule, and the newest order of each that stands. */
export async function schedules(database: Database): Promise<readonly Entry[]> {
  const sql = `with word as (
      select distinct on (body ->> 'name') * from evo.readable_entries
      where type in ('schedule.added', 'schedule.removed') order by body ->> 'name', number desc)
    select ${ENTRY_COLUMNS} from word
    union all
    select newest.* from word cross join lateral (
      select ${ENTRY_COLUMNS} from evo.readable_entries as entry
      where entry.type = 'scan.ordered' and entry.number > word.number and entry.body ->> 'schedule' = word.body ->> 'name'
      order by entry.number desc limit 1) as newest
    where word.type = 'schedule.added'
    order by number`;
  return (await database.ask<EntryRow>(sql)).map(toSoundEntry);
}

/** The stacks whose scan this order has caused already. */
export async function scannedFor(database: Database, order: number): Promise<ReadonlySet<string>> {
  const sql = `select stack from evo.readable_entries where type = 'drift.scanned' and cause_numbers @> array[$1::bigint]`;
  const rows = await database.ask<{ stack: string }>(sql, [order]);
  return new Set(rows.map(({ stack }) => stack));
}
