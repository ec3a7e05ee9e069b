/** One cell of a fault matrix: from the state just before its fault to the end of the run, or of what answers it. */
import { EvoError } from "../../errors.js";
import type { PlanGate } from "../../plan/model.js";
import { type Cell, gatesAt } from "../../rehearse/cells.js";
import { type CellResult, type CellSeen, type HaltSeen, judgeCell, type RecoverySeen } from "../../rehearse/results.js";
import { stepsOf } from "../../run/edges.js";
import type { News, Notifier, Probe } from "../../run/ports.js";
import { wasApplied } from "../../run/recovery.js";
import type { RunState } from "../../run/state.js";
import { startTraffic, type Traffic, type World } from "../../world/index.js";
import { driveSession } from "../drive.js";
import { chooseRecovery, startRecovery } from "../recover.js";
import { takeUp } from "../resume.js";
import type { Session } from "../session.js";
import { type StartedSession, start } from "../start.js";
import { type Beginning, stopped } from "./beginnings.js";
import { type Bench, openIn, type Rehearsed, rehearsedSubject, settingsIn } from "./bench.js";
import { type Made, makeFault } from "./faults.js";
import { answering } from "./people.js";
import type { Place } from "./place.js";

/** Milliseconds that users go on after the end, at most, until all that was changed has arrived. */
const AFTERMATH = 15_000;

/** Rehearses a cell in a place. What keeps it from being rehearsed makes it red. Errors: `rehearsal.stopped`. */
export async function rehearseCell(
  bench: Bench,
  place: Place,
  subject: Rehearsed,
  from: Beginning,
  cell: Cell,
): Promise<CellResult> {
  const began = Date.now();
  try {
    await place.restore(from.name);
    return judgeCell({ ...(await live({ bench, place, subject, cell, from })), duration: Date.now() - began });
  } catch (error) {
    if (bench.stop.aborted) throw stopped();
    if (!(error instanceof EvoError)) throw error;
    return judgeCell({ ...unseen(cell), error: error.message, duration: Date.now() - began });
  }
}

/** A cell that the rehearsal without a fault never comes to is red. */
export function notReached(cell: Cell): CellResult {
  const error = `not reached: the rehearsal without a fault never looked at ${cell.node}`;
  return judgeCell({ ...unseen(cell), error, duration: 0 });
}

function unseen(cell: Cell): Omit<CellSeen, "duration"> {
  const nothing = { met: false, held: false, late: false, requests: 0, hurt: {}, consistent: "no" } as const;
  return { cell, by: "provider", status: "aborted", ...nothing };
}

interface Setting {
  readonly bench: Bench;
  readonly place: Place;
  readonly subject: Rehearsed;
  readonly cell: Cell;
  readonly from: Beginning;
}

async function live(setting: Setting): Promise<Omit<CellSeen, "duration">> {
  const { bench, place, subject, cell, from } = setting;
  const session = await openIn(bench, place, subject);
  const world = session.world as World;
  const traffic = startTraffic(world.traffic);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort("the cell's time is over"), bench.limit);
  try {
    const made = await makeFault(session, subject, cell, from);
    const watch = watchCell(cell, gatesAt(subject.plan, cell), made);
    const stop = AbortSignal.any([bench.stop, deadline.signal]);
    const driven: Driving = { session, made, notifier: watch.notifier, stop };
    const state = await drive(driven, await taken(setting, session));
    const answer = stop.aborted ? undefined : await recover(setting, driven, state);
    await arrived(world, stop);
    await traffic.stop();
    const last = answer?.state ?? state;
    return {
      cell,
      by: made.by,
      ...watch.seen(),
      status: state.status,
      ...haltOf(state),
      ...(answer === undefined ? {} : { recovery: answer.seen }),
      ...usersOf(traffic),
      consistent: consistencyOf(last),
      late: deadline.signal.aborted,
    };
  } finally {
    clearTimeout(timer);
    await traffic.stop();
    await session.close();
  }
}

function taken({ bench, place, subject, from }: Setting, session: Session): Promise<StartedSession> {
  const settings = settingsIn(bench, place);
  if (from.state === undefined) return start(settings, session, subject, {});
  return takeUp(settings, session, from.state, subject.loaded, {
    acceptChangedCode: false,
    reason: "from here on with a fault",
  });
}

// -------------------------------------------------------------------------------------------------------- Driving

interface Driving {
  readonly session: Session;
  readonly made: Made;
  readonly notifier: Notifier;
  readonly stop: AbortSignal;
}

function drive(
  { session, made, notifier, stop }: Driving,
  run: StartedSession,
  probe: Probe = made.probe,
): Promise<RunState> {
  const told = answering(session.ledger, run.state, notifier);
  return driveSession({ ...session, probe }, run, told, { pause: stop, stop });
}

/** Who has met the fault; and a boundary that is held shows that the run waits, so what it waits for comes then. */
function watchCell(
  cell: Cell,
  gates: readonly PlanGate[],
  made: Made,
): { readonly notifier: Notifier; seen(): { met: boolean; held: boolean } } {
  const seen = { met: false, held: false };
  const isMeant = ({ gate, target }: News & { readonly kind: "looked" }) =>
    target === cell.target && gates.some(({ id }) => id === gate);
  return {
    notifier: {
      tell: (news) => {
        if (news.kind === "looked" && news.measurement.verdict !== "pass") seen.met ||= isMeant(news);
        if (news.kind !== "recorded") return;
        if (news.event.type === "operation.failed" && cell.target === undefined && news.entry.step === cell.node) {
          // One operation fails: another attempt, or a recovery, finds the provider well again.
          seen.met = true;
          void made.lift();
        }
        if (news.event.type !== "run.held" || seen.held) return;
        seen.held = true;
        void made.lift();
      },
    },
    seen: () => seen,
  };
}

// ------------------------------------------------------------------------------------------------------- Recovery

/** What the rules answer a halted run with, as `evo recover` would start it; the rehearsal approves where a person must. */
async function recover(setting: Setting, driven: Driving, answered: RunState) {
  if (answered.status !== "halted") return undefined;
  const { bench, place } = setting;
  const settings = settingsIn(bench, place);
  const recovery = await chooseRecovery(settings, driven.session.ledger, answered, undefined).catch(unanswered);
  if (recovery === undefined) return undefined;
  const subject = rehearsedSubject(recovery.loaded, bench.patience);
  const session = await openIn(bench, place, subject);
  try {
    if (session.world?.name !== driven.session.world?.name) throw otherWorld(subject.plan.sequence.name);
    const started = await startRecovery(settings, session, subject, answered, recovery, undefined);
    const state = await drive({ ...driven, session }, started, session.probe);
    const approved = answered.halt?.recovery?.start !== "at-once";
    return { state, seen: recoverySeen(state, approved) };
  } finally {
    await session.close();
  }
}

function otherWorld(recovery: string): EvoError {
  return new EvoError("recovery.elsewhere", `the recovery ${recovery} names another world`, {
    remedy: "let both sequences name the same world",
  });
}

function unanswered(error: unknown): undefined {
  if (error instanceof EvoError && error.code === "recovery.none") return undefined;
  throw error;
}

function recoverySeen(state: RunState, approved: boolean): RecoverySeen {
  const { plan } = state.started;
  const applied = stepsOf(plan).flatMap(({ id }) => (wasApplied(state, id) ? [id] : []));
  const { name: sequence } = plan.sequence;
  return { sequence, run: state.run, status: state.status, applied, approved, ...haltOf(state) };
}

// ----------------------------------------------------------------------------------------------------- The outcome

function haltOf({ halt }: RunState): { readonly halt?: HaltSeen } {
  if (halt === undefined) return {};
  const { cause, node, reason } = halt;
  return { halt: { cause, reason, ...(node === undefined ? {} : { node }) } };
}

/** A run ends consistent only when its `consistentWhen` gates have said so. */
function consistencyOf({ status, started }: RunState): CellSeen["consistent"] {
  if (status !== "completed") return "no";
  return started.plan.consistent.some(({ policy }) => !policy.dryRun) ? "yes" : "none";
}

function usersOf({ answers }: Traffic): Pick<CellSeen, "requests" | "hurt"> {
  const hurt: { [region: string]: number } = {};
  for (const { region, status } of answers)
    hurt[region] = (hurt[region] ?? 0) + (status === 0 || status >= 400 ? 1 : 0);
  return { requests: answers.length, hurt };
}

/** Waits until all that has been changed is where it goes: what hurts users may come late. */
async function arrived(world: World, stop: AbortSignal): Promise<void> {
  const changes = (await world.log()).flatMap((entry) =>
    entry.type === "change.taken" ? Object.values(entry.due) : [],
  );
  const until = Math.min(Math.max(0, ...changes) + 300, Date.now() + AFTERMATH);
  if (stop.aborted || until <= Date.now()) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, until - Date.now());
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    stop.addEventListener("abort", end, { once: true });
  });
}
