/** A run that is being answered is left alone. */
import { EvoError, EXIT } from "../errors.js";
import type { Ledger } from "../run/ports.js";
import { isOver, type RunState } from "../run/state.js";
import { loadRun } from "./load-run.js";

/** While a recovery is under way its answered run stays as it is. Errors: `run.recovering` (exit 6). */
export async function refuseRecovering(ledger: Pick<Ledger, "load">, state: RunState): Promise<void> {
  const { recovery } = state;
  if (recovery === undefined || isOver(await loadRun(ledger, recovery.run))) return;
  throw new EvoError("run.recovering", `run ${state.run} is being answered by the recovery ${recovery.run}`, {
    exit: EXIT.locked,
    remedy: `evo status ${recovery.run}; evo resume ${recovery.run}, or evo abort ${recovery.run} --reason "..."`,
  });
}
