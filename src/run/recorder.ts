/** Appends a run's entries, one batch after the other, and keeps the state that they fold to. */
import { randomUUID } from "node:crypto";
import { eventOf, newEntry } from "./entries.js";
import { evolve } from "./evolve.js";
import type { Proposed } from "./gates.js";
import type { Lease, Ledger, Notifier } from "./ports.js";
import type { RunState } from "./state.js";

export interface Recorder {
  state(): RunState;
  /**
   * Appends and folds. With `basedOn`, only if the state is still that one; otherwise nothing is recorded and the
   * answer is false, since what was decided may no longer hold. Errors: those of `Ledger.append`.
   */
  record(events: readonly Proposed[], basedOn?: RunState): Promise<boolean>;
}

/** `leases` are those that every append must still hold (invariant 4). */
export function createRecorder(
  initial: RunState,
  leases: () => readonly Lease[],
  ledger: Ledger,
  notifier: Notifier,
): Recorder {
  let state = initial;
  let queue: Promise<unknown> = Promise.resolve();

  async function append(events: readonly Proposed[], basedOn: RunState | undefined): Promise<boolean> {
    if (basedOn !== undefined && basedOn !== state) return false;
    const entries = await ledger.append(
      events.map((proposed) => newEntry(state, proposed)),
      { id: randomUUID(), expected: { run: state.run, version: state.version }, leases: leases() },
    );
    for (const entry of entries) {
      const numbered = eventOf(entry);
      state = evolve(state, numbered);
      notifier.tell({ kind: "recorded", entry, event: numbered.event });
    }
    return true;
  }

  return {
    state: () => state,
    record(events, basedOn) {
      const turn = queue.then(() => append(events, basedOn));
      queue = turn.catch(() => undefined);
      return turn;
    },
  };
}
