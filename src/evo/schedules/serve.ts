/** The part of `evo serve` that scans by schedule. Several who serve share the work; nothing is made before there is any. */
import { setTimeout as sleep } from "node:timers/promises";
import type { OpenLedger } from "../../ledger/index.js";
import type { Settings } from "../settings.js";
import { type Ordering, orderDue, type ScanJob } from "./orders.js";
import { standing } from "./standing.js";
import { createWorker } from "./work.js";

/** Milliseconds between looks for what is due, and until another try after something went wrong. */
const LOOK = 1_000;
const AGAIN = 10_000;

/** Serves until `leave` aborts; resolves when every look has been ended or given back. Never throws. */
export async function serveSchedules(
  settings: Settings,
  ledger: OpenLedger,
  say: (line: string) => void,
  leave: AbortSignal,
): Promise<void> {
  const again = persistently(say, leave);
  let jobs: Ordering["jobs"] | undefined;
  await again(async () => {
    if ((await standing(ledger)).length === 0) return LOOK;
    jobs = await ledger.jobs<ScanJob>();
    return undefined;
  });
  if (jobs === undefined) return;
  const ordering = { settings, ledger, jobs, leave, say };
  const worker = createWorker(ordering);
  await Promise.all([
    again(async () => orderDue(ordering, Date.now()).then(() => LOOK)),
    again(async () => ((await worker.work()) ? 0 : LOOK)),
  ]);
  await Promise.allSettled([worker.close(), jobs.close()]);
}

/** Milliseconds until it is to be done again; `undefined`: never. */
type Turn = () => Promise<number | undefined>;

/** Does it again and again, whatever goes wrong; the same trouble is told once. */
function persistently(say: (line: string) => void, leave: AbortSignal): (turn: Turn) => Promise<void> {
  const pause = (ms: number) => sleep(ms, undefined, { signal: leave }).catch(() => undefined);
  return async (turn) => {
    let said: string | undefined;
    while (!leave.aborted) {
      try {
        const wait = await turn();
        if (wait === undefined) return;
        said = undefined;
        await pause(wait);
      } catch (error) {
        const message = `schedules: ${(error as Error).message}`;
        if (message !== said) say(message);
        said = message;
        await pause(AGAIN);
      }
    }
  };
}
