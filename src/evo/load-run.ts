/** A run as the ledger has it. */
import { EvoError, EXIT } from "../errors.js";
import { eventOf } from "../run/entries.js";
import type { RunId } from "../run/events.js";
import { fold } from "../run/evolve.js";
import type { Ledger } from "../run/ports.js";
import type { RunState } from "../run/state.js";

/** Loads and folds a run. Errors: `run.unknown` (exit 2). */
export async function loadRun(ledger: Pick<Ledger, "load">, run: RunId): Promise<RunState> {
  const entries = await ledger.load(run);
  if (entries.length === 0)
    throw new EvoError("run.unknown", `the ledger knows no run ${run}`, { exit: EXIT.usage, remedy: "see evo runs" });
  return fold(run, entries.map(eventOf));
}
