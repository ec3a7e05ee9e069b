/** `evo gates <sequence>` */
import { convergenceTimes } from "../evo/convergence.js";
import { withLedger } from "../evo/reading.js";
import { readSettings } from "../evo/settings.js";
import { describeTimes } from "../views/gates-text.js";
import { wholeNumber } from "./options.js";
import { columns, print, printJson, say } from "./output.js";

export interface GatesOptions {
  readonly json?: boolean;
  readonly rehearsals?: boolean;
  readonly limit: string;
}

/** Convergence times by a sequence's name: the ledger is asked, not the file. Errors: `ledger.unavailable` (exit 9). */
export async function gates(sequence: string, options: GatesOptions): Promise<void> {
  const limit = wholeNumber("--limit", options.limit, 1);
  const rehearsal = options.rehearsals === true;
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    const rows = await convergenceTimes(ledger, { sequence, rehearsal, limit });
    if (options.json) return printJson({ schema: "evo.gates/1", sequence, rehearsals: rehearsal, gates: rows });
    print(describeTimes(rows, columns()));
  });
}
