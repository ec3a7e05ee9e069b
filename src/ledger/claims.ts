/**
 * What verdicts say of the raw looks beside the ledger: a digest for each target, over the looks from one number to
 * another (run/samples.ts). The looks come in one stream, in order for each target.
 */
import { sha256 } from "../canonical.js";
import type { Fault } from "./trail.js";

/** A raw look as it lies in the side table. */
export interface SampleRow {
  readonly run: string;
  readonly gate: string;
  readonly target: string;
  readonly number: number;
  readonly began: number;
  readonly text: string;
}

interface Claim {
  readonly entry: number;
  readonly gate: string;
  readonly target: string;
  readonly from: number;
  readonly to: number;
  readonly sha256: string;
  /** The digest so far; complete once the look `to` has come. */
  digest: string;
  complete: boolean;
}

export interface Claims {
  /** Runs whose looks are asked for. */
  readonly runs: Set<string>;
  readonly byKey: Map<string, Claim[]>;
  /** How many looks a claim covers. */
  looks: number;
  fault: Fault | undefined;
}

export function noClaims(): Claims {
  return { runs: new Set(), byKey: new Map(), looks: 0, fault: undefined };
}

/** Notes what an entry says of looks. */
export function claim(claims: Claims, entry: number, run: string | null | undefined, body: object): void {
  const { samples, gate } = body as { readonly samples?: unknown; readonly gate?: unknown };
  if (!Array.isArray(samples) || typeof gate !== "string" || typeof run !== "string") return;
  for (const digest of samples as readonly Pick<Claim, "target" | "from" | "to" | "sha256">[]) {
    const { target, from, to, sha256 } = digest;
    const key = keyOf(run, gate, target);
    const made = { entry, gate, target, from, to, sha256, digest: "", complete: false };
    claims.byKey.set(key, [...(claims.byKey.get(key) ?? []), made]);
    claims.runs.add(run);
  }
}

/** Takes the next look in. */
export function look(claims: Claims, sample: SampleRow): void {
  const covering = (claims.byKey.get(keyOf(sample.run, sample.gate, sample.target)) ?? []).filter(
    ({ from, to }) => from <= sample.number && sample.number <= to,
  );
  if (covering.length > 0) claims.looks += 1;
  for (const claim of covering) {
    claim.digest = sha256(claim.digest + sample.text);
    claim.complete = sample.number === claim.to;
    if (!isItself(sample)) note(claims, claim);
  }
}

/** The columns that a look is found and ordered by are those of its text. */
function isItself({ number, began, text }: SampleRow): boolean {
  try {
    const look = JSON.parse(text) as { readonly number?: unknown; readonly began?: unknown };
    return look.number === number && look.began === began;
  } catch {
    return false;
  }
}

/** The first entry whose digest the looks don't bear out, once all have come. */
export function faultOfClaims(claims: Claims): Fault | undefined {
  for (const made of claims.byKey.values())
    for (const one of made) if (!one.complete || one.digest !== one.sha256) note(claims, one);
  return claims.fault;
}

function note(claims: Claims, { entry, gate, target }: Claim): void {
  if (claims.fault !== undefined && claims.fault.number <= entry) return;
  const reason = `the raw looks of ${gate} at ${target} are not those that its digest was taken over`;
  claims.fault = { number: entry, reason };
}

function keyOf(run: string, gate: string, target: string): string {
  return JSON.stringify([run, gate, target]);
}
