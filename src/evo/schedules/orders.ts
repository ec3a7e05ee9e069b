/**
 * Orders what falls due: once in the ledger's view, however many serve. What an order still lacks is put on the list of
 * jobs again, and what nobody could do is recorded as not assessed: nothing that fell due is lost.
 */
import { existsSync } from "node:fs";
import { digest } from "../../canonical.js";
import { scanEntries } from "../../departures/entries.js";
import { knowledgeOf } from "../../departures/known.js";
import { jitterOf, ORDER_TYPE, type Order, orderIn, type Schedule, scanOf } from "../../departures/schedules.js";
import { EvoError } from "../../errors.js";
import type { Jobs, NewJob, OpenLedger } from "../../ledger/index.js";
import { scannedId } from "../departures/live.js";
import type { Settings } from "../settings.js";
import { openSchedule } from "./open.js";
import { standing } from "./standing.js";
import { type Due, dueOf } from "./times.js";

/** One stack of an order, on the list of jobs. */
export interface ScanJob {
  readonly order: number;
  readonly stack: string;
}

export interface Ordering {
  readonly settings: Settings;
  readonly ledger: OpenLedger;
  readonly jobs: Jobs<ScanJob>;
  /** Aborts when whoever serves is told to leave: nothing more is ordered, and what is being looked at is given back. */
  readonly leave: AbortSignal;
  say(line: string): void;
}

/** Orders what is due now. A schedule whose last scan is not done waits: what it misses meanwhile is one scan then. */
export async function orderDue(ordering: Ordering, now: number): Promise<void> {
  for (const { schedule, last } of await standing(ordering.ledger)) {
    if (ordering.leave.aborted || !existsSync(schedule.root)) continue;
    const due = dueOf(schedule, last?.due, now);
    if (last !== undefined && !(await isDone(ordering, schedule, last, now))) continue;
    if (due !== undefined) await placeOrder(ordering, schedule, due, now);
  }
}

async function isDone(ordering: Ordering, schedule: Schedule, last: Order, now: number): Promise<boolean> {
  const scanned = await ordering.ledger.scannedFor(last.entry);
  const left = last.stacks.filter((stack) => !scanned.has(stack));
  if (left.length > 0 && now > last.due + schedule.jitter + schedule.timeLimit)
    await lookAfter(ordering, schedule, { ...last, stacks: left }, now);
  return left.length === 0;
}

async function placeOrder(ordering: Ordering, schedule: Schedule, due: Due, now: number): Promise<void> {
  const { ledger, jobs, leave, say } = ordering;
  const { stacks, why } = await stacksOf(ordering, schedule);
  if (leave.aborted) return;
  const body = {
    ...{ at: now, schedule: schedule.name, due: due.at, times: due.times, stacks },
    ...(why === undefined ? {} : { why }),
  };
  const entry = { type: ORDER_TYPE, rehearsal: schedule.rehearse, causes: [schedule.entry], body };
  try {
    const [made] = await ledger.append([entry], { id: `ordered-${schedule.entry}-${due.at}`, leases: [] });
    if (made === undefined) throw new Error("an append of one entry gave none");
    say(`${schedule.name}: ${why ?? `${stacks.length} stacks are due`}`);
    await jobs.put(jobsOf(schedule, orderIn(made)));
  } catch (error) {
    // Somebody else who serves has ordered it at the same moment.
    if (!(error instanceof EvoError) || error.code !== "ledger.conflict") throw error;
  }
}

/** What can't be looked up is recorded with the order, and tried again at the next. */
async function stacksOf(
  { settings }: Ordering,
  schedule: Schedule,
): Promise<{ readonly stacks: readonly string[]; readonly why?: string }> {
  try {
    const { session, subjects } = await openSchedule(settings, schedule);
    await session.close();
    return { stacks: subjects.map(({ stack }) => stack) };
  } catch (error) {
    return { stacks: [], why: (error as Error).message };
  }
}

function jobsOf(schedule: Schedule, order: Order): readonly NewJob<ScanJob>[] {
  return order.stacks.map((stack) => ({
    id: jobId(order.entry, stack),
    data: { order: order.entry, stack },
    from: order.due + jitterOf(schedule, order.due, stack),
    within: schedule.timeLimit + GRACE,
  }));
}

/** Milliseconds that a look may take besides the engine's part of it. */
const GRACE = 5_000;

/** A UUID that is the same for the same stack of the same order. */
function jobId(order: number, stack: string): string {
  const hex = digest([order, stack]);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

/** Who ordered it may have died before its jobs were on the list; who took them up may have died again and again. */
async function lookAfter(ordering: Ordering, schedule: Schedule, left: Order, now: number): Promise<void> {
  await ordering.jobs.put(jobsOf(schedule, left));
  for (const stack of left.stacks) {
    const why = await ordering.jobs.failure(jobId(left.entry, stack));
    if (why !== undefined) await giveUp(ordering, schedule, left, stack, { why, now });
  }
}

async function giveUp(
  { ledger }: Ordering,
  { rehearse }: Schedule,
  order: Order,
  stack: string,
  { why, now }: { readonly why: string; readonly now: number },
): Promise<void> {
  const look = { known: knowledgeOf(stack, [], now), now, rehearsal: rehearse, orders: [], order: order.entry };
  const made = scanEntries(look, { scan: scanOf(order), took: 0, why: `whoever looked gave up: ${why}` }, undefined, 0);
  await ledger.append(made, { id: scannedId(order.entry, stack), leases: [] }).catch((error: unknown) => {
    // Somebody has come to an answer after all.
    if (!(error instanceof EvoError) || error.code !== "ledger.conflict") throw error;
  });
}
