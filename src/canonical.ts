/** One way to write JSON as text (RFC 8785) and to hash it, so that digests mean the same on every machine. */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

/** Canonical JSON text (RFC 8785). Throws a TypeError on what JSON cannot carry (undefined at the top, NaN, cycles). */
export function canonical(value: unknown): string {
  const text = (canonicalize as unknown as (value: unknown) => string | undefined)(value);
  if (text === undefined) throw new TypeError("not a JSON value");
  return text;
}

/** sha256 in lower-case hex of a text (as UTF-8) or of bytes. */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** sha256 over the canonical form of a JSON value. */
export function digest(value: unknown): string {
  return sha256(canonical(value));
}
