/** What `evo serve` does for webhooks: notices that nobody delivered, of runs that nobody drives and of scans. */
import { setTimeout as sleep } from "node:timers/promises";
import type { OpenLedger } from "../ledger/index.js";
import { deliveriesOf, keyOf, noticeOf } from "../notify/notices.js";
import type { Plan } from "../plan/model.js";
import type { Entry } from "../run/ports.js";
import { loadRun } from "./load-run.js";
import { type Courier, openCourier } from "./notify.js";
import type { Settings } from "./settings.js";
import { isDriving } from "./take-over.js";

/** Milliseconds: how old a notice may be at the start, how old it must be (its driver has had its chance), between looks. */
const NEWS = 24 * 60 * 60_000;
const GRACE = 20_000;
const LOOK = 2_000;

/** What has been seen of the record: what may be owed, and what was told. */
interface Owed {
  last: number;
  readonly entries: Map<number, Entry>;
  readonly told: Set<string>;
}

/** Delivers what is owed until `leave` aborts. A ledger that can't be read is asked again at the next look. */
export async function serveNotices(
  settings: Settings,
  ledger: OpenLedger,
  say: (line: string) => void,
  leave: AbortSignal,
  grace = GRACE,
): Promise<void> {
  const courier = openCourier(ledger, settings.env, say);
  const owed: Owed = { last: await before(ledger, Date.now() - NEWS), entries: new Map(), told: new Set() };
  let warned = false;
  while (!leave.aborted) {
    try {
      await read(ledger, owed);
      await offerOwed(ledger, owed, courier, Date.now() - grace);
      warned = false;
    } catch (error) {
      if (!warned) say(`webhooks wait: ${(error as Error).message}`);
      warned = true;
    }
    await sleep(LOOK, undefined, { signal: leave }).catch(() => undefined);
  }
  await courier.close();
}

/** The number of the newest entry from before then. */
async function before(ledger: OpenLedger, then: number): Promise<number> {
  for await (const { number } of ledger.entries({ since: new Date(then).toISOString(), limit: 1 })) return number - 1;
  for await (const { number } of ledger.entries({ last: 1 })) return number;
  return 0;
}

async function read(ledger: OpenLedger, owed: Owed): Promise<void> {
  for await (const entry of ledger.entries({ after: owed.last })) {
    owed.last = entry.number;
    if (noticeOf(entry) !== undefined) owed.entries.set(entry.number, entry);
    if (!entry.type.startsWith("notification.")) continue;
    owed.told.add(keyOf({ entry: { number: Number(entry.body.entry) }, hook: Number(entry.body.hook) }));
  }
}

/** An entry that was offered is the courier's. */
async function offerOwed(ledger: OpenLedger, owed: Owed, courier: Courier, until: number): Promise<void> {
  for (const [number, entry] of owed.entries) {
    if (Date.parse(entry.time) > until || (await isDriven(ledger, entry))) continue;
    const plan = await planOf(ledger, entry);
    if (plan !== undefined) {
      const notify = (plan.notify ?? []).map((rule, hook) =>
        owed.told.has(keyOf({ entry, hook })) ? { ...rule, on: [] } : rule,
      );
      if (deliveriesOf(entry, { notify }).length > 0) courier.offer(entry, { ...plan, notify });
    }
    owed.entries.delete(number);
  }
}

async function isDriven(ledger: OpenLedger, { run }: Entry): Promise<boolean> {
  return run !== undefined && (await ledger.leases(run)).some(isDriving);
}

/** The plan of the entry's run; of what no run found, that of the newest run of the sequence in whose order it lies. */
async function planOf(ledger: OpenLedger, { run, sequence, rehearsal }: Entry): Promise<Plan | undefined> {
  if (run !== undefined) return (await loadRun(ledger, run)).started.plan;
  if (sequence === undefined) return undefined;
  const [newest] = await ledger.runs({ sequence, rehearsal, limit: 1 });
  return newest && (await loadRun(ledger, newest.run)).started.plan;
}
