/** Opens the ledger alone, for commands that only ask. */
import { type OpenLedger, openLedger } from "../ledger/index.js";
import type { Settings } from "./settings.js";

/** Lends the ledger to `use` and closes it. Errors: `ledger.unavailable` (exit 9). */
export async function withLedger<T>(
  settings: Settings,
  say: (line: string) => void,
  use: (ledger: OpenLedger) => Promise<T>,
): Promise<T> {
  const { home, claimed, ledgerUrl } = settings;
  const ledger = await openLedger({ home, claimed, say, ...(ledgerUrl === undefined ? {} : { url: ledgerUrl }) });
  try {
    return await use(ledger);
  } finally {
    await ledger.close();
  }
}
