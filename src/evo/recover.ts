/**
 * Recovery: another sequence answers a run that stands still. It is planned, gated and recorded as any run; the two name
 * each other in the ledger, and the answered run is over once its recovery has come to its end.
 */
import { resolve } from "node:path";
import { EvoError, EXIT } from "../errors.js";
import type { OpenLedger } from "../ledger/index.js";
import type { Plan, RecoveryRule } from "../plan/model.js";
import { failureOf, recoveryOf } from "../run/recovery.js";
import { isOver, openAttempts, type RunState } from "../run/state.js";
import { type LoadedSequence, loadSequence } from "../sequence/load.js";
import { asksTheRecord, asRecorded } from "./earlier.js";
import { loadRun } from "./load-run.js";
import { refuseRecovering } from "./recovering.js";
import { planFor, rehearsalOf } from "./rehearsal.js";
import { type Mode, openBinding, openSession, type Session, type Subject } from "./session.js";
import type { Settings } from "./settings.js";
import { type StartedSession, sequenceResource, start } from "./start.js";
import { giveBackRemains, holderOf, obtain } from "./take-over.js";

/** What a run is to be answered with. */
export interface Recovery {
  readonly loaded: LoadedSequence;
  /** The rule of its plan; absent where a person named the sequence. */
  readonly rule?: RecoveryRule;
}

/**
 * The recovery that the rules of the run's plan choose, or the sequence that a person names.
 * Errors: `recovery.none` (exit 2) where no rule fits and none is named, those of `refuseUnrecoverable` and the loader.
 */
export async function chooseRecovery(
  settings: Settings,
  ledger: OpenLedger,
  state: RunState,
  named: string | undefined,
): Promise<Recovery> {
  await refuseUnrecoverable(ledger, state);
  if (named !== undefined) return { loaded: await loadSequence(named, settings.cwd, settings.cache) };
  const rule = ruleFor(state);
  if (rule === undefined) throw none(state);
  return { loaded: await loadSequence(resolve(state.started.root, rule.sequence), settings.cwd, settings.cache), rule };
}

/** What was chosen when it halted, else what the rules choose now. */
export function ruleFor(state: RunState): RecoveryRule | undefined {
  const chosen = state.halt?.recovery?.rule;
  if (chosen !== undefined) return state.started.plan.recovery?.find(({ name }) => name === chosen);
  const failure = failureOf(state);
  return failure === undefined ? undefined : recoveryOf(state, failure);
}

function none({ run, status, halt }: RunState): EvoError {
  const stands = halt === undefined ? `is ${status}` : `halted for ${halt.cause}`;
  return new EvoError("recovery.none", `no recovery rule of run ${run} fits: it ${stands}`, {
    exit: EXIT.usage,
    remedy: `name the sequence: evo recover ${run} --sequence <recovery>; evo explain ${run} says where it stands`,
  });
}

/**
 * Only what stands still is answered, and only while nobody answers it already. Errors: `run.finished` (exit 2), `run.busy`
 * (exit 3: somebody drives it, or an outcome isn't known: invariant 5), `run.recovering` (exit 6).
 */
export async function refuseUnrecoverable(ledger: OpenLedger, state: RunState): Promise<void> {
  const { run, status } = state;
  if (isOver(state))
    throw new EvoError("run.finished", `run ${run} is ${status} already`, {
      exit: EXIT.usage,
      remedy: `evo audit ${run}`,
    });
  if (status === "running")
    throw new EvoError("run.busy", `run ${run} has not been told to stand still`, {
      exit: EXIT.awaitsPerson,
      remedy: `evo pause ${run} --reason "...", then evo recover ${run}`,
    });
  refuseUnknown(state);
  await refuseRecovering(ledger, state);
}

function refuseUnknown(state: RunState): void {
  const unknown = [
    ...openAttempts(state).map(({ attempt }) => attempt.operation),
    ...Object.values(state.steps).flatMap((attempts) =>
      attempts.filter(({ outcome }) => outcome?.status === "unresolved").map(({ operation }) => operation),
    ),
  ];
  if (unknown.length === 0) return;
  throw new EvoError("run.busy", `nobody knows yet how ${unknown.join(", ")} ended`, {
    exit: EXIT.awaitsPerson,
    remedy: `evo resume ${state.run} finds out; what it can't, you settle: evo settle <operation> --as succeeded|failed --reason "..."`,
  });
}

function subjectOf({ started }: RunState, loaded: LoadedSequence) {
  return { plan: planFor(loaded.sequence, started.rehearsal !== undefined), root: loaded.root, loaded };
}

function worldOf({ started }: RunState, loaded: LoadedSequence): Pick<Mode, "rehearsal"> {
  return started.rehearsal === undefined ? {} : { rehearsal: { ...rehearsalOf(loaded), fresh: false, faults: [] } };
}

/** The plan that a recovery of this run would freeze now; nothing is made ready for it. Errors: `earlier.*`. */
export async function plannedRecovery(
  settings: Settings,
  ledger: OpenLedger,
  answered: RunState,
  { loaded }: Recovery,
  say: (line: string) => void,
): Promise<Plan> {
  const subject = subjectOf(answered, loaded);
  if (!asksTheRecord(subject.plan)) return subject.plan;
  const binding = await openBinding(settings, worldOf(answered, loaded), subject, say);
  try {
    return await asRecorded({ ...binding, ledger }, subject.plan, loaded.root, answered.run);
  } finally {
    await binding.close();
  }
}

/** A session for a recovery: in production, or in the world in which the answered run was rehearsed. */
export async function openRecovery(
  settings: Settings,
  answered: RunState,
  { loaded }: Recovery,
  ephemeralLedger: boolean | undefined,
  say: (line: string) => void,
): Promise<{ readonly session: Session; readonly subject: Subject & { readonly loaded: LoadedSequence } }> {
  const { rehearsal, parallel } = answered.started;
  const subject = subjectOf(answered, loaded);
  const mode = { ephemeralLedger: ephemeralLedger ?? rehearsal !== undefined, parallel, ...worldOf(answered, loaded) };
  const session = await openSession(settings, mode, subject, say);
  if (session.world?.name === rehearsal) return { session, subject };
  await session.close();
  throw new EvoError(
    "recovery.elsewhere",
    `run ${answered.run} was rehearsed in the world ${rehearsal}, and ${loaded.sequence.name} names ${session.world?.name}`,
    { exit: EXIT.usage, remedy: "let both sequences name the same world" },
  );
}

/**
 * Starts the recovery. The answered run is leased meanwhile, so that nobody resumes it in between, and looked at anew.
 * Errors: those of `start` and `refuseUnrecoverable`, `run.locked` (exit 6).
 */
export async function startRecovery(
  settings: Settings,
  session: Session,
  subject: Subject & { readonly loaded: LoadedSequence },
  answered: RunState,
  { rule }: Recovery,
  reason: string | undefined,
): Promise<StartedSession> {
  const { run, started } = answered;
  const { name } = started.plan.sequence;
  const { ledger } = session;
  const resource = sequenceResource(name, started.rehearsal);
  const holder = holderOf(settings.claimed, run, name);
  const { lease } = await obtain(ledger, resource, holder, { kill: true });
  try {
    const state = await loadRun(ledger, run);
    await refuseUnrecoverable(ledger, state);
    await giveBackRemains(ledger, run, holder, [lease]);
    const why = { ...(rule === undefined ? {} : { rule: rule.name }), ...(reason === undefined ? {} : { reason }) };
    const answers = { state, lease, ...why };
    return await start(settings, session, subject, { answers, parallel: started.parallel });
  } finally {
    await ledger.release(lease);
  }
}

/**
 * Whether a halted run's rule starts a recovery at once, and nobody has begun it yet. A recovery that halts itself waits for
 * a person: answers to answers would never end.
 */
export function dueRecovery({ status, halt, recovery, started }: RunState): boolean {
  if (status !== "halted" || halt?.recovery?.start !== "at-once" || started.answers !== undefined) return false;
  return (recovery?.entry ?? 0) < halt.entry;
}
