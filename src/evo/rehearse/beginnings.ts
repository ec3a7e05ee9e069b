/**
 * The rehearsal without a fault, and where cells begin: it is paused and kept each time that a boundary has been applied
 * and not yet been looked at. One place goes to its end at once: if that is no good one there is no matrix, as what fails
 * by itself proves nothing. The others go as far as their cells need.
 */
import { EvoError, EXIT } from "../../errors.js";
import type { NodeId } from "../../plan/model.js";
import type { Cell } from "../../rehearse/cells.js";
import { gateOf } from "../../rehearse/gates.js";
import { stepsOf } from "../../run/edges.js";
import type { Probe } from "../../run/ports.js";
import type { RunState } from "../../run/state.js";
import { driveSession } from "../drive.js";
import { exitOf } from "../exit.js";
import { takeUp } from "../resume.js";
import { start } from "../start.js";
import { type Bench, openIn, type Rehearsed, settingsIn } from "./bench.js";
import { answering } from "./people.js";
import type { Place } from "./place.js";

/** A kept state of a place. */
export interface Beginning {
  readonly name: string;
  /** What has been applied there and not yet been looked at; absent: nothing has begun. */
  readonly boundary?: NodeId;
  /** The run there; absent: none. */
  readonly state?: RunState;
}

/** Those of one place. Errors of all: `rehearsal.not-good`, `rehearsal.stopped`. */
export interface Beginnings {
  /** Where a cell begins; goes on with the rehearsal as far as that takes. Undefined: the rehearsal never comes there. */
  of(cell: Cell): Promise<Beginning | undefined>;
  /** Rehearses to the end. */
  finish(): Promise<void>;
}

/** Opens a ledger and a world in a place, with its addresses and empty stacks; nothing has begun. */
export async function openBeginnings(bench: Bench, place: Place, subject: Rehearsed): Promise<Beginnings> {
  const session = await openIn(bench, place, subject);
  try {
    // Each cell would make them again.
    for (const step of stepsOf(subject.plan)) await session.executor.make(step, subject.root);
  } finally {
    await session.close();
  }
  await place.save("0");
  const found: Beginning[] = [{ name: "0" }];
  let ended = false;
  /** Whether the place still is as it was last kept. */
  let untouched = true;
  const goFurther = async (): Promise<void> => {
    if (!untouched) await place.restore(String(found.length - 1));
    untouched = true;
    const { state, met } = await goOn(bench, place, subject, found);
    if (bench.stop.aborted) throw stopped();
    if (met === undefined) {
      if (state.status !== "completed") throw notGood(state);
      ended = true;
      return;
    }
    const name = String(found.length);
    await place.save(name);
    found.push({ name, boundary: met, state });
  };
  return {
    of: async (cell) => {
      while (!ended && !isKnown(found, cell)) await goFurther();
      untouched = false;
      return beginningOf(found, cell);
    },
    finish: async () => {
      while (!ended) await goFurther();
      untouched = false;
    },
  };
}

/** The last kept state in which the step has not begun; or the one in which the boundary waits for its first look. */
function beginningOf(found: readonly Beginning[], { node, target }: Cell): Beginning | undefined {
  if (target !== undefined) return found.find(({ boundary }) => boundary === node);
  return found.findLast(({ state }) => !hasBegun(state, node));
}

/** Later states add nothing to what is known of where it begins. */
function isKnown(found: readonly Beginning[], { node, target }: Cell): boolean {
  if (target !== undefined) return found.some(({ boundary }) => boundary === node);
  return found.some(({ state }) => hasBegun(state, node));
}

function hasBegun(state: RunState | undefined, node: NodeId): boolean {
  return (state?.steps[node] ?? []).length > 0;
}

/** Drives the run to the next boundary that is not known yet, or to its end. */
async function goOn(bench: Bench, place: Place, subject: Rehearsed, found: readonly Beginning[]) {
  const session = await openIn(bench, place, subject);
  const settings = settingsIn(bench, place);
  const before = found.at(-1)?.state;
  const pause = new AbortController();
  const known = new Set(found.map(({ boundary }) => boundary));
  let met: NodeId | undefined;
  const probe: Probe = {
    look: async (request, signal) => {
      const gate = gateOf(subject.plan, request.gate);
      if (gate.phase !== "converged" || known.has(gate.declaredOn)) return session.probe.look(request, signal);
      met ??= gate.declaredOn;
      pause.abort("what has been applied is kept, for the faults that begin here");
      await aborted(signal);
      return { verdict: "error", observed: null, expected: null, message: "not looked at: the state is being kept" };
    },
  };
  try {
    const taken =
      before === undefined
        ? await start(settings, session, subject, {})
        : await takeUp(settings, session, before, subject.loaded, { acceptChangedCode: false, reason: "kept" });
    const control = { pause: AbortSignal.any([pause.signal, bench.stop]), stop: bench.stop };
    const notifier = answering(session.ledger, taken.state, { tell: () => undefined });
    const state = await driveSession({ ...session, probe }, taken, notifier, control);
    return { state, met };
  } finally {
    await session.close();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** A person ended the matrix. */
export function stopped(): EvoError {
  return new EvoError("rehearsal.stopped", "the matrix was stopped before its end; nothing of it is kept", {
    exit: EXIT.awaitsPerson,
    remedy: "evo rehearse again; --faults rehearses some of the cells",
  });
}

function notGood(state: RunState): EvoError {
  const { halt, status, started } = state;
  const where = halt?.node === undefined ? "" : ` at ${halt.node}`;
  return new EvoError(
    "rehearsal.not-good",
    `without any fault the rehearsal came to no good end: ${status}${where}${halt === undefined ? "" : `, ${halt.cause}: ${halt.reason}`}`,
    {
      exit: exitOf(state),
      remedy: `evo up ${started.plan.sequence.name} --rehearse shows why; where a gate had too little time, raise --patience`,
    },
  );
}
