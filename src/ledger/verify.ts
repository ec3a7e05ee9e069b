/**
 * Proves the record (invariant 7): numbers without gaps, each hash, the chain, causes that point back to what they name,
 * canonical text, what was derived from it, the digests over raw looks, the head, and that it is still the record which
 * checkpoints and this client's memory vouch for. It streams and names the first entry that is wrong.
 */
import { type Claims, claim, faultOfClaims, look, noClaims } from "./claims.js";
import type { Head } from "./memory.js";
import type { CheckedRow, Source } from "./source.js";
import { type Fault, faultOf, follow, hashOn, startTrail, type Trail } from "./trail.js";

/** Something outside the record that knows the hash of one of its entries. */
export interface Anchor {
  readonly ledger: string;
  readonly number: number;
  readonly hash: string;
  /** For people: which checkpoint, whose key; or which memory. */
  readonly by: string;
  /** Only a signature anchors; a memory or a copy just notices a change. */
  readonly signed: boolean;
}

export interface VerifyOptions {
  /** Called after each page with the number of the last entry checked and of the last that there is. */
  readonly progress?: (checked: number, total: number) => void;
  /** Begins after this entry, which a checkpoint vouches for. */
  readonly from?: { readonly number: number; readonly hash: string };
  readonly anchors?: readonly Anchor[];
  /** A copy of the record, of which only the hashes are looked at. */
  readonly copy?: Copy;
}

/** The hashes of another copy of the record, 32 bytes each, from entry 1 on. */
export interface Copy {
  readonly ledger: string;
  readonly by: string;
  readonly last: number;
  readonly hashes: Buffer;
}

export interface VerifyResult {
  readonly ledger: string;
  /** Entries after `from` up to this number were found right. */
  readonly checked: number;
  /** Present where not the whole record was read: the entry before the first one that was. */
  readonly from?: number;
  /** The hash of the newest entry, as the database says. */
  readonly head: string;
  /** Raw looks that were found right: those that a verdict's digest covers. */
  readonly looks: number;
  /** The newest entry that a signed checkpoint vouches for; all up to it are what they were then. */
  readonly anchored?: { readonly number: number; readonly by: string };
  /** The first number at which the record is wrong; absent when it is sound. */
  readonly broken?: Fault;
}

/** Reads a record up to its head. Entries appended meanwhile are not looked at. */
export async function verify(source: Source, options: VerifyOptions = {}): Promise<VerifyResult> {
  const head = await source.head();
  const trail = startTrail(options.from);
  const claims = noClaims();
  const fault =
    faultOfPlace(head, options) ??
    (await faultOfBeginning(source, head, options)) ??
    (await faultOfRecord(source, head, trail, claims, options)) ??
    (await faultOfRuns(source, trail));
  const anchored = anchoredBy(trail, options, fault);
  return {
    ledger: head.ledger,
    checked: fault === undefined ? trail.last : Math.min(trail.last, fault.number - 1),
    ...(options.from === undefined ? {} : { from: options.from.number }),
    head: head.hash,
    looks: claims.looks,
    ...(anchored === undefined ? {} : { anchored: { number: anchored.number, by: anchored.by } }),
    ...(fault === undefined ? {} : { broken: fault }),
  };
}

function least(one: Fault | undefined, other: Fault | undefined): Fault | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.number < one.number ? other : one;
}

async function faultOfRecord(
  source: Source,
  head: Head & { readonly newest: number },
  trail: Trail,
  claims: Claims,
  options: VerifyOptions,
): Promise<Fault | undefined> {
  const chain = await faultOfChain(source, head, trail, claims, options);
  const looks = await faultOfLooks(source, claims);
  const anchors = least(faultOfAnchors(head, trail, options.anchors ?? []), faultOfCopy(head, trail, options.copy));
  return least(least(chain, looks), anchors);
}

/** Another ledger where one was is another record from its first entry on. */
function faultOfPlace(head: Head, { anchors = [], copy }: VerifyOptions): Fault | undefined {
  const stranger = [...anchors, ...(copy === undefined ? [] : [copy])].find(({ ledger }) => ledger !== head.ledger);
  return stranger && { number: 1, reason: `this is ledger ${head.ledger}; ${stranger.by} is of ${stranger.ledger}` };
}

async function faultOfBeginning(source: Source, head: Head, { from }: VerifyOptions): Promise<Fault | undefined> {
  if (from === undefined || from.number === 0) return undefined;
  if (head.number < from.number) return cutShort(head, from.number, "the checkpoint to begin from");
  const hash = (await source.hashes([from.number])).get(from.number);
  if (hash === from.hash) return undefined;
  return { number: 1, to: from.number, reason: "they are not those that the checkpoint to begin from was signed over" };
}

function cutShort(head: Head, was: number, by: string): Fault {
  return { number: head.number + 1, to: was, reason: `gone: the ledger ends before, and ${by} saw entry ${was}` };
}

async function faultOfChain(
  source: Source,
  head: Head & { readonly newest: number },
  trail: Trail,
  claims: Claims,
  options: VerifyOptions,
): Promise<Fault | undefined> {
  for await (const rows of source.pages(trail.last, head.number)) {
    const earlier = await source.hashes(causesBefore(rows, trail.start));
    for (const row of rows) {
      const found = faultOfRow(row, trail, claims, earlier);
      if (found !== undefined) return found;
    }
    options.progress?.(trail.last, head.number);
  }
  if (trail.last < head.number) return { number: trail.last + 1, reason: "it is missing" };
  if (trail.head !== head.hash) return { number: head.number, reason: "the head has another hash" };
  return head.newest > head.number ? { number: head.number + 1, reason: "it lies beyond the head" } : undefined;
}

/** Causes that lie before the beginning of a trail which begins at a checkpoint. */
function causesBefore(rows: readonly CheckedRow[], start: number): readonly number[] {
  if (start === 0) return [];
  return [...new Set(rows.flatMap((row) => row.cause_numbers.map(Number).filter((number) => number < start)))];
}

function faultOfRow(
  row: CheckedRow,
  trail: Trail,
  claims: Claims,
  earlier: ReadonlyMap<number, string>,
): Fault | undefined {
  const number = trail.last + 1;
  if (Number(row.number) !== number) return { number, reason: "it is missing" };
  try {
    const body = JSON.parse(row.text) as object;
    const reason =
      faultOf(row, body, trail, earlier) ??
      (row.derived ? undefined : "the column derived from its body differs from it");
    if (reason !== undefined) return { number, reason };
    follow(trail, row);
    claim(claims, number, row.run, body);
    return undefined;
  } catch {
    return { number, reason: "it can't be read" };
  }
}

async function faultOfLooks(source: Source, claims: Claims): Promise<Fault | undefined> {
  for await (const rows of source.samples([...claims.runs])) for (const row of rows) look(claims, row);
  return faultOfClaims(claims);
}

/** The record is sound in itself; is it still the one that was seen? */
function faultOfAnchors(head: Head, trail: Trail, anchors: readonly Anchor[]): Fault | undefined {
  let good = 0;
  for (const anchor of [...anchors].sort((a, b) => a.number - b.number)) {
    if (anchor.number > head.number) return cutShort(head, anchor.number, anchor.by);
    const hash = hashOn(trail, anchor.number);
    if (hash !== undefined && hash !== anchor.hash) {
      const stretch = good + 1 === anchor.number ? {} : { to: anchor.number };
      return { number: good + 1, ...stretch, reason: `made anew since ${anchor.by} saw entry ${anchor.number}` };
    }
    good = anchor.number;
  }
  return undefined;
}

function faultOfCopy(head: Head, trail: Trail, copy: Copy | undefined): Fault | undefined {
  if (copy === undefined) return undefined;
  for (let number = trail.start + 1; number <= Math.min(copy.last, trail.last); number += 1)
    if (copy.hashes.toString("hex", (number - 1) * 32, number * 32) !== hashOn(trail, number))
      return { number, reason: `${copy.by} has another entry there` };
  return copy.last > head.number ? cutShort(head, copy.last, copy.by) : undefined;
}

/** The newest signed anchor that fits, below anything that is wrong. */
function anchoredBy(trail: Trail, { anchors = [] }: VerifyOptions, fault: Fault | undefined): Anchor | undefined {
  const fitting = anchors.filter(
    ({ number, hash, signed }) =>
      signed && hashOn(trail, number) === hash && (fault === undefined || number < fault.number),
  );
  return fitting.sort((a, b) => b.number - a.number)[0];
}

/** The index of runs must say what the entries say; a run that has grown meanwhile is left for the next time. */
async function faultOfRuns(source: Source, trail: Trail): Promise<Fault | undefined> {
  if (source.runs === undefined) return undefined;
  for (const { run, version, last } of await source.runs()) {
    const seen = trail.runs.get(run);
    trail.runs.delete(run);
    if (last > trail.last || last <= trail.start) continue;
    // How many entries a run has that began before the trail can't be said.
    if (seen?.last === last && (trail.start === 0 ? version === seen.version : version >= seen.version)) continue;
    return { number: last, reason: `the index of runs is wrong about run ${run}` };
  }
  const [lost] = trail.runs;
  return lost && { number: lost[1].last, reason: `the index of runs has lost run ${lost[0]}` };
}
