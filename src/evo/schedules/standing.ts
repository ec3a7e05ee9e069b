/** What the ledger says of schedules now. */
import { ORDER_TYPE, type Order, orderIn, type Schedule, schedulesOf } from "../../departures/schedules.js";
import type { OpenLedger } from "../../ledger/index.js";

/** Schedules that stand, and what each ordered last. */
export async function standing(
  ledger: Pick<OpenLedger, "schedules">,
): Promise<readonly { readonly schedule: Schedule; readonly last?: Order }[]> {
  const entries = await ledger.schedules();
  const orders = new Map(
    entries.filter(({ type }) => type === ORDER_TYPE).map((entry) => [String(entry.body.schedule), orderIn(entry)]),
  );
  return schedulesOf(entries).map((schedule) => {
    const last = orders.get(schedule.name);
    return { schedule, ...(last === undefined ? {} : { last }) };
  });
}

/** Milliseconds after which a clean look at a stack is stale, by what schedules say of it; the strictest counts. */
export async function scheduledAges(ledger: Pick<OpenLedger, "schedules">): Promise<ReadonlyMap<string, number>> {
  const ages = new Map<string, number>();
  for (const { schedule, last } of await standing(ledger)) {
    const { maxAge } = schedule;
    if (maxAge === undefined) continue;
    for (const stack of last?.stacks ?? []) ages.set(stack, Math.min(maxAge, ages.get(stack) ?? maxAge));
  }
  return ages;
}
