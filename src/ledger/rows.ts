/** Database rows to entries and leases. Numbers come as text, because a bigint does. */
import type { Json } from "../gates/model.js";
import type { Entry, LeaseHolder } from "../run/ports.js";
import { entryHash } from "./encoding.js";
import type { EntryRow } from "./entry-row.js";
import { broken } from "./failures.js";

type Optional = "sequence" | "run" | "step" | "operation" | "stack";

/** The entry as it stands in the row, not yet checked. Throws a SyntaxError when the text is no JSON. */
export function toEntry(row: EntryRow): Entry {
  const optional: { [key in Optional]?: string } = {};
  for (const key of ["sequence", "run", "step", "operation", "stack"] as const) {
    if (row[key] !== null) optional[key] = row[key];
  }
  return {
    ledger: row.ledger,
    number: Number(row.number),
    time: row.time,
    type: row.type,
    version: row.version,
    ...optional,
    rehearsal: row.rehearsal,
    actor: { claimed: row.claimed, authenticated: row.authenticated },
    causes: row.cause_numbers.map((number, i) => ({ number: Number(number), hash: row.cause_hashes[i] ?? "" })),
    body: JSON.parse(row.text) as { [key: string]: Json },
    text: row.text,
    previous: row.previous,
    hash: row.hash,
  };
}

/** The entry of a row whose hash fits: nothing is decided on an entry that was changed. Errors: `ledger.broken`. */
export function toSoundEntry(row: EntryRow): Entry {
  const entry = toEntry(row);
  if (entryHash(entry) !== entry.hash) throw broken(`Entry ${entry.number} of the ledger is not what was recorded.`);
  return entry;
}

/** A row of `evo.readable_leases`. */
export interface LeaseRow {
  readonly resource: string;
  readonly token: string;
  readonly claim: string;
  readonly holder: { readonly [key: string]: Json };
  readonly since: string;
  readonly expires: string;
  readonly live: boolean;
}

export function toHolder(row: LeaseRow): LeaseHolder {
  const { resource, token, holder, since, expires, live } = row;
  return { resource, token, holder, since, expires, live };
}
