/** How long the gates of a sequence have taken, from the entries of its earlier runs. */
import type { OpenLedger } from "../ledger/index.js";
import { eventOf } from "../run/entries.js";
import type { RunId } from "../run/events.js";
import { type ConvergenceTimes, timesOf } from "../views/gates-times.js";
import { watchedIn } from "../views/gates-watched.js";

export interface Earlier {
  readonly sequence: string;
  /** Rehearsals are never evidence in production, nor the other way round (invariant 13). */
  readonly rehearsal: boolean;
  /** The newest so many runs, however they have ended: time-outs count, too. */
  readonly limit: number;
  /** A run that is no earlier one. */
  readonly except?: RunId;
}

/** Errors: `ledger.unavailable` (exit 9), `ledger.broken` (exit 10). */
export async function convergenceTimes(
  ledger: Pick<OpenLedger, "runs" | "load">,
  { sequence, rehearsal, limit, except }: Earlier,
): Promise<readonly ConvergenceTimes[]> {
  const runs = (await ledger.runs({ sequence, rehearsal, limit })).filter(({ run }) => run !== except);
  const watched = [];
  // One after the other: what is kept of a run is small, its entries are not.
  for (const { run } of [...runs].reverse()) watched.push(...watchedIn(run, (await ledger.load(run)).map(eventOf)));
  return timesOf(watched);
}
