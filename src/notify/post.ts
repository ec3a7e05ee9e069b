/** One try to deliver a message. It never throws, and what it says never names the address, which may be a secret. */
import { type Message, signedHeaders } from "./signature.js";

export type Tried =
  | { readonly ok: true; readonly status: number }
  /** `again`: another try may end otherwise. */
  | { readonly ok: false; readonly reason: string; readonly again: boolean };

export interface Address {
  readonly url: string;
  readonly key: Buffer;
  /** A rehearsal speaks to nobody but this machine (invariant 13). */
  readonly loopbackOnly: boolean;
}

/** Milliseconds: the standard asks receivers to answer within fifteen to thirty seconds. */
const PATIENCE = 15_000;

/** Posts once; redirects are not followed. A receiver that answers 410 wants nothing more. */
export async function post(message: Message, address: Address, signal: AbortSignal): Promise<Tried> {
  if (!URL.canParse(address.url) || !/^https?:/.test(address.url))
    return { ok: false, reason: "its url is none of http or https", again: false };
  if (address.loopbackOnly && !isLoopback(new URL(address.url).hostname))
    return { ok: false, reason: "a rehearsal speaks only to loopback addresses", again: false };
  try {
    const response = await fetch(address.url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "evo", ...signedHeaders(message, address.key) },
      body: message.body,
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
    });
    await response.body?.cancel();
    if (response.ok) return { ok: true, status: response.status };
    return { ok: false, reason: `it answered ${response.status}`, again: response.status !== 410 };
  } catch (error) {
    return { ok: false, reason: describe(error), again: true };
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

function describe(error: unknown): string {
  const { name, cause } = error as { readonly name?: string; readonly cause?: { readonly code?: string } };
  if (name === "TimeoutError") return `no answer within ${PATIENCE / 1000} s`;
  return `it could not be reached (${cause?.code ?? name ?? "unknown"})`;
}
