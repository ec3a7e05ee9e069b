/** Drives a run that this process holds, gives back what it held, whatever happens, and signs how far the ledger came. */
import { type Control, drive } from "../run/loop.js";
import type { Notifier } from "../run/ports.js";
import type { RunState } from "../run/state.js";
import { departuresOfRun, watchRun } from "./departures/watch.js";
import { recordIfReconciled } from "./reconcile/words.js";
import type { Session } from "./session.js";
import type { StartedSession } from "./start.js";

/** Milliseconds that a ledger which is away is waited for once a person wants to stop: then the pause can't be recorded. */
const FAREWELL = 15_000;

/** Answers the state that the run came to. Errors: those of `drive`. */
export async function driveSession(
  session: Session,
  started: StartedSession,
  notifier: Notifier,
  control: Control,
): Promise<RunState> {
  const { ledger, executor, probe, clock } = session;
  const patience = waitUntilStopped(control);
  session.await(notifier, patience.signal);
  const driven = new AbortController();
  const departures = departuresOfRun(session);
  const watch = watchRun(session, started.state.run, departures, driven.signal);
  let state: RunState;
  try {
    const ports = { ledger, executor, probe, clock, notifier, departures };
    state = await drive(started.state, started.leases, ports, control);
  } finally {
    driven.abort();
    patience.end();
    await watch;
    await started.leases.release().catch(() => undefined);
  }
  await recordIfReconciled(ledger, state);
  await ledger.leaveCheckpoint();
  return state;
}

/** How long an outage of the ledger is waited out: for ever, until somebody wants this process to end. */
function waitUntilStopped({ pause, leave }: Control): { readonly signal: AbortSignal; end(): void } {
  const over = new AbortController();
  const end = (): void => over.abort();
  const soon = (): void => void setTimeout(end, FAREWELL).unref();
  for (const wish of [pause, leave]) wish?.addEventListener("abort", soon, { signal: over.signal });
  return { signal: over.signal, end };
}
