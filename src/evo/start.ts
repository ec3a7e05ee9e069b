/** `evo up`: from a sequence's name to a run that is recorded and leased, with nothing half-done on the way. */
import { randomBytes, randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { relative } from "node:path";
import type { Departure } from "../departures/model.js";
import { EvoError, EXIT } from "../errors.js";
import type { Json } from "../gates/model.js";
import type { Plan } from "../plan/model.js";
import { departedHalt } from "../run/departed.js";
import { mayStart, stepsOf } from "../run/edges.js";
import { eventOf, newEntry } from "../run/entries.js";
import type { Answered, RunEvent, SourceDigest } from "../run/events.js";
import { fold } from "../run/evolve.js";
import { bodyOf, type Proposed } from "../run/gates.js";
import { type HeldLeases, holdLeases, stackResource } from "../run/leases.js";
import type { Entry, Lease, NewEntry } from "../run/ports.js";
import { createRecorder } from "../run/recorder.js";
import type { RunState } from "../run/state.js";
import type { LoadedSequence } from "../sequence/load.js";
import { lookBeforeStart } from "./departures/watch.js";
import { asRecorded } from "./earlier.js";
import { loadRun } from "./load-run.js";
import type { Session } from "./session.js";
import type { Settings } from "./settings.js";
import { giveBackRemains, holderOf, leftBehind, locked, obtain } from "./take-over.js";

/** A run that exists in the ledger and whose leases are held. */
export interface StartedSession {
  readonly state: RunState;
  readonly leases: HeldLeases;
  /** What was recorded on the way: the start, or the take-over. */
  readonly entries: readonly Entry[];
}

export interface StartOptions {
  /** Operations at a time; by cores where absent. */
  readonly parallel?: number;
  /** The world was started anew: unfinished rehearsals in the old one have nothing left to go on with. */
  readonly fresh?: boolean;
  /** It is the recovery of another run: the link is recorded on both sides, in one transaction. */
  readonly answers?: Answering;
}

export interface Answering {
  /** The run that is answered, as it is recorded now and for as long as `lease` is held. */
  readonly state: RunState;
  readonly lease: Lease;
  /** The rule of its plan; absent where a person named the sequence. */
  readonly rule?: string;
  /** A person's word that it may begin. */
  readonly reason?: string;
}

/**
 * Creates the run: looks up the recorded states that steps are put to, identifies every stack, leases the sequence and the
 * stacks of its first steps, records the declaration and the frozen plan (invariant 6). Errors: `earlier.*` (exit 2),
 * `run.locked` (exit 6), `run.unfinished` (exit 3), what `Executor.identify` and the ledger throw. On any error nothing is
 * recorded and no lease is kept.
 */
export async function start(
  settings: Settings,
  session: Session,
  { plan: declared, loaded }: { readonly plan: Plan; readonly loaded: LoadedSequence },
  options: StartOptions,
): Promise<StartedSession> {
  const plan = await asRecorded(session, declared, loaded.root, options.answers?.state.run);
  const stacks = await identifyAll(session, plan, loaded);
  const run = `${plan.sequence.name}-${randomName()}`;
  const holder = holderOf(settings.claimed, run, plan.sequence.name);
  const resource = sequenceResource(plan.sequence.name, session.world?.name);
  const { lease } = await obtain(session.ledger, resource, holder);
  const leases = holdLeases(session.ledger, lease, [], holder, leftBehind(session.ledger));
  try {
    if (options.fresh === true) await abandonRehearsals(session, plan, leases, holder);
    await refuseUnfinished(session, plan);
    const event = startedEvent(session, plan, loaded, stacks.sources, options);
    await leaseFirstStacks(leases, event, run, stacks.identities);
    const { departed, told } = await lookBeforeStart(session, { plan, root: loaded.root }, options.fresh === true);
    const held = [...leases.all(), ...(options.answers === undefined ? [] : [options.answers.lease])];
    const { answers } = options;
    const entries = await record(session, loaded, run, event, { stacks, departed, leases: held, answers });
    return {
      state: fold(run, entries.filter((entry) => entry.run === run).map(eventOf)),
      leases,
      entries: [...told, ...entries],
    };
  } catch (error) {
    await leases.release();
    throw error;
  }
}

interface Stacks {
  readonly identities: ReadonlyMap<string, string>;
  readonly sources: readonly SourceDigest[];
}

async function identifyAll(session: Session, plan: Plan, loaded: LoadedSequence): Promise<Stacks> {
  const identities = new Map<string, string>();
  const sources = new Map<string, SourceDigest>();
  for (const step of stepsOf(plan)) {
    const { stack, source } = await session.executor.identify(step, loaded.root);
    identities.set(step.id, stack);
    sources.set(source.path, source);
  }
  return { identities, sources: [...loaded.sources, ...sources.values()] };
}

/** The lease that allows to write runs of a sequence; rehearsals in different worlds don't meet. */
export function sequenceResource(sequence: string, world: string | undefined): string {
  return world === undefined ? `sequence:${sequence}` : `rehearsal:${world}:${sequence}`;
}

async function abandonRehearsals(
  session: Session,
  plan: Plan,
  leases: HeldLeases,
  holder: { readonly [key: string]: Json },
): Promise<void> {
  for (const { run } of await session.ledger.unfinished(plan.sequence.name, true)) {
    const state = await loadRun(session.ledger, run);
    if (state.started.rehearsal !== session.world?.name) continue;
    const recorder = createRecorder(state, leases.all, session.ledger, { tell: () => undefined });
    const event: RunEvent = { type: "run.aborted", at: session.clock.now(), reason: "its world was started anew" };
    await recorder.record([{ event, causes: [state.last] }]);
    await giveBackRemains(session.ledger, run, holder, leases.all());
  }
}

async function refuseUnfinished(session: Session, plan: Plan): Promise<void> {
  const run = await unfinishedRun(session, plan);
  if (run === undefined) return;
  throw new EvoError("run.unfinished", `run ${run} of ${plan.sequence.name} is not finished, and nobody drives it`, {
    exit: EXIT.awaitsPerson,
    remedy: `evo status ${run}; then evo resume ${run}, or evo abort ${run} --reason "..."`,
  });
}

/** The run of this sequence that has neither completed nor been aborted, if there is one. */
export async function unfinishedRun(session: Session, plan: Plan): Promise<string | undefined> {
  const all = await session.ledger.unfinished(plan.sequence.name, session.world !== undefined);
  return (await firstHere(session, all))?.run;
}

/** Rehearsals in different worlds don't meet. */
async function firstHere(session: Session, runs: readonly { readonly run: string }[]) {
  if (session.world === undefined) return runs[0];
  for (const unfinished of runs) {
    const { started } = await loadRun(session.ledger, unfinished.run);
    if (started.rehearsal === session.world.name) return unfinished;
  }
  return undefined;
}

/** Another run that holds a stack of the first steps is said before anything is recorded. */
async function leaseFirstStacks(
  leases: HeldLeases,
  event: RunEvent,
  run: string,
  identities: ReadonlyMap<string, string>,
): Promise<void> {
  const state = fold(run, [{ number: 0, event }]);
  const first = stepsOf(state.started.plan).filter((step) => mayStart(state, step.id));
  for (const stack of new Set(first.flatMap((step) => identities.get(step.id) ?? []))) {
    const answer = await leases.take(stack);
    if (!answer.acquired) throw locked({ ...answer.by, resource: stackResource(stack) });
  }
}

function startedEvent(
  session: Session,
  plan: Plan,
  loaded: LoadedSequence,
  sources: readonly SourceDigest[],
  options: StartOptions,
): RunEvent & { type: "run.started" } {
  return {
    type: "run.started",
    at: session.clock.now(),
    plan,
    root: loaded.root,
    file: relative(loaded.root, loaded.file),
    sources,
    parallel: options.parallel ?? availableParallelism(),
    versions: session.versions,
    ...(session.world === undefined ? {} : { rehearsal: session.world.name }),
    ...(options.answers === undefined ? {} : { answers: answeredBy(options.answers) }),
  };
}

function answeredBy({ state, rule, reason }: Answering): Answered {
  const sequence = state.started.plan.sequence.name;
  const why = { ...(rule === undefined ? {} : { rule }), ...(reason === undefined ? {} : { reason }) };
  return { run: state.run, sequence, ...why };
}

/** What the start is recorded with, besides itself. */
interface Circumstances {
  readonly stacks: Stacks;
  readonly departed: readonly Departure[];
  readonly leases: readonly Lease[];
  readonly answers: Answering | undefined;
}

/** Invariant 9: a run that begins with a departure in its order stands before it has done anything. */
function haltAtOnce(departed: readonly Departure[], at: number): readonly Proposed[] {
  if (departed.length === 0) return [];
  return [
    departedHalt(
      departed.map(({ last, summary }) => ({ entry: last, summary })),
      at,
    ),
  ];
}

async function record(
  session: Session,
  loaded: LoadedSequence,
  run: string,
  event: RunEvent & { type: "run.started" },
  { stacks, departed, leases, answers }: Circumstances,
): Promise<readonly Entry[]> {
  const sequence = event.plan.sequence.name;
  const rehearsal = session.world !== undefined;
  const declared = {
    digest: loaded.digest,
    file: relative(loaded.root, loaded.file),
    sequence: loaded.sequence,
    stacks: Object.fromEntries(stacks.identities),
  } as unknown as {
    readonly [key: string]: Json;
  };
  const of = { sequence, run, rehearsal };
  return session.ledger.append(
    [
      { type: "sequence.declared", sequence, rehearsal, causes: [], body: declared },
      { type: "run.started", ...of, causes: [{ batch: 0 }, ...haltOf(answers)], body: bodyOf(event) },
      ...haltAtOnce(departed, session.clock.now()).map(({ event, causes }) => ({
        type: event.type,
        ...of,
        causes: [{ batch: 1 }, ...causes],
        body: bodyOf(event),
      })),
      ...(answers === undefined ? [] : [recoveryStarted(session, answers, run, sequence)]),
    ],
    { id: randomUUID(), expected: { run, version: 0 }, leases },
  );
}

/** What a recovery follows from: the halt, or whatever the answered run came to last. */
function haltOf(answers: Answering | undefined): readonly number[] {
  return answers === undefined ? [] : [answers.state.halt?.entry ?? answers.state.last];
}

function recoveryStarted(session: Session, answers: Answering, recovery: string, sequence: string): NewEntry {
  const { state, rule } = answers;
  const event: RunEvent = {
    type: "recovery.started",
    at: session.clock.now(),
    recovery,
    sequence,
    ...(rule === undefined ? {} : { rule }),
  };
  return newEntry(state, { event, causes: [{ batch: 1 }, ...haltOf(answers)] });
}

/** Six letters and digits that can't be misread. */
function randomName(): string {
  const alphabet = "abcdefghijkmnpqrstuvwxyz23456789";
  return [...randomBytes(6)].map((byte) => alphabet[byte % alphabet.length]).join("");
}
