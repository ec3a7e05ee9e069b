/**
 * What an entry's hash is taken over (invariant 7). This is a second implementation, beside `evo.encoding_1` in the
 * database that made the hash; docs/ledger-format.md says it in words, so that anybody can write a third.
 */
import { sha256 } from "../canonical.js";
import type { Actor, Entry } from "../run/ports.js";
import type { EntryRow } from "./entry-row.js";

/** The `previous` of the first entry. */
export const GENESIS = "0".repeat(64);

/** What an entry and a row of `evo.readable_entries` name alike. */
interface Columns {
  readonly ledger: string;
  readonly time: string;
  readonly type: string;
  readonly version: number;
  readonly sequence?: string | null;
  readonly run?: string | null;
  readonly step?: string | null;
  readonly operation?: string | null;
  readonly stack?: string | null;
  readonly rehearsal: boolean;
  readonly text: string;
  readonly previous: string;
}

/** `<length in bytes of UTF-8>:<value>,`, or `-,` for an absent value: no two lists of fields encode alike. */
export function field(value: string | null | undefined): string {
  return value === undefined || value === null ? "-," : `${Buffer.byteLength(value, "utf8")}:${value},`;
}

/** Version 1 of the encoding, as text; it is hashed as UTF-8. */
export function encodeEntry(entry: Omit<Entry, "hash" | "body">): string {
  const causes = entry.causes.map((cause) => field(String(cause.number)) + field(cause.hash)).join("");
  return encode(entry, String(entry.number), entry.actor, causes);
}

function encode(columns: Columns, number: string, actor: Actor, causes: string): string {
  const { ledger, time, type, version, sequence, run, step, operation, stack, rehearsal, text, previous } = columns;
  const about = field(sequence) + field(run) + field(step) + field(operation) + field(stack);
  const who = field(String(rehearsal)) + field(actor.claimed) + field(actor.authenticated);
  const head = field(ledger) + field(number) + field(time) + field(type) + field(String(version));
  return `evo.entry/1\n${head}${about}${who}${field(causes)}${field(text)}${field(previous)}`;
}

/** The hash that an entry must carry: sha256 over its encoding, lower-case hex. */
export function entryHash(entry: Omit<Entry, "hash" | "body">): string {
  return sha256(encodeEntry(entry));
}

/** The hash that a row must carry; the same, without the detour over an entry: a whole record goes through here. */
export function rowHash(row: Columns & Actor & Pick<EntryRow, "number" | "cause_numbers" | "cause_hashes">): string {
  let causes = "";
  for (let i = 0; i < row.cause_numbers.length; i += 1)
    causes += field(row.cause_numbers[i]) + field(row.cause_hashes[i] ?? "");
  return sha256(encode(row, row.number, row, causes));
}
