/** The door of `evo serve --listen`: is it alive, is it ready, and words of other systems. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { EvoError, EXIT } from "../errors.js";
import type { OpenLedger } from "../ledger/index.js";
import { openWords, type Received, type Reply } from "./http-words.js";
import type { Settings } from "./settings.js";
import { readWebhookSecrets } from "./webhook-secrets.js";

/** A request that was answered; `took` in milliseconds. Neither headers nor bodies are told. */
export interface Answered {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly took: number;
  /** Why it was refused; of a bug in evo what it said, which the sender is not told. */
  readonly code?: string;
}

type Failed = Reply & { readonly bug: string };

export interface Door {
  /** `http://host:port`. */
  readonly address: string;
  /** Takes nothing more in; what is being answered is, for a little time. */
  close(): Promise<void>;
}

/** Bytes of a message. */
const LARGEST = 64 * 1024;
/** Milliseconds: for a whole request, for the ledger to show that it is there, for the end. */
const PATIENCE = 10_000;
const READY = 3_000;
const FAREWELL = 5_000;

/** Listens at `host:port` (port 0: any). Errors: `usage` (exit 2), `http.listen` (exit 1), `webhook.secrets` (exit 2). */
export async function openDoor(
  settings: Settings,
  ledger: OpenLedger,
  at: string,
  told: (answered: Answered) => void,
): Promise<Door> {
  const { host, port } = parseAddress(at);
  const words = openWords(ledger, readWebhookSecrets(settings.env));
  const server = createServer((request, response) => {
    const began = performance.now();
    const [path = "/"] = (request.url ?? "/").split("?");
    void reply(ledger, words, request, path)
      .catch((error: Error): Failed => ({ status: 500, body: { ok: false, code: "internal" }, bug: error.message }))
      .then(({ status, body, bug }: Reply & { readonly bug?: string }) => {
        answer(response, status, body);
        const code = typeof body.code === "string" ? { code: bug ?? body.code } : {};
        told({ method: request.method ?? "", path, status, took: Math.round(performance.now() - began), ...code });
      });
  });
  server.requestTimeout = PATIENCE;
  server.headersTimeout = PATIENCE;
  await listen(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  return { address: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`, close: () => close(server) };
}

function parseAddress(at: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port = ""] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(at) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new EvoError("usage", `${at} is no host:port`, { exit: EXIT.usage, remedy: "for example 127.0.0.1:8080" });
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(new EvoError("http.listen", `${host}:${port} can't be listened at: ${error.code}`, { exit: EXIT.error })),
    );
    server.listen(port, host, resolve);
  });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), FAREWELL);
  await closed;
  clearTimeout(late);
}

async function reply(
  ledger: OpenLedger,
  words: (received: Received) => Promise<Reply>,
  request: IncomingMessage,
  path: string,
): Promise<Reply> {
  const allowed = METHODS[path];
  if (allowed === undefined) return { status: 404, body: { ok: false, code: "not-found" } };
  if (request.method !== allowed) return { status: 405, body: { ok: false, code: "method" } };
  if (path === "/healthz") return { status: 200, body: { ok: true } };
  if (path === "/readyz") return (await isReady(ledger)) ? { status: 200, body: { ok: true } } : NOT_READY;
  const body = await readBody(request);
  if (body === undefined) return { status: 413, body: { ok: false, code: "too-large" } };
  return words({ headers: request.headers, body, peer: request.socket.remoteAddress ?? "unknown" });
}

const METHODS: { readonly [path: string]: string } = { "/healthz": "GET", "/readyz": "GET", "/words": "POST" };
const NOT_READY: Reply = { status: 503, body: { ok: false, code: "ledger.unavailable" } };

/** Whether the ledger answers now. */
async function isReady(ledger: OpenLedger): Promise<boolean> {
  const late = new AbortController();
  const asked = ledger.entry(1).then(
    () => true,
    () => false,
  );
  const gaveUp = sleep(READY, false, { signal: late.signal }).catch(() => false);
  const ready = await Promise.race([asked, gaveUp]);
  late.abort();
  return ready;
}

/** The signature is over these very bytes; undefined where there are too many. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= LARGEST) chunks.push(chunk);
  }
  return size > LARGEST ? undefined : Buffer.concat(chunks).toString("utf8");
}

function answer(response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(text);
}
