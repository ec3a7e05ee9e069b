/** `evo serve` */
import { withLedger } from "../evo/reading.js";
import { serve as serveRuns } from "../evo/serve.js";
import { readSettings } from "../evo/settings.js";
import type { News } from "../run/ports.js";
import { describeEvent, describeHolder, describeLedger } from "../views/lines.js";
import { printLine, sayAt } from "./output.js";

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
  await withLedger(settings, sayAt, async (ledger) => {
    sayAt(`serving the ledger ${ledger.where}`);
    const tell = (run: string, news: News): void => {
      if (options.output === "ndjson") {
        printLine({ run, ...news });
        return;
      }
      const line = lineOf(news);
      if (line !== undefined) sayAt(`${run}: ${line}`);
    };
    await serveRuns(settings, ledger, { tell, say: sayAt }, leave.signal);
  });
}

function lineOf(news: News): string | undefined {
  if (news.kind === "recorded") return describeEvent(news.event);
  if (news.kind === "waiting") return `${news.node}: waits: ${describeHolder(news.lease)}`;
  return news.kind === "ledger" ? describeLedger(news, Date.now()) : undefined;
}
