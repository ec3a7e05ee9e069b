/**
 * Whether a stretch of the chain holds together: numbers, hashes, links and causes from one entry to another. It says
 * nothing of what lies before and behind; `evo ledger verify` looks at all of it (invariant 7).
 */
import type { Entry } from "../run/ports.js";
import type { Database } from "./database.js";
import { entryHash, GENESIS } from "./encoding.js";
import { entries } from "./entries.js";

export interface Stretch {
  readonly first: number;
  readonly last: number;
  /** The first entry that is wrong. */
  readonly broken?: { readonly number: number; readonly reason: string };
}

/** A hash that is known from outside of the database. */
export interface Pin {
  readonly number: number;
  readonly hash: string;
}

/** Reads entries `first` to `last`, and on to a pin behind them, in pages; stops at the first that is wrong. */
export async function checkStretch(database: Database, first: number, last: number, pin?: Pin): Promise<Stretch> {
  const end = pin?.number ?? last;
  const hashes = new Map<number, string>([[0, GENESIS]]);
  for await (const entry of entries(database, { after: first - 2, limit: 1 }))
    if (entry.number === first - 1) hashes.set(entry.number, entry.hash);
  let expected = first;
  for await (const entry of entries(database, { after: first - 1, limit: end - first + 1 })) {
    await recall(database, entry, hashes);
    const reason = entry.number === expected ? faultOf(entry, hashes) : "it is missing";
    if (reason !== undefined) return { first, last, broken: { number: expected, reason } };
    hashes.set(entry.number, entry.hash);
    expected += 1;
  }
  if (expected <= end) return { first, last, broken: { number: expected, reason: "it is missing" } };
  if (pin === undefined || hashes.get(end) === pin.hash) return { first, last };
  return {
    first,
    last,
    broken: { number: first, reason: `entries ${first} to ${end} are not those that were signed` },
  };
}

/** Causes from before the stretch. */
async function recall(database: Database, entry: Entry, hashes: Map<number, string>): Promise<void> {
  const unknown = entry.causes.map(({ number }) => number).filter((number) => !hashes.has(number));
  if (unknown.length === 0) return;
  const sql = "select number, hash from evo.readable_entries where number = any($1)";
  const rows = await database.ask<{ number: string; hash: string }>(sql, [unknown]);
  for (const { number, hash } of rows) hashes.set(Number(number), hash);
}

function faultOf(entry: Entry, hashes: ReadonlyMap<number, string>): string | undefined {
  if (entryHash(entry) !== entry.hash) return "its content is not what its hash was taken over";
  if (entry.previous !== hashes.get(entry.number - 1)) return "it does not follow the entry before it";
  const strange = entry.causes.find((cause) => cause.number >= entry.number || cause.hash !== hashes.get(cause.number));
  return strange && `its cause ${strange.number} is not an earlier entry of that hash`;
}
