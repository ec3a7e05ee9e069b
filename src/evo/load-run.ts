/** A run as the ledger has it. */
import { EvoError, EXIT } from "../errors.js";
import { eventOf } from "../run/entries.js";
import type { RunId } from "../run/events.js";
import { fold } from "../run/evolve.js";
import type { Entry, Ledger } from "../run/ports.js";
import type { RunState } from "../run/state.js";

/** Loads and folds a run. Errors: `run.unknown` (exit 2). */
export async function loadRun(ledger: Pick<Ledger, "load">, run: RunId): Promise<RunState> {
  return fold(run, (await loadEntries(ledger, run)).map(eventOf));
}

/** A run's entries. Errors: `run.unknown` (exit 2). */
export async function loadEntries(ledger: Pick<Ledger, "load">, run: RunId): Promise<readonly Entry[]> {
  const entries = await ledger.load(run);
  if (entries.length > 0) return entries;
  throw new EvoError("run.unknown", `the ledger knows no run ${run}`, { exit: EXIT.usage, remedy: "see evo runs" });
}
