/**
 * The addresses of a world: one loopback server a region, with several edges behind it. Each caller's requests go
 * round the edges, as a resolver hands out addresses in rotation: every edge once, in an order that follows from the
 * seed, then again in another. So one answer proves one edge, and 2n-1 in a row prove all n.
 */
import { createServer, type Server } from "node:http";
import { sha256 } from "../canonical.js";
import { shuffled } from "./chance.js";
import type { WorldLog } from "./log.js";
import type { Answer, EdgeView, EndpointRequest } from "./model.js";

/** Which edge gets a caller's nth request (from 0). Pure. */
export function rotation(seed: number, region: string, edges: number, caller: string, nth: number): number {
  return shuffled(edges, seed, "rotation", region, caller, Math.floor(nth / edges))[nth % edges]!;
}

/** Who calls: as far as an address can tell, by what the request says of itself. Nothing of it is kept in the clear. */
export function callerOf(headers: EndpointRequest["headers"]): string {
  const { authorization = "", "user-agent": agent = "", "x-canary": canary = "" } = headers;
  return sha256(JSON.stringify([authorization, agent, canary])).slice(0, 16);
}

export interface RegionContext {
  readonly seed: number;
  readonly region: string;
  readonly edges: readonly string[];
  readonly view: (edge: string) => EdgeView;
  readonly answer: (edge: EdgeView, request: EndpointRequest) => Answer;
  readonly log: WorldLog;
  readonly now: () => number;
}

/** A region's address and the tally of what it answered. */
export interface RegionServer {
  readonly server: Server;
  /** Writes the tally since the last time into the log. */
  flush(): void;
}

/** A server for one region; it doesn't listen yet. */
export function regionServer(context: RegionContext): RegionServer {
  const requests = new Map<string, number>();
  let tally: { [edge: string]: { [status: string]: number } } = {};
  let from = context.now();
  const server = createServer((incoming, outgoing) => {
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
    const caller = callerOf(headers);
    const nth = requests.get(caller) ?? 0;
    requests.set(caller, nth + 1);
    const edge = context.edges[rotation(context.seed, context.region, context.edges.length, caller, nth)]!;
    const answer = answered(context, edge, { method: incoming.method!, url: incoming.url!, headers });
    tally[edge] ??= {};
    tally[edge][answer.status] = (tally[edge][answer.status] ?? 0) + 1;
    outgoing.writeHead(answer.status, { "content-type": "application/json", "x-edge": edge, ...answer.headers });
    outgoing.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
    incoming.resume();
  });
  const flush = () => {
    const answers = tally;
    const began = from;
    tally = {};
    from = context.now();
    if (Object.keys(answers).length === 0) return;
    context.log({ at: from, type: "requests.answered", region: context.region, from: began, answers });
  };
  return { server, flush };
}

function answered(context: RegionContext, edge: string, request: EndpointRequest): Answer {
  try {
    return context.answer(context.view(edge), request);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { status: 500, body: { error: `The world's endpoint threw: ${message}` } };
  }
}
