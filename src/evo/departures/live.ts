/**
 * Looks at the live system behind stacks, by refresh previews that take no lock and change nothing, and records what
 * each look was worth: clean, drifted, or not assessed and why. Whatever goes wrong in a look is never `clean`.
 */
import { randomUUID } from "node:crypto";
import { digest } from "../../canonical.js";
import { type Drifted, type DriftNews, driftNews, keep } from "../../departures/drift.js";
import { type Assessed, type Look, type Scan, scanEntries } from "../../departures/entries.js";
import { DEPARTURE_TYPES, knowledgeOf, OPERATION_TYPES } from "../../departures/known.js";
import type { PlannedOrder, StackId } from "../../departures/model.js";
import { EvoError } from "../../errors.js";
import type { SequencePolicy } from "../../plan/model.js";
import type { RunId } from "../../run/events.js";
import type { Entry } from "../../run/ports.js";
import { distinct, type Looker, lookForForeign, type Seen, type Subject } from "./foreign.js";
import { oursAmong } from "./ours.js";
import { inParallel } from "./parallel.js";

/** A stack to scan, with the rules of the sequence that it was named through. */
export interface ScanSubject extends Subject {
  readonly policy?: SequencePolicy | undefined;
}

export interface ScanOptions {
  readonly parallel: number;
  readonly run?: RunId;
  readonly signal: AbortSignal;
  /** A scheduled scan: the entry that ordered it. Each of its stacks is recorded once, whoever looks and how often. */
  readonly order?: { readonly entry: number; readonly scan: string; readonly timeLimit: number };
  orders(): Promise<readonly PlannedOrder[]>;
  /** Hears of each stack when it has been scanned. */
  told?(result: ScanResult): void;
}

export interface ScanResult {
  readonly stack: StackId;
  readonly result: "clean" | "drifted" | "not assessed";
  readonly why?: string;
  /** Resources that differ, ignored ones aside, and those among them that did before evo first looked. */
  readonly drifted: number;
  readonly before: number;
  /** Those among them that a person has accepted for a time that is not over. */
  readonly accepted: number;
  readonly ignored: number;
  /** What this look recorded, foreign updates included. */
  readonly entries: readonly Entry[];
}

/** How often a stack is looked at because more was recorded about it meanwhile. */
const TRIES = 3;
const RESTLESS = "whenever it was looked at, evo itself or somebody else recorded more about it meanwhile";

/** Scans stacks: each is first compared with its backend's record, then with its live system. */
export async function scanStacks(
  looker: Looker,
  subjects: readonly ScanSubject[],
  options: ScanOptions,
): Promise<readonly ScanResult[]> {
  const scan = options.order?.scan ?? newScan();
  return inParallel(distinct(subjects), options.parallel, async (subject: ScanSubject) => {
    const seen = await lookForForeign(looker, [subject], { ...options, policy: subject.policy });
    const scanned = await scanOne(looker, subject, seen, scan, options);
    const result = { ...scanned, entries: [...seen.entries, ...scanned.entries] };
    options.told?.(result);
    return result;
  });
}

/** Scans stacks that have just been compared with their backends' records; `entries` are those of the scan alone. */
export async function scanSeen(
  looker: Looker,
  subjects: readonly ScanSubject[],
  seen: Seen,
  options: ScanOptions,
): Promise<readonly ScanResult[]> {
  const scan = newScan();
  return inParallel(distinct(subjects), options.parallel, (subject: ScanSubject) =>
    scanOne(looker, subject, seen, scan, options),
  );
}

function newScan(): string {
  return `s-${randomUUID().slice(0, 8)}`;
}

/**
 * A look overlaps with whatever is recorded about the stack while it lasts: an operation, somebody's reconciliation, what
 * another look found. Which of the two saw the other's effect nobody can tell, so the stack is looked at again.
 */
async function scanOne(
  looker: Looker,
  subject: ScanSubject,
  seen: Seen,
  scan: string,
  options: ScanOptions,
): Promise<ScanResult> {
  const more: Entry[] = [];
  let before = seen;
  for (let attempt = 1; ; attempt++) {
    const began = looker.now();
    const why = before.unseen.get(subject.stack) ?? (attempt > TRIES ? RESTLESS : undefined);
    const outcome = await assess(looker, subject, why, options);
    try {
      const result = await record(looker, subject, before, { scan, took: looker.now() - began, ...outcome }, options);
      return { ...result, entries: [...more, ...result.entries] };
    } catch (error) {
      if (!(error instanceof EvoError) || error.code !== "ledger.changed") throw error;
    }
    before = await lookForForeign(looker, [subject], { ...options, policy: subject.policy });
    more.push(...before.entries);
  }
}

async function record(
  looker: Looker,
  subject: ScanSubject,
  { known }: Seen,
  outcome: Scan,
  options: ScanOptions,
): Promise<ScanResult> {
  const { stack, policy } = subject;
  const knowledge = known.get(stack) ?? knowledgeOf(stack, [], looker.now());
  const news = outcome.found && driftNews(knowledge, outcome.found.drifted);
  const look: Look = {
    known: knowledge,
    now: looker.now(),
    rehearsal: looker.rehearsal,
    orders: arrivedIn(news).length === 0 ? [] : await options.orders(),
    policy,
    run: options.run,
    order: options.order?.entry,
    ours: await oursAmong(looker, subject, arrivedIn(news), knowledge.lastLive ?? 0),
  };
  const made = scanEntries(look, outcome, news, knowledge.lastLive ?? 0);
  const id = options.order === undefined ? randomUUID() : scannedId(options.order.entry, stack);
  const unchanged = { stack, after: knowledge.newest, types: [...DEPARTURE_TYPES, ...OPERATION_TYPES] };
  const appended = await looker.ledger.append(made, {
    id,
    leases: [],
    ...(outcome.found === undefined ? {} : { unchanged }),
  });
  const drifted = outcome.found?.drifted.length ?? 0;
  return {
    stack,
    result: outcome.found === undefined ? "not assessed" : drifted === 0 ? "clean" : "drifted",
    ...(outcome.why === undefined ? {} : { why: outcome.why }),
    drifted,
    before: news?.before ?? 0,
    accepted: news?.still.filter(({ open }) => !open).length ?? 0,
    ignored: (outcome.found?.ignored ?? []).reduce((sum, { count }) => sum + count, 0),
    entries: appended,
  };
}

function arrivedIn(news: DriftNews | undefined): readonly Drifted[] {
  return [...(news?.detected ?? []), ...(news?.reopened ?? [])].map(({ drifted }) => drifted);
}

/** The append that a stack's part of an order is recorded by: a second one is refused (`ledger.conflict`). */
export function scannedId(order: number, stack: StackId): string {
  return `scanned-${order}-${digest(stack)}`;
}

/** A look that fails, for whatever reason, is no clean look. Throws only where it was broken off. */
async function assess(
  { executor, now }: Looker,
  { node, root, policy }: ScanSubject,
  unseen: string | undefined,
  { signal, order }: ScanOptions,
): Promise<Assessed> {
  if (unseen !== undefined) return { why: unseen };
  const limit = order === undefined ? undefined : AbortSignal.timeout(order.timeLimit);
  const both = limit === undefined ? signal : AbortSignal.any([signal, limit]);
  try {
    return { found: keep(await executor.drift(node, root, both), policy?.ignore, now()) };
  } catch (error) {
    signal.throwIfAborted();
    return { why: limit?.aborted === true ? "it took longer than its schedule allows" : (error as Error).message };
  }
}
