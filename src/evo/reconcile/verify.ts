/** Whether what a sequence was run for has come to pass: a run that completed need not have touched what had departed. */
import { DEPARTURE_TYPES, departuresOf } from "../../departures/known.js";
import type { Departure } from "../../departures/model.js";
import { EvoError, EXIT } from "../../errors.js";
import { type ScanSubject, scanStacks } from "../departures/live.js";
import { lookerOf, ordersOnce, subjectsOf } from "../departures/watch.js";
import type { Session, Subject } from "../session.js";

/** The stack of the departure, through the sequence that is to revert it. Errors: `reconcile.no-step` (exit 2). */
export function subjectOf(session: Session, { plan, root }: Subject, { id, stack }: Departure): ScanSubject {
  const found = subjectsOf(session, plan, root).find((subject) => subject.stack === stack);
  if (found !== undefined) return { ...found, policy: plan.outOfBand };
  throw new EvoError("reconcile.no-step", `${plan.sequence.name} has no step for ${stack}, where ${id} is`, {
    exit: EXIT.usage,
    remedy: "name a sequence that updates this stack",
  });
}

/** Drift is looked for again; of anything else the run's completion is the answer. Why it is still there, or nothing. */
export async function stillThere(
  session: Session,
  subject: ScanSubject,
  { id, kind }: Departure,
): Promise<string | undefined> {
  if (kind !== "drift") return undefined;
  const looker = lookerOf(session);
  const signal = new AbortController().signal;
  const [seen] = await scanStacks(looker, [subject], { parallel: 1, signal, orders: ordersOnce(looker) });
  if (seen?.why !== undefined) return seen.why;
  const entries = await session.ledger.aboutStacks({ stacks: [subject.stack], every: DEPARTURE_TYPES, newest: [] });
  const open = departuresOf(entries, looker.now()).some((one) => one.id === id && one.open);
  return open ? "the live system still differs; a step reverts drift where it says refresh: true" : undefined;
}
