/** `evo serve` */

import type { Door } from "../evo/http.js";
import { withLedger } from "../evo/reading.js";
import { type ServeNews, serve as serveRuns } from "../evo/serve.js";
import { readSettings, type Settings } from "../evo/settings.js";
import type { OpenLedger } from "../ledger/index.js";
import { type Lines, lineTeller, STDERR, tellLineOf } from "./news.js";
import { printLine, sayAt } from "./output.js";

export interface ServeOptions {
  readonly output?: "text" | "ndjson";
  readonly engine?: string;
  /** `host:port` for health checks and words over HTTP. */
  readonly listen?: string;
}

/** Drives runs until SIGINT, SIGTERM or SIGHUP; a second signal ends it at once. Either way engines go on. */
export async function serve(options: ServeOptions): Promise<void> {
  const leave = new AbortController();
  const isNdjson = options.output === "ndjson";
  const say = isNdjson ? sayLine : sayAt;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (leave.signal.aborted) process.exit(1);
    say(`${signal}: letting go of all runs; engines go on`);
    leave.abort(signal);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const open: ServeNews["open"] = isNdjson
    ? (state) => tellLineOf(state.run)
    : (state) => lineTeller(linesOf(state.run), state);
  await withLedger(settings, say, async (ledger) => {
    say(`serving the ledger ${ledger.where}`);
    const door = options.listen === undefined ? undefined : await listen(settings, ledger, options.listen, isNdjson);
    if (door !== undefined) say(`listening at ${door.address}`);
    await serveRuns(settings, ledger, { open, say }, leave.signal).finally(() => door?.close());
  });
}

/** A remark as a line of ndjson. */
function sayLine(line: string): void {
  printLine({ kind: "said", at: new Date().toISOString(), line });
}

/** Opens the door; what health checks are answered is told only where it is not well. */
async function listen(settings: Settings, ledger: OpenLedger, at: string, isNdjson: boolean): Promise<Door> {
  const { openDoor } = await import("../evo/http.js");
  return openDoor(settings, ledger, at, (answered) => {
    if (answered.method === "GET" && answered.status === 200) return;
    const { method, path, status, took, code } = answered;
    if (isNdjson) printLine({ kind: "request", at: new Date().toISOString(), ...answered });
    else sayAt(`${method} ${path}: ${status}${code === undefined ? "" : `, ${code}`} (${took} ms)`);
  });
}

/** Each line begins with the name of its run. */
function linesOf(run: string): Lines {
  return {
    ...STDERR,
    say: (line) => STDERR.say(`${run}: ${line}`),
    sayFolded: (line, details) => STDERR.sayFolded(`${run}: ${line}`, details),
  };
}
