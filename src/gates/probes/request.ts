/**
 * One HTTP request on a connection of its own. Node's `http` rather than `fetch`, since only there an address can be
 * checked between its resolution and the connection. It follows no redirect: the answer is what the URL itself says.
 */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { checkHost, guardedLookup } from "./addresses.js";
import { cannotLook } from "./context.js";

/** Bytes of a body that are read. A larger one cannot be judged. */
export const LARGEST_BODY = 1024 * 1024;

export interface HttpRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: { readonly [name: string]: string };
  readonly body?: string;
  /** Without it the connection is closed once the headers are there. */
  readonly wantsBody: boolean;
  readonly loopbackOnly: boolean;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names; repeated headers are joined by ", ". */
  readonly headers: { readonly [name: string]: string };
  readonly body?: Buffer;
}

/** Sends the request and reads the answer. Errors: cannot-look with a short reason that shows neither URL nor header. */
export async function send(request: HttpRequest): Promise<HttpAnswer> {
  try {
    const response = await respond(request, parseUrl(request.url));
    const { wantsBody } = request;
    const body = wantsBody ? await readBody(response) : undefined;
    response.destroy();
    return { status: response.statusCode ?? 0, headers: headersOf(response), ...(body === undefined ? {} : { body }) };
  } catch (error) {
    throw reasonOf(error);
  }
}

/** Errors: cannot-look on what is no http or https URL; the text is not shown, it may come from a secret. */
export function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") throw cannotLook("the URL is no http or https URL");
  return url;
}

async function respond(request: HttpRequest, url: URL): Promise<IncomingMessage> {
  const { method, headers, body, loopbackOnly, signal } = request;
  checkHost(url.hostname, loopbackOnly);
  const options = { method, headers: withDefaults(headers), signal, agent: false, lookup: guardedLookup(loopbackOnly) };
  const begin = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    begin(url, options, resolve).on("error", reject).end(body);
  });
}

function withDefaults(headers: HttpRequest["headers"]): { [name: string]: string } {
  const defaults = { accept: "*/*", "accept-encoding": "identity", "user-agent": "evo", connection: "close" };
  const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { ...defaults, ...given };
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const encoding = response.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") throw cannotLook("the body came compressed, unasked");
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw cannotLook(`the body is larger than ${LARGEST_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function headersOf(response: IncomingMessage): { [name: string]: string } {
  const entries = Object.entries(response.headersDistinct);
  return Object.fromEntries(entries.map(([name, values]) => [name, (values ?? []).join(", ")]));
}

const WORDS: { readonly [code: string]: string } = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was closed before the answer was complete",
  EPIPE: "the connection was closed before the answer was complete",
  ENOTFOUND: "the host name does not exist",
  EAI_AGAIN: "the host name could not be resolved",
  EHOSTUNREACH: "no way to the host",
  ENETUNREACH: "no way to the host's network",
  ETIMEDOUT: "the connection could not be made in time",
};

/** A stable reason without addresses, so that the same trouble reads the same at each look. */
function reasonOf(error: unknown): Error {
  if (!(error instanceof Error) || !("code" in error) || error.name === "EvoError") return error as Error;
  const code = String(error.code);
  const isTls = /CERT|TLS|SSL|EPROTO|SIGNED|ISSUER|LEAF|ALTNAME/.test(code);
  return cannotLook(`${WORDS[code] ?? (isTls ? "TLS failed" : "the request failed")} (${code})`, error);
}
