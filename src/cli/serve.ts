/** `evo serve` */
import { withLedger } from "../evo/reading.js";
import { type ServeNews, serve as serveRuns } from "../evo/serve.js";
import { readSettings } from "../evo/settings.js";
import { type Lines, lineTeller, STDERR, tellLineOf } from "./news.js";
import { sayAt } from "./output.js";

export interface ServeOptions {
  readonly output?: "text" | "ndjson";
  readonly engine?: string;
}

/** Drives runs until SIGINT, SIGTERM or SIGHUP; a second signal ends it at once. Either way engines go on. */
export async function serve(options: ServeOptions): Promise<void> {
  const leave = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (leave.signal.aborted) process.exit(1);
    sayAt(`${signal}: letting go of all runs; engines go on`);
    leave.abort(signal);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const open: ServeNews["open"] =
    options.output === "ndjson" ? (state) => tellLineOf(state.run) : (state) => lineTeller(linesOf(state.run), state);
  await withLedger(settings, sayAt, async (ledger) => {
    sayAt(`serving the ledger ${ledger.where}`);
    await serveRuns(settings, ledger, { open, say: sayAt }, leave.signal);
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
