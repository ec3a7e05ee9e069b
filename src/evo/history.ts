/** What earlier runs say about a sequence's gates; for advice only, and never required. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { historyOf } from "../authoring/history.js";
import type { GateHistory } from "../authoring/lint.js";
import { eventOf } from "../run/entries.js";
import { withLedger } from "./reading.js";
import type { Settings } from "./settings.js";

/** The newest runs that are looked at. */
const RUNS = 20;

/** How long the gates of a sequence have needed in production. Nothing where there is no ledger, or none that answers. */
export async function gateHistory(
  settings: Settings,
  sequence: string,
  say: (line: string) => void,
): Promise<GateHistory> {
  // Asking must not make a ledger where none was.
  if (settings.ledgerUrl === undefined && !existsSync(join(settings.home, "ledger"))) return new Map();
  try {
    return await withLedger(settings, say, async (ledger) => {
      const runs = await ledger.runs({ sequence, rehearsal: false, limit: RUNS });
      const loading = runs.map(async ({ run }) => ({ run, entries: await ledger.load(run) }));
      const loaded = await Promise.all(loading);
      return historyOf(
        loaded.map(({ run, entries }) => ({ run, events: entries.map((entry) => eventOf(entry).event) })),
      );
    });
  } catch (error) {
    say(`earlier runs were not looked at: ${(error as Error).message}`);
    return new Map();
  }
}
