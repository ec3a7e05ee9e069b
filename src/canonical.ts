/** One way to write JSON as text (RFC 8785) and to hash it, so that digests mean the same on every machine. */
import { hash } from "node:crypto";
import canonicalize from "canonicalize";

/** Canonical JSON text (RFC 8785). Throws a TypeError on what JSON cannot carry (undefined at the top, NaN, cycles). */
export function canonical(value: unknown): string {
  const text = (canonicalize as unknown as (value: unknown) => string | undefined)(value);
  if (text === undefined) throw new TypeError("not a JSON value");
  return text;
}

/** sha256 in lower-case hex of a text (as UTF-8) or of bytes. */
export function sha256(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}

/** sha256 over the canonical form of a JSON value. */
export function digest(value: unknown): string {
  return sha256(canonical(value));
}

/**
 * Canonical text that the ledger's database can hold as jsonb: NUL, which it can't, and lone surrogates, which UTF-8 can't, become
 * U+FFFD. What is recorded is what comes back; nobody hashes the value from before.
 */
export function recordable(value: unknown): string {
  return canonical(mend(value));
}

function mend(value: unknown): unknown {
  if (typeof value === "string") return wellFormed(value);
  if (Array.isArray(value)) return value.map(mend);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [wellFormed(key), mend(inner)]));
}

const UNFIT = /\0|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

function wellFormed(text: string): string {
  return text.replace(UNFIT, "\uFFFD");
}
