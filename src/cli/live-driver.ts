/** Who drives a run, by its lease: said by `evo status`, and beside the tree of somebody who only watches. */
import { isDriving } from "../evo/take-over.js";
import type { OpenLedger } from "../ledger/index.js";
import type { LeaseHolder } from "../run/ports.js";

/** The live lease of whoever drives a run; none where nobody does. */
export async function driverOf(ledger: Pick<OpenLedger, "leases">, run: string): Promise<LeaseHolder | undefined> {
  return (await ledger.leases()).find((lease) => lease.holder["run"] === run && isDriving(lease));
}

export function describeDriver({ holder }: LeaseHolder): string {
  return `driven by ${String(holder["actor"])} on ${String(holder["host"])}, pid ${String(holder["pid"])}`;
}
