/** A client's hold on a world: one socket, one question at a time. */
import { connect, type Socket } from "node:net";
import { EvoError } from "../errors.js";
import { type Command, onValue, type Reply, send } from "./lines.js";
import type { HostState } from "./settings.js";

export interface Client {
  ask(command: Command): Promise<Reply & { readonly ok: true }>;
  close(): Promise<void>;
}

/** A host that doesn't say hello within this many milliseconds isn't ours, or isn't well. */
const HELLO = 5_000;
/** How long an ending host may take before its client stops waiting for it. */
const FAREWELL = 3_000;

/** Holds the world of a host; undefined when no host of that world lives there (any more). */
export async function connectTo(state: HostState): Promise<Client | undefined> {
  const socket = await connected(state.control);
  if (socket === undefined) return undefined;
  const client = clientOf(socket);
  try {
    await client.ask({ op: "hello", token: state.token });
    return client;
  } catch {
    socket.destroy();
    return undefined;
  }
}

function connected(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

function clientOf(socket: Socket): Client {
  const waiting: ((reply: Reply) => void)[] = [];
  const gone: Reply = { ok: false, code: "world.gone", message: "The world's process has ended." };
  const drain = () => {
    for (const settle of waiting.splice(0)) settle(gone);
  };
  onValue<Reply>(socket, (reply) => waiting.shift()?.(reply));
  socket.on("error", () => socket.destroy());
  socket.on("close", drain);
  socket.setTimeout(HELLO, () => waiting.length > 0 && socket.destroy());
  const ask = async (command: Command) => {
    // Only a question keeps this process alive, not the hold itself.
    socket.ref();
    const reply = await new Promise<Reply>((resolve) => {
      if (socket.destroyed) return resolve(gone);
      waiting.push(resolve);
      send(socket, command);
    });
    socket.unref();
    if (reply.ok) return reply;
    throw new EvoError(reply.code, reply.message, reply.remedy === undefined ? {} : { remedy: reply.remedy });
  };
  return { ask, close: () => farewell(socket, ask) };
}

async function farewell(socket: Socket, ask: Client["ask"]): Promise<void> {
  if (socket.destroyed) return;
  const { others, engines } = await ask({ op: "bye" }).catch(() => ({ others: 0, engines: 0 }));
  // After the farewell the count no longer includes us: -1 others means that nobody is left, and the host is ending.
  if (others < 0 && engines === 0) await closed(socket);
  socket.destroy();
}

function closed(socket: Socket): Promise<void> {
  if (socket.destroyed) return Promise.resolve();
  socket.ref();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, FAREWELL);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
