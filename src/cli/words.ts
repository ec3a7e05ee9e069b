/** `evo pause [run]`, `evo settle <operation>` and `evo abort [run]`: a person's words, from any machine. */

import { withLedger } from "../evo/reading.js";
import { chooseUnfinished } from "../evo/resume.js";
import { readSettings } from "../evo/settings.js";
import { abortRun, pauseRun, settleOperation } from "../evo/words.js";
import { type OutputOptions, showOutcome } from "./news.js";
import { say, sayAt } from "./output.js";

/** Nothing new starts, wherever the run is driven. */
export async function pause(named: string | undefined, options: OutputOptions & { reason: string }): Promise<void> {
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    showOutcome(await pauseRun(ledger, await chooseUnfinished(ledger, named), options.reason), options);
  });
}

/** How an operation ended that nobody saw to its end. */
export async function settle(
  operation: string,
  options: OutputOptions & { readonly as: "succeeded" | "failed"; readonly reason: string },
): Promise<void> {
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    showOutcome(await settleOperation(ledger, operation, options.as, options.reason), options);
  });
}

export interface AbortOptions extends OutputOptions {
  readonly reason: string;
  readonly takeOver?: boolean;
}

/** Ends an unfinished run where it stands. */
export async function abort(named: string | undefined, options: AbortOptions): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  await withLedger(settings, say, async (ledger) => {
    const run = await chooseUnfinished(ledger, named);
    const word = options.takeOver ? options.reason : undefined;
    showOutcome(await abortRun(settings, ledger, run, options.reason, sayAt, word), options);
  });
}
