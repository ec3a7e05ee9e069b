/** The audit of a run, from the ledger: reads what it needs, proves the chain over it, and gives the pure part the rest. */
import { EvoError, EXIT } from "../errors.js";
import type { AuditPart, OpenLedger } from "../ledger/index.js";
import type { Entry } from "../run/ports.js";
import { audit } from "../views/audit/audit.js";
import type { AuditReport, Integrity } from "../views/audit/model.js";
import { systemClock } from "./clock.js";

/** Errors: `run.unknown` (exit 2), `ledger.unavailable` (exit 9). */
export async function auditRun(ledger: OpenLedger, run: string): Promise<AuditReport> {
  const all = await ledger.audited(run);
  const parts = (wanted: AuditPart): readonly Entry[] =>
    all.flatMap(({ part, entry }) => (part === wanted ? [entry] : []));
  const own = parts("own");
  const [first] = own;
  if (first === undefined)
    throw new EvoError("run.unknown", `the ledger knows no run ${run}`, { exit: EXIT.usage, remedy: "see evo runs" });
  const integrity = await integrityOf(ledger, first.number, (own.at(-1) ?? first).number);
  return audit({
    own,
    evidence: parts("evidence"),
    origins: parts("origin"),
    answers: parts("answer"),
    departures: parts("departure"),
    integrity,
    now: systemClock.now(),
  });
}

/** Followed on to the first signed checkpoint behind the run, where this client knows one. */
async function integrityOf(ledger: OpenLedger, first: number, last: number): Promise<Integrity> {
  const pin = await ledger.covering(last);
  const stretch = await ledger.stretch(first, last, pin);
  return pin === undefined ? stretch : { ...stretch, anchored: { number: pin.number, by: pin.by } };
}
