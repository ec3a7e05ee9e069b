/**
 * What an entry's hash is taken over (invariant 7). This is a second implementation, beside `evo.encoding_1` in the
 * database that made the hash; docs/ledger-format.md says it in words, so that anybody can write a third.
 */
import { sha256 } from "../canonical.js";
import type { Cause, Entry } from "../run/ports.js";

/** The `previous` of the first entry. */
export const GENESIS = "0".repeat(64);

/** `<length in bytes of UTF-8>:<value>,`, or `-,` for an absent value: no two lists of fields encode alike. */
export function field(value: string | undefined): string {
  return value === undefined ? "-," : `${Buffer.byteLength(value, "utf8")}:${value},`;
}

function causesField(causes: readonly Cause[]): string {
  return field(causes.map((cause) => field(String(cause.number)) + field(cause.hash)).join(""));
}

/** Version 1 of the encoding, as text; it is hashed as UTF-8. */
export function encodeEntry(entry: Omit<Entry, "hash" | "body">): string {
  const { ledger, number, time, type, version, sequence, run, step, operation, stack, rehearsal, actor } = entry;
  const about = field(sequence) + field(run) + field(step) + field(operation) + field(stack);
  const who = field(String(rehearsal)) + field(actor.claimed) + field(actor.authenticated);
  const head = field(ledger) + field(String(number)) + field(time) + field(type) + field(String(version));
  return `evo.entry/1\n${head}${about}${who}${causesField(entry.causes)}${field(entry.text)}${field(entry.previous)}`;
}

/** The hash that an entry must carry: sha256 over its encoding, lower-case hex. */
export function entryHash(entry: Omit<Entry, "hash" | "body">): string {
  return sha256(encodeEntry(entry));
}
