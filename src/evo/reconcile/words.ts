/** Finds departures, and records that they are reconciled. */
import { randomUUID } from "node:crypto";
import { DEPARTURE_TYPES, departuresOf } from "../../departures/known.js";
import type { Departure } from "../../departures/model.js";
import { type Reconciled, reconciledBy, reconciledEntry } from "../../departures/reconcile.js";
import { EvoError, EXIT } from "../../errors.js";
import type { OpenLedger } from "../../ledger/index.js";
import type { Entry } from "../../run/ports.js";
import type { RunState } from "../../run/state.js";

type Reads = Pick<OpenLedger, "aboutStacks" | "append" | "entry">;

/** A departure, and the newest entry that says what differs. */
export interface Found {
  readonly departure: Departure;
  readonly told: Entry;
}

async function known(ledger: Reads, id: string, now: number): Promise<Found | undefined> {
  const entries = await ledger.aboutStacks({ every: DEPARTURE_TYPES, newest: [] });
  const departure = departuresOf(entries, now).find((one) => one.id === id);
  const told = entries.findLast(({ type, body }) => /detected|reopened/.test(type) && body.id === id);
  return departure === undefined || told === undefined ? undefined : { departure, told };
}

/** Errors: `departure.unknown` (exit 2). */
export async function findDeparture(ledger: Reads, id: string, now: number): Promise<Found> {
  const found = await known(ledger, id, now);
  if (found !== undefined) return found;
  throw new EvoError("departure.unknown", `the ledger knows no departure ${id}`, {
    exit: EXIT.usage,
    remedy: "evo drift list; evo drift show <stack>",
  });
}

/** What is closed needs nothing; an acceptance may be ended early, or prolonged. Errors: `departure.closed` (exit 2). */
export function demandOpen({ id, open, accepted, closed }: Departure): void {
  if (open || accepted !== undefined) return;
  throw new EvoError("departure.closed", `${id} is closed already: ${closed ?? "reconciled"}`, {
    exit: EXIT.usage,
    remedy: "evo drift show <stack> tells what is open",
  });
}

/** Accepts it until a date; then it is open again by itself. Errors: `usage` (exit 2) where that date is not to come. */
export async function accept(
  ledger: Reads,
  departure: Departure,
  word: { readonly until: string; readonly reason: string; readonly now: number },
): Promise<Entry> {
  const { until, reason, now } = word;
  if (!(Date.parse(until) > now))
    throw new EvoError("usage", `--until takes an ISO 8601 time that is still to come, not ${until}`, {
      remedy: "--until 2027-01-31",
    });
  demandOpen(departure);
  const ends = new Date(Date.parse(until)).toISOString();
  return recordReconciled(ledger, departure, { at: now, how: `accepted until ${ends}`, until: ends, reason });
}

/** Closes it; once for a run, whoever says so. */
export async function recordReconciled(ledger: Reads, departure: Departure, said: Reconciled): Promise<Entry> {
  const id = said.run === undefined ? randomUUID() : `reconciled-${departure.id}-${said.run.run}`;
  const [made] = await ledger.append([reconciledEntry(departure, said)], { id, leases: [] });
  if (made === undefined) throw new Error("an append of one entry gave none");
  return made;
}

/** A run that was made to reconcile a departure has completed: whoever drove it to its end says so. */
export async function recordIfReconciled(ledger: Reads, state: RunState): Promise<void> {
  const what = state.status === "completed" ? reconciledBy(state) : undefined;
  const found = what && (await known(ledger, what.id, state.started.at));
  if (what === undefined || found === undefined) return;
  const declared = await ledger.entry(state.started.entry).then((entry) => ledger.entry(entry?.causes[0]?.number ?? 0));
  const sequence = declared?.body.sequence as { readonly description?: string } | undefined;
  await recordReconciled(ledger, found.departure, {
    at: state.ended?.at ?? state.started.at,
    how: what.means === "adopt" ? "adopted" : "reverted",
    reason: sequence?.description ?? "",
    run: { run: state.run, last: state.last },
  });
}
