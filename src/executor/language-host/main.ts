/**
 * The plugin `pulumi-language-nodejs`. The engine starts it with its own address as the last argument and reads the port
 * from the first line of its output. It ends with the engine, and no program outlives it. Within an operation of evo's it
 * leaves the work to a language host on standby, if there is one (standby.ts).
 */
import { readFileSync } from "node:fs";
import { packageFile } from "../../package-root.js";
import { type Answered, callStandby } from "./standby-call.js";
import type { Surroundings } from "./surroundings.js";

/** Milliseconds between looks whether the engine is still our parent: a killed engine sends no signal. */
const WATCH = 250;

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes("--version") || args.includes("-version")) {
    console.log(JSON.parse(readFileSync(packageFile("package.json"), "utf8")).version);
    return;
  }
  const around: Surroundings = { args, cwd: process.cwd(), env: process.env, pid: process.pid, output: [1, 2] };
  const parent = process.ppid;
  const answered = await callStandby(around);
  const end = answered === undefined ? await serveHere(around) : leaveTo(answered);
  let ending = false;
  const ended = (): void => {
    if (!ending) end();
    ending = true;
  };
  process.on("SIGINT", ended).on("SIGTERM", ended);
  setInterval(() => process.ppid !== parent && ended(), WATCH).unref();
}

/** Ends our half of the connection; the standby ends its own when the program has gone. */
function leaveTo({ port, socket }: Answered): () => void {
  socket.on("close", () => process.exit(0)).resume();
  console.log(port);
  return () => socket.end();
}

/** Stops the programs (they are killed if they don't end) and goes when the last one has gone. */
async function serveHere(around: Surroundings): Promise<() => void> {
  const [{ serveEngine }, { operationOf, runner }] = await Promise.all([import("./serve.js"), import("./run.js")]);
  const stop = new AbortController();
  const { port } = await serveEngine(around, stop, runner(around, operationOf(around.env)));
  console.log(port);
  return () => {
    stop.abort();
    setInterval(() => process.getActiveResourcesInfo().includes("ProcessWrap") || process.exit(0), 10);
  };
}

await main();
