/** Opens what a recorded run is driven with: its sequence where it was started from, its world where it has one. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { EvoError, EXIT } from "../errors.js";
import type { RunState } from "../run/state.js";
import { type LoadedSequence, loadSequence } from "../sequence/load.js";
import { rehearsalOf } from "./rehearsal.js";
import { openSession, type Session } from "./session.js";
import type { Settings } from "./settings.js";

/** Errors: `run.elsewhere` (exit 2) where the sequence isn't on this machine; those of the loader and of `openSession`. */
export async function reopen(
  settings: Settings,
  { run, started }: RunState,
  ephemeralLedger: boolean | undefined,
  say: (line: string) => void,
): Promise<{ readonly session: Session; readonly loaded: LoadedSequence }> {
  const { plan, root, file, rehearsal, parallel } = started;
  const place = resolve(root, file);
  if (!existsSync(place)) throw elsewhere(run, place);
  const loaded = await loadSequence(place, settings.cwd, settings.cache);
  const world = rehearsal === undefined ? {} : { rehearsal: { ...rehearsalOf(loaded), fresh: false, faults: [] } };
  const mode = { ephemeralLedger: ephemeralLedger ?? rehearsal !== undefined, parallel, ...world };
  return { session: await openSession(settings, mode, { plan, root, loaded }, say), loaded };
}

function elsewhere(run: string, place: string): EvoError {
  return new EvoError("run.elsewhere", `run ${run} was started from ${place}, which is not on this machine`, {
    exit: EXIT.usage,
    remedy: "run it on the machine that has it, or check the sequence out at that place",
  });
}
