/** A probe context for tests, a way to look once, and real servers on loopback. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { HttpProbe, LiveProbe, Look } from "../../../src/gates/model.js";
import { createProbe, type ProbeContext } from "../../../src/gates/probes/index.js";
import { createRedactor } from "../../../src/redact.js";

export function contextOf(overrides: Partial<ProbeContext> = {}): ProbeContext {
  return {
    root: tmpdir(),
    sequenceFile: join(tmpdir(), "sequence.ts"),
    env: { PATH: process.env.PATH ?? "" },
    redactor: createRedactor(),
    loopbackOnly: false,
    customs: new Map(),
    now: () => performance.now(),
    outputs: async () => ({}),
    settled: async () => ({ changes: 0, summary: "" }),
    ...overrides,
  };
}

export interface LookOptions {
  readonly context?: Partial<ProbeContext>;
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export function lookOnce(probe: LiveProbe, { context, timeout = 5_000, signal }: LookOptions = {}): Promise<Look> {
  const request = { run: "run", gate: "gate", target: "eu-west", probe, timeout };
  return createProbe(contextOf(context)).look(request, signal ?? new AbortController().signal);
}

/** An http probe, with status 200 expected unless said otherwise. */
export function http(
  url: HttpProbe["url"],
  expect: HttpProbe["expect"] = {},
  more: Partial<HttpProbe> = {},
): HttpProbe {
  return { type: "http", url, expect, ...more };
}

/** Starts a server on a free loopback port, closed with all its connections when the test ends; returns its URL. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  onTestFinished(() => close(server));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Answers every request alike. */
export function answering(status: number, body = "", headers: { [name: string]: string } = {}): RequestListener {
  return (_, response) => response.writeHead(status, headers).end(body);
}

/** Answers every request with JSON. */
export function json(body: unknown, status = 200): RequestListener {
  return answering(status, JSON.stringify(body), { "content-type": "application/json" });
}
