/**
 * The watch over a run (invariant 9): before it starts, right before each of its engines is spawned, and all the while,
 * for what happens to its stacks behind evo's back.
 */
import { availableParallelism } from "node:os";
import { DEPARTURE_TYPES, departuresOf } from "../../departures/known.js";
import type { BackendView, Departure, PlannedOrder } from "../../departures/model.js";
import type { Plan } from "../../plan/model.js";
import { departedHalt } from "../../run/departed.js";
import { stepsOf } from "../../run/edges.js";
import type { RunId } from "../../run/events.js";
import type { Departed, Departures, Entry } from "../../run/ports.js";
import { createRecorder } from "../../run/recorder.js";
import type { RunState } from "../../run/state.js";
import { loadRun } from "../load-run.js";
import type { Session } from "../session.js";
import { distinct, type Looker, lookForForeign, type Subject } from "./foreign.js";
import { scanSeen } from "./live.js";
import { plannedOrders } from "./orders.js";

/** Milliseconds between looks while a run is driven. */
const INTERVAL = 10_000;

/** How this session looks at stacks. */
export function lookerOf(session: Pick<Session, "ledger" | "executor" | "clock" | "world">): Looker {
  const { ledger, executor, clock, world } = session;
  return { ledger, executor, now: clock.now, rehearsal: world !== undefined };
}

/** The stacks of a plan, each with a step through which it can be asked. */
export function subjectsOf(session: Pick<Session, "executor">, plan: Plan, root: string): readonly Subject[] {
  return stepsOf(plan).map((node) => ({ node, root, stack: session.executor.locate(node, root) }));
}

/** The planned orders, asked for at most once. */
export function ordersOnce(looker: Pick<Looker, "ledger">): () => Promise<readonly PlannedOrder[]> {
  let asked: Promise<readonly PlannedOrder[]> | undefined;
  return () => {
    asked ??= plannedOrders(looker.ledger);
    return asked;
  };
}

/** What a look before a start found. */
export interface BeforeStart {
  /** Open departures that halt the run: they lie in its sequence's order, or were found just now and their rule says so. */
  readonly departed: readonly Departure[];
  /** What the look recorded of departures, for people to hear. */
  readonly told: readonly Entry[];
}

/** Looks at every stack of a plan before a run of it starts, their live systems included. */
export async function lookBeforeStart(
  session: Session,
  { plan, root }: { readonly plan: Plan; readonly root: string },
  fresh: boolean,
): Promise<BeforeStart> {
  const looker = lookerOf(session);
  const policy = plan.outOfBand;
  const subjects = distinct(subjectsOf(session, plan, root));
  const orders = ordersOnce(looker);
  const seen = await lookForForeign(looker, subjects, { policy, orders, fresh });
  const there = (await mayHaveDrifted(session))
    ? subjects.filter(({ stack }) => hasLiveSystem(seen.views.get(stack)))
    : [];
  const results = await scanSeen(
    looker,
    there.map((subject) => ({ ...subject, policy })),
    seen,
    { parallel: availableParallelism(), signal: new AbortController().signal, orders },
  );
  const entries = [...seen.entries, ...results.flatMap((result) => result.entries)];
  const fromNow = Math.min(...entries.map(({ number }) => number));
  const departed = (await openDepartures(session, subjects)).filter(
    ({ rule, place, sequence, last }) =>
      rule === "halt" && (last >= fromNow || (sequence === plan.sequence.name && place !== "unrelated")),
  );
  return { departed, told: entries.filter(({ type }) => type.startsWith("departure.")) };
}

/** In a rehearsal only engines and `evo world change` touch the live system, and the world's log tells of both. */
async function mayHaveDrifted({ world }: Session): Promise<boolean> {
  return world === undefined || (await world.log()).some(({ type }) => type === "console.changed");
}

/** Where nothing was ever deployed nothing can have drifted. What couldn't be looked at is tried again, and told of. */
function hasLiveSystem(view: BackendView | undefined): boolean {
  return view === undefined || (view.exists && view.resources !== 0);
}

async function openDepartures({ ledger, clock }: Pick<Session, "ledger" | "clock">, subjects: readonly Subject[]) {
  const stacks = distinct(subjects).map(({ stack }) => stack);
  const entries = await ledger.aboutStacks({ stacks, every: DEPARTURE_TYPES, newest: [] });
  return departuresOf(entries, clock.now()).filter(({ open }) => open);
}

/** The port of the run machine: what happened behind its back since a person last let it go on. */
export function departuresOfRun(session: Session): Departures {
  const looker = lookerOf(session);
  return {
    async before(state) {
      const { plan, root } = state.started;
      const subjects = subjectsOf(session, plan, root);
      const options = { policy: plan.outOfBand, run: state.run, orders: ordersOnce(looker) };
      await lookForForeign(looker, distinct(subjects), options);
      const since = state.resumedBy ?? state.started.entry;
      const found = await openDepartures(session, subjects);
      return found
        .filter(({ rule, last }) => rule === "halt" && last > since)
        .map(({ last, summary }) => ({ entry: last, summary }));
    },
  };
}

/**
 * Looks again and again while a run is driven, also while nothing is operated and only gates are waited for. What it
 * finds is recorded, and the run is halted where the policy says so; its driver hears that as any other person's word.
 */
export async function watchRun(
  session: Session,
  run: RunId,
  departures: Departures,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await session.clock.until(session.clock.now() + INTERVAL, signal);
    if (signal.aborted) return;
    await watchOnce(session, run, departures).catch(() => undefined);
  }
}

/** A look that fails comes again; the one before each step is never passed over. */
async function watchOnce(session: Session, run: RunId, departures: Departures): Promise<void> {
  const state = await loadRun(session.ledger, run);
  const departed = state.status === "running" ? await departures.before(state) : [];
  if (departed.length > 0) await haltFor(session, state, departed);
}

async function haltFor({ ledger, clock }: Session, before: RunState, departed: readonly Departed[]): Promise<void> {
  const recorder = createRecorder(before, () => [], ledger, { tell: () => undefined });
  await recorder.catchUp();
  const state = recorder.state();
  if (state.status === "running") await recorder.record([departedHalt(departed, clock.now())], state);
}
