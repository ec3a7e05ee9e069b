/**
 * The rehearsal without a fault, and where cells begin: it is paused and kept each time that a boundary has been applied
 * and not yet been looked at. If it doesn't come to its end there is no matrix: what fails by itself proves nothing.
 */
import { EvoError, EXIT } from "../../errors.js";
import type { NodeId } from "../../plan/model.js";
import { gateOf } from "../../rehearse/gates.js";
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

/** Rehearses the sequence once in a place, and keeps its beginnings there. Errors: `rehearsal.not-good`. */
export async function findBeginnings(bench: Bench, place: Place, subject: Rehearsed): Promise<readonly Beginning[]> {
  // A ledger and a world, with its addresses; nothing else.
  await (await openIn(bench, place, subject)).close();
  await place.save("0");
  const found: Beginning[] = [{ name: "0" }];
  for (;;) {
    const { state, met } = await goOn(bench, place, subject, found);
    if (bench.stop.aborted) throw stopped();
    if (met === undefined) {
      if (state.status !== "completed") throw notGood(state);
      return found;
    }
    const name = String(found.length);
    await place.save(name);
    found.push({ name, boundary: met, state });
  }
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
