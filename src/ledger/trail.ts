/** The chain as far as it has been checked: the hashes seen, so that causes and anchors need no second question. */
import { canonical } from "../canonical.js";
import { GENESIS, rowHash } from "./encoding.js";
import type { EntryRow } from "./entry-row.js";

/** Something that is wrong with the record, and the number of the first entry that it concerns. */
export interface Fault {
  readonly number: number;
  /** Where only a stretch is known: its last entry. */
  readonly to?: number;
  readonly reason: string;
}

/** Entries `start + 1` to `last` have been found right. */
export interface Trail {
  readonly start: number;
  last: number;
  /** The hash of `last`. */
  head: string;
  /** 32 bytes each, from that of `start` on. */
  hashes: Buffer;
  readonly runs: Map<string, { version: number; readonly first: number; last: number }>;
}

const WIDTH = 32;
const GROWTH = 1 << 22;

/** A trail that begins after an entry whose hash is known; without one, before the first. */
export function startTrail(from: { readonly number: number; readonly hash: string } | undefined): Trail {
  const { number, hash } = from ?? { number: 0, hash: GENESIS };
  const trail: Trail = { start: number, last: number, head: hash, hashes: Buffer.alloc(0), runs: new Map() };
  put(trail, number, hash);
  return trail;
}

function put(trail: Trail, number: number, hash: string): void {
  const at = (number - trail.start) * WIDTH;
  if (trail.hashes.length < at + WIDTH) trail.hashes = Buffer.concat([trail.hashes, Buffer.alloc(GROWTH)]);
  trail.hashes.write(hash, at, "hex");
}

/** The hash of an entry on the trail; undefined for one that lies before it. */
export function hashOn(trail: Trail, number: number): string | undefined {
  if (number < trail.start || number > trail.last) return undefined;
  if (number === trail.last) return trail.head;
  const at = (number - trail.start) * WIDTH;
  return trail.hashes.toString("hex", at, at + WIDTH);
}

/** What is wrong with an entry that follows the trail, or nothing; `earlier` knows hashes from before the trail. */
export function faultOf(
  row: EntryRow,
  body: unknown,
  trail: Trail,
  earlier: ReadonlyMap<number, string>,
): string | undefined {
  if (rowHash(row) !== row.hash) return "its content is not what its hash was taken over";
  if (row.previous !== trail.head) return "it does not follow the entry before it";
  if (!isCanonical(body, row.text)) return "its body is not canonical JSON";
  for (const [i, text] of row.cause_numbers.entries()) {
    const cause = Number(text);
    if (!(cause >= 1 && cause <= trail.last)) return `its cause ${text} is not an earlier entry`;
    if (row.cause_hashes[i] !== (hashOn(trail, cause) ?? earlier.get(cause)))
      return `its cause ${text} has another hash`;
  }
  return undefined;
}

/**
 * Whether a text is canonical (RFC 8785). What JSON.stringify gives back unchanged is, if all keys are in order: it is
 * written in the engine and takes a quarter of the time. Keys that look like numbers come in another order: those the slow way.
 */
function isCanonical(body: unknown, text: string): boolean {
  return (JSON.stringify(body) === text && isOrdered(body)) || canonical(body) === text;
}

function isOrdered(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(isOrdered);
  let before = "";
  for (const key in value) {
    // JavaScript compares by UTF-16 code units, as RFC 8785 wants it.
    if (key < before || !isOrdered((value as { readonly [key: string]: unknown })[key])) return false;
    before = key;
  }
  return true;
}

/** Takes the next entry in. */
export function follow(trail: Trail, { hash, run }: Pick<EntryRow, "hash" | "run">): void {
  const number = trail.last + 1;
  put(trail, number, hash);
  trail.last = number;
  trail.head = hash;
  if (run === null || run === undefined) return;
  const known = trail.runs.get(run);
  trail.runs.set(run, { version: (known?.version ?? 0) + 1, first: known?.first ?? number, last: number });
}
