/** Does the jobs of scheduled scans: as many at a time as there are cores, whoever ordered them. */
import { availableParallelism } from "node:os";
import { orderIn, scanOf, schedulesOf } from "../../departures/schedules.js";
import { describeEntry } from "../../departures/words.js";
import { EvoError } from "../../errors.js";
import type { Job } from "../../ledger/index.js";
import { type ScanResult, scanStacks } from "../departures/live.js";
import { inParallel } from "../departures/parallel.js";
import { lookerOf, ordersOnce } from "../departures/watch.js";
import { type OpenSchedule, openSchedule } from "./open.js";
import type { Ordering, ScanJob } from "./orders.js";

/** What belongs to one order is looked at by one session, for as long as there is something to do. */
interface Bench extends OpenSchedule {
  readonly order: { readonly entry: number; readonly scan: string; readonly timeLimit: number };
}

export interface Worker {
  /** Does what is due, as far as it gets it; answers whether there was anything. Errors: those of the ledger. */
  work(): Promise<boolean>;
  close(): Promise<void>;
}

/** Takes jobs up and ends them, one batch after the other. */
export function createWorker(ordering: Ordering): Worker {
  const { jobs } = ordering;
  let bench: Bench | undefined;
  const close = async (): Promise<void> => {
    const old = bench;
    bench = undefined;
    await old?.session.close();
  };
  const benchFor = async (order: number): Promise<Bench> => {
    if (bench?.order.entry === order) return bench;
    await close();
    bench = await openBench(ordering, order);
    return bench;
  };
  const workOn = async (order: number, mine: readonly Job<ScanJob>[]): Promise<void> => {
    try {
      const open = await benchFor(order);
      await inParallel(mine, mine.length, (job) => scanOne(ordering, open, job));
    } catch (error) {
      for (const { id } of mine) await jobs.giveBack(id, (error as Error).message);
    }
  };
  return {
    async work() {
      const taken = await jobs.take(availableParallelism());
      if (taken.length === 0) await close();
      for (const order of new Set(taken.map(({ data }) => data.order)))
        await workOn(
          order,
          taken.filter(({ data }) => data.order === order),
        );
      return taken.length > 0;
    },
    close,
  };
}

async function openBench({ settings, ledger }: Ordering, number: number): Promise<Bench> {
  const entry = await ledger.entry(number);
  const added = entry?.causes[0] && (await ledger.entry(entry.causes[0].number));
  const [schedule] = added === undefined ? [] : schedulesOf([added]);
  if (entry === undefined || schedule === undefined) throw new Error(`entry ${number} orders no scan`);
  const order = { entry: number, scan: scanOf(orderIn(entry)), timeLimit: schedule.timeLimit };
  return { ...(await openSchedule(settings, schedule)), order };
}

async function scanOne(
  { jobs, leave, say }: Ordering,
  { session, subjects, order }: Bench,
  { id, data }: Job<ScanJob>,
): Promise<void> {
  const subject = subjects.find(({ stack }) => stack === data.stack);
  if (subject === undefined) return jobs.giveBack(id, "no sequence and no settings file names it any more");
  const looker = lookerOf(session);
  const told = (result: ScanResult): void => tell(result, order.scan, say);
  try {
    await scanStacks(looker, [subject], { parallel: 1, signal: leave, order, told, orders: ordersOnce(looker) });
  } catch (error) {
    // Somebody else has come to an answer first: it is in the ledger.
    if (!(error instanceof EvoError) || error.code !== "ledger.conflict")
      return jobs.giveBack(id, leave.aborted ? "whoever looked was told to leave" : (error as Error).message);
  }
  await jobs.done(id);
}

function tell({ entries }: ScanResult, scan: string, say: (line: string) => void): void {
  for (const entry of entries) say(`${scan}: ${describeEntry(entry) ?? entry.type}`);
}
