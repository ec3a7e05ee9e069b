/** Drives a run that this process holds, and gives back what it held, whatever happens. */
import { type Control, drive } from "../run/loop.js";
import type { Notifier } from "../run/ports.js";
import type { RunState } from "../run/state.js";
import type { Session } from "./session.js";
import type { StartedSession } from "./start.js";

/** Answers the state that the run came to. Errors: those of `drive`. */
export async function driveSession(
  session: Session,
  started: StartedSession,
  notifier: Notifier,
  control: Control,
): Promise<RunState> {
  const { ledger, executor, probe, clock } = session;
  try {
    return await drive(started.state, started.leases, { ledger, executor, probe, clock, notifier }, control);
  } finally {
    await started.leases.release().catch(() => undefined);
  }
}
