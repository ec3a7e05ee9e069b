/**
 * Looks at what the backend shows of stacks, against what the ledger knows of them, and records what evo did not do
 * (invariant 9). The first look at a stack records what is there, and no departure.
 */
import { digest } from "../../canonical.js";
import { baselined, type ForeignChange, foreignEntries, type Look } from "../../departures/entries.js";
import { type Foreign, foreignIn, GONE } from "../../departures/foreign.js";
import { DEPARTURE_TYPES, knowledgeOf, OPERATION_TYPES, SCAN_TYPES } from "../../departures/known.js";
import type { BackendView, PlannedOrder, StackId, StackKnowledge } from "../../departures/model.js";
import { EvoError } from "../../errors.js";
import type { OpenLedger } from "../../ledger/index.js";
import type { SequencePolicy, StepNode } from "../../plan/model.js";
import type { RunId } from "../../run/events.js";
import type { Entry, NewEntry } from "../../run/ports.js";
import type { BoundExecutor } from "../session.js";
import { inParallel } from "./parallel.js";

/** A stack, and a step through which it can be asked. */
export interface Subject {
  readonly node: StepNode;
  /** Absolute. */
  readonly root: string;
  readonly stack: StackId;
}

export interface Looker {
  readonly ledger: OpenLedger;
  readonly executor: BoundExecutor;
  readonly now: () => number;
  readonly rehearsal: boolean;
}

export interface LookOptions {
  readonly policy?: SequencePolicy | undefined;
  readonly run?: RunId;
  /** The world began anew: whatever was known is of another one. */
  readonly fresh?: boolean;
  /** The orders in which a change may lie; asked for only where there is one. */
  orders(): Promise<readonly PlannedOrder[]>;
}

export interface Seen {
  /** What is known now, the new entries included. */
  readonly known: ReadonlyMap<StackId, StackKnowledge>;
  /** What the backends showed. */
  readonly views: ReadonlyMap<StackId, BackendView>;
  /** Why nothing could be said of a stack. */
  readonly unseen: ReadonlyMap<StackId, string>;
  readonly entries: readonly Entry[];
}

/** Backends that are asked at a time. */
const AT_A_TIME = 4;
/** How often a look is repeated because somebody else recorded the same at the same moment. */
const TRIES = 3;

/** The subjects with each stack once: several steps may mean the same one. */
export function distinct(subjects: readonly Subject[]): readonly Subject[] {
  return [...new Map(subjects.map((subject) => [subject.stack, subject])).values()];
}

/** What the ledger knows of these stacks. */
export async function knowledge(
  ledger: OpenLedger,
  stacks: readonly StackId[],
  now: number,
): Promise<ReadonlyMap<StackId, StackKnowledge>> {
  const newest = [...OPERATION_TYPES, ...SCAN_TYPES];
  const entries = await ledger.aboutStacks({ stacks, every: DEPARTURE_TYPES, newest });
  return new Map(
    stacks.map((stack) => [
      stack,
      knowledgeOf(
        stack,
        entries.filter((entry) => entry.stack === stack),
        now,
      ),
    ]),
  );
}

/** Looks once at each stack and records what it finds. A backend that can't be asked is told of in `unseen`. */
export async function lookForForeign(
  looker: Looker,
  subjects: readonly Subject[],
  options: LookOptions,
): Promise<Seen> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await lookOnce(looker, subjects, options);
    } catch (error) {
      if (!(error instanceof EvoError) || error.code !== "ledger.conflict" || attempt === TRIES) throw error;
    }
  }
}

async function lookOnce(looker: Looker, subjects: readonly Subject[], options: LookOptions): Promise<Seen> {
  const stacks = subjects.map(({ stack }) => stack);
  const known = await knowledge(looker.ledger, stacks, looker.now());
  const unseen = new Map<StackId, string>();
  const views = new Map<StackId, BackendView>();
  await inParallel(subjects, AT_A_TIME, async ({ node, root, stack }) => {
    try {
      views.set(stack, await looker.executor.view(node, root, known.get(stack)?.baseline?.position));
    } catch (error) {
      unseen.set(stack, (error as Error).message);
    }
  });
  const ours = await looker.ledger.intended(claimedIn([...views.values()]));
  const made: NewEntry[] = [];
  for (const subject of subjects) {
    const view = views.get(subject.stack);
    if (view === undefined) continue;
    const entries = await entriesOf(looker, subject, known.get(subject.stack), view, ours, options, unseen);
    made.push(...entries.map((entry) => shifted(entry, made.length)));
  }
  if (made.length === 0) return { known, views, unseen, entries: [] };
  const entries = await looker.ledger.append(made, { id: appendId(made, known), leases: [] });
  return { known: await knowledge(looker.ledger, stacks, looker.now()), views, unseen, entries };
}

/** Operation ids that updates say they are of. */
function claimedIn(views: readonly BackendView[]): readonly string[] {
  const updates = views.flatMap((view) => view.updates);
  return updates.flatMap(({ noted }) => (noted["ci.system"] === "evo" ? (noted["ci.build.number"] ?? []) : []));
}

async function entriesOf(
  looker: Looker,
  { node, root, stack }: Subject,
  known: StackKnowledge | undefined,
  view: BackendView,
  ours: ReadonlySet<string>,
  options: LookOptions,
  unseen: Map<StackId, string>,
): Promise<readonly NewEntry[]> {
  if (known === undefined) return [];
  const now = looker.now();
  const looked = options.fresh === true ? ({ status: "first" } as const) : foreignIn(known, view, ours, now);
  const look: Look = { known, now, rehearsal: looker.rehearsal, orders: [], policy: options.policy, run: options.run };
  if (looked.status === "first") return [baselined(look, view, options.fresh)];
  if (looked.status === "not assessed") {
    unseen.set(stack, looked.why);
    return [];
  }
  if (looked.foreign.length === 0) return [];
  const changes = looked.foreign.map(
    (foreign): ForeignChange => ({
      foreign,
      changed: looker.executor.changed(node, root, questionOf(foreign, known, view, looked.foreign)),
    }),
  );
  return foreignEntries({ ...look, orders: await options.orders() }, view, changes);
}

/** An edit is compared with what was known; where updates came in between, with what the newest of them left. */
function questionOf(foreign: Foreign, known: StackKnowledge, { left }: BackendView, all: readonly Foreign[]) {
  if (foreign.kind === "update") return { kind: "update", position: foreign.update.position } as const;
  const checkpoint = all.length > 1 ? left : known.checkpoint;
  return { kind: "edit", ...(checkpoint === undefined || checkpoint === GONE ? {} : { from: checkpoint }) } as const;
}

/** Causes inside a batch count from the stack's own first entry. */
function shifted(entry: NewEntry, by: number): NewEntry {
  return {
    ...entry,
    causes: entry.causes.map((cause) => (typeof cause === "number" ? cause : { batch: cause.batch + by })),
  };
}

/** The same findings on the same knowledge are recorded once, however many look at the same moment. */
function appendId(entries: readonly NewEntry[], known: ReadonlyMap<StackId, StackKnowledge>): string {
  const what = entries.map(({ type, stack, body }) => {
    const { baseline, checkpointEntry } = known.get(stack ?? "") ?? {};
    return [type, stack ?? "", body.id ?? body.position ?? "", baseline?.entry ?? 0, checkpointEntry ?? 0];
  });
  return `look-${digest(what)}`;
}
