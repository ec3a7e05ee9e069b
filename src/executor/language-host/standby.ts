/**
 * A language host on standby: it has loaded what every evaluation needs, and expects programs before the engine asks for
 * them. The engine starts its plugin (main.ts) as ever; the plugin finds `<operation's directory>/standby`, hands over
 * what the engine gave it, and stays as long as the engine wants it. When it goes, its program is ended.
 *
 * Standard input brings what is expected, a line each, `null` for nothing any more. At its end this process lets the last
 * program finish and goes.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, renameSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { operationOf, runner } from "./run.js";
import { serveEngine } from "./serve.js";
import { type Expected, type Spares, sparesFor } from "./spares.js";
import { type Handover, readLine, STANDBY } from "./standby-call.js";
import type { Surroundings } from "./surroundings.js";

interface Play {
  /** Known to whoever can read the operation's directory. */
  readonly token: string;
  readonly spares: Spares;
}

let play: Play | undefined;
const sessions = new Set<Promise<void>>();

async function main(): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    attend(socket).catch(() => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for await (const line of createInterface({ input: process.stdin })) await expect(JSON.parse(line), port);
  await expect(null, port);
  server.close();
  await Promise.all(sessions);
  process.exit(0);
}

async function expect(program: Expected | null, port: number): Promise<void> {
  play?.spares.drop();
  play = program === null ? undefined : { token: randomUUID(), spares: await sparesFor(program) };
  if (program !== null && play !== undefined) announce(program, { port, token: play.token });
}

/** Appears at once and whole. Where it can't, the plugin finds nothing and serves the engine itself. */
function announce({ directory }: Expected, place: { port: number; token: string }): void {
  const file = join(directory, STANDBY);
  try {
    writeFileSync(`${file}.draft`, JSON.stringify(place), { mode: 0o600 });
    renameSync(`${file}.draft`, file);
  } catch {
    play?.spares.drop();
  }
}

/** Whoever doesn't know the token has come to the wrong door. */
async function attend(socket: Socket): Promise<void> {
  const line = await readLine(socket);
  const handover = line === undefined ? undefined : (JSON.parse(line) as Handover);
  if (play === undefined || handover?.token !== play.token) return void socket.destroy();
  const session = host(socket, handover, play.spares).finally(() => sessions.delete(session));
  sessions.add(session);
  await session;
}

/** One plugin, from its handover until it goes and its program has ended. */
async function host(socket: Socket, plugin: Handover, spares: Spares): Promise<void> {
  const output = [1, 2].map((fd) => openSync(`/proc/${plugin.pid}/fd/${fd}`, "a")) as [number, number];
  try {
    await serve(socket, { ...plugin, output }, spares);
  } finally {
    for (const fd of output) closeSync(fd);
    socket.destroy();
  }
}

async function serve(socket: Socket, around: Surroundings, spares: Spares): Promise<void> {
  const stop = new AbortController();
  const gone = new Promise<void>((resolve) => {
    for (const end of ["end", "close"]) socket.once(end, resolve);
  });
  socket.resume();
  const programs = new Set<Promise<unknown>>();
  const run = runner(around, operationOf(around.env), spares);
  const served = await serveEngine(around, stop, (request, signal) => {
    const program = run(request, signal).finally(() => programs.delete(program));
    programs.add(program);
    return program;
  });
  socket.write(`${served.port}\n`);
  await gone;
  stop.abort();
  await Promise.allSettled(programs);
  served.close();
}

await main();
