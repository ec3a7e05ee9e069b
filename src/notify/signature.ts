/**
 * Signatures of webhooks, both ways, by https://www.standardwebhooks.com: HMAC-SHA256 over `<id>.<seconds>.<body>` under a
 * secret `whsec_<base64 of 24 to 64 bytes>`, in the headers `webhook-id`, `webhook-timestamp`, `webhook-signature`.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

/** What is signed; `at` in milliseconds since the epoch, of which the seconds count. */
export interface Message {
  readonly id: string;
  readonly at: number;
  readonly body: string;
}

/** A secret by the name of who holds it. */
export interface NamedSecret {
  readonly name: string;
  readonly key: Buffer;
}

/** Milliseconds that a message's time may differ from ours, as the standard's own libraries have it. */
export const TOLERANCE = 5 * 60_000;

const PREFIX = "whsec_";

/** The bytes of a secret; undefined for what is none. */
export function parseSecret(text: string): Buffer | undefined {
  const base64 = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const key = Buffer.from(base64, "base64");
  return key.length >= 24 && key.length <= 64 ? key : undefined;
}

function signature({ id, at, body }: Message, key: Buffer): string {
  const signed = `${id}.${Math.floor(at / 1000)}.${body}`;
  return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}

/** The headers of a signed message. */
export function signedHeaders(message: Message, key: Buffer): { readonly [name: string]: string } {
  return {
    "webhook-id": message.id,
    "webhook-timestamp": String(Math.floor(message.at / 1000)),
    "webhook-signature": signature(message, key),
  };
}

export type Checked =
  | { readonly ok: true; readonly id: string; readonly from: string }
  | { readonly ok: false; readonly reason: "unsigned" | "expired" | "bad-signature" };

/** Whose secret signed this message, and not too long ago; `headers` in lower case. */
export function checkSigned(
  headers: { readonly [name: string]: string | readonly string[] | undefined },
  body: string,
  secrets: readonly NamedSecret[],
  now: number,
): Checked {
  const [id, seconds, signatures] = ["id", "timestamp", "signature"].map((name) => headers[`webhook-${name}`]);
  if (typeof id !== "string" || typeof seconds !== "string" || typeof signatures !== "string")
    return { ok: false, reason: "unsigned" };
  if (!/^[!-~]{1,256}$/.test(id) || !/^\d{1,12}$/.test(seconds)) return { ok: false, reason: "unsigned" };
  const at = Number(seconds) * 1000;
  const given = signatures.split(" ");
  const signer = secrets.find(({ key }) => given.some((one) => isSame(one, signature({ id, at, body }, key))));
  if (signer === undefined) return { ok: false, reason: "bad-signature" };
  // Told only to who knows a secret: nobody else learns anything of our clock.
  return Math.abs(now - at) > TOLERANCE ? { ok: false, reason: "expired" } : { ok: true, id, from: signer.name };
}

function isSame(given: string, made: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(made)];
  return one.length === other.length && timingSafeEqual(one, other);
}
