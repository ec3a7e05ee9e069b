/** From a departure to the one step that reconciles it: the step of a sequence that names its stack. */
import { basename } from "node:path";
import { digest } from "../../canonical.js";
import type { StackId } from "../../departures/model.js";
import { changedIn, type Means, type Reconciling, reconcilingSequence } from "../../departures/reconcile.js";
import { EvoError, EXIT } from "../../errors.js";
import { stepsOf } from "../../run/edges.js";
import type { LoadedSequence } from "../../sequence/load.js";
import { type Entry, isGroup, type Step } from "../../sequence/model.js";
import { everySequence } from "../departures/targets.js";
import { planFor, rehearsalOf } from "../rehearsal.js";
import { type Mode, openSession, type Session, type Subject } from "../session.js";
import type { Settings } from "../settings.js";
import type { Found } from "./words.js";

/** A session that can do it, and what it is to do. */
export interface Prepared {
  readonly session: Session;
  readonly subject: Subject & { readonly loaded: LoadedSequence };
  readonly reconciling: Reconciling;
}

export interface Request {
  readonly found: Found;
  readonly means: Means;
  readonly reason: string;
  readonly mayDestroy: boolean;
  readonly ephemeralLedger: boolean;
  say(line: string): void;
}

/**
 * Opens a session on the first sequence of this repository that names the stack: the one in whose order the departure
 * lies, where it lies in one. Errors: `reconcile.no-step`, `reconcile.verb` (exit 2), and those of sequences and engine.
 */
export async function prepare(settings: Settings, request: Request): Promise<Prepared> {
  const { departure } = request.found;
  for (const loaded of await candidates(settings, departure)) {
    const { rehearsal } = departure;
    const whole = { plan: planFor(loaded.sequence, rehearsal), root: loaded.root, loaded };
    // Gates of the step may name other steps' outputs: the session knows the whole sequence.
    const session = await openSession(settings, modeOf(loaded, request), whole, request.say);
    try {
      const step = stepFor(session, whole, departure.stack);
      if (step !== undefined) return { session, ...reconcilingBy(request, loaded, step) };
    } catch (error) {
      await session.close();
      throw error;
    }
    await session.close();
  }
  throw new EvoError("reconcile.no-step", `no sequence here names ${departure.stack}`, {
    exit: EXIT.usage,
    remedy: "name the stack in a sequence, whose step says how it is updated; or accept the departure until a date",
  });
}

async function candidates(
  { cwd }: Settings,
  { sequence, rehearsal }: Found["departure"],
): Promise<readonly LoadedSequence[]> {
  const all = (await everySequence(cwd)).filter(({ world }) => !rehearsal || world !== undefined);
  const own = all.filter((loaded) => loaded.sequence.name === sequence);
  return own.length > 0 ? own : all;
}

function modeOf(loaded: LoadedSequence, { found, ephemeralLedger }: Request): Mode {
  if (!found.departure.rehearsal) return { ephemeralLedger };
  return { ephemeralLedger: true, rehearsal: { ...rehearsalOf(loaded), fresh: false, faults: [] } };
}

function stepFor(session: Session, { plan, root, loaded }: Prepared["subject"], stack: StackId): Step | undefined {
  // A step that puts its stack to a recorded state doesn't say what is declared today.
  const steps = stepsOf(plan).filter(({ options }) => options.asOf === undefined);
  const node = steps.find((one) => session.executor.locate(one, root) === stack);
  return node && stepsIn(loaded.sequence.steps).find(({ name }) => name === node.id);
}

function stepsIn(entries: readonly Entry[]): readonly Step[] {
  return entries.flatMap((entry) => (isGroup(entry) ? stepsIn(entry.members) : [entry]));
}

function reconcilingBy(request: Request, loaded: LoadedSequence, step: Step): Omit<Prepared, "session"> {
  const { found, means, reason, mayDestroy } = request;
  if (means === "revert" && step.kind !== "up")
    throw new EvoError("reconcile.verb", `${step.name} is a ${step.kind} step: it declares no program to apply again`, {
      exit: EXIT.usage,
      remedy: `revert it --with a sequence that does, beside ${basename(loaded.file)}`,
    });
  const reconciling = { means, departure: found.departure, targets: changedIn(found.told), reason, mayDestroy };
  const sequence = reconcilingSequence(loaded.sequence, step, reconciling);
  const plan = planFor(sequence, found.departure.rehearsal);
  const narrowed = { ...loaded, sequence, digest: digest(sequence) };
  return { subject: { plan, root: loaded.root, loaded: narrowed }, reconciling };
}
