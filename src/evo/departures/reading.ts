/** What the ledger tells of departures, for commands that only ask. */
import { DEPARTURE_TYPES, departuresOf, SCAN_TYPES } from "../../departures/known.js";
import type { Departure, StackId } from "../../departures/model.js";
import { means } from "../../departures/policy.js";
import { EvoError } from "../../errors.js";
import type { OpenLedger } from "../../ledger/index.js";
import type { Entry } from "../../run/ports.js";
import type { RunState } from "../../run/state.js";
import { orderOfRun } from "./orders.js";

/** Entries of departures and the newest scans of every stack. */
export function boardEntries(ledger: OpenLedger): Promise<readonly Entry[]> {
  return ledger.aboutStacks({ every: DEPARTURE_TYPES, newest: SCAN_TYPES });
}

/** The stack that a name means. Errors: `drift.unknown-stack`, `drift.ambiguous` (exit 2). */
export function stackCalled(name: string, entries: readonly Entry[]): StackId {
  const known = [...new Set(entries.flatMap(({ stack }) => stack ?? []))];
  const [only, ...others] = known.filter((stack) => means(name, stack));
  if (only !== undefined && others.length === 0) return only;
  const all = (only === undefined ? known : [only, ...others]).map((stack) => `  ${stack}`);
  const what = only === undefined ? "no stack that evo has looked at is called" : "several stacks are called";
  throw new EvoError(only === undefined ? "drift.unknown-stack" : "drift.ambiguous", `${what} ${name}`, {
    remedy: all.length === 0 ? "evo drift scan --all" : `name one of:\n${all.join("\n")}`,
  });
}

/** The departures that concern a run: those of its stacks that are open, or were seen while it ran. */
export async function departuresFor(ledger: OpenLedger, state: RunState): Promise<readonly Departure[]> {
  const { steps } = await orderOfRun(ledger, state);
  const stacks = [...new Set(steps.map(({ stack }) => stack))];
  if (stacks.length === 0) return [];
  const entries = await ledger.aboutStacks({ stacks, every: DEPARTURE_TYPES, newest: [] });
  const seen = new Set(entries.flatMap(({ run, number }) => (run === state.run ? [number] : [])));
  return departuresOf(entries, Date.now()).filter(
    ({ open, entry }) => (open && state.ended === undefined) || seen.has(entry),
  );
}
