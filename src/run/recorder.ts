/** Appends a run's entries, one batch after the other, and keeps the state that they fold to. */
import { randomUUID } from "node:crypto";
import { EvoError } from "../errors.js";
import { eventOf, newEntry } from "./entries.js";
import { evolve } from "./evolve.js";
import type { Proposed } from "./gates.js";
import type { Entry, Lease, Ledger, NewEntry, Notifier } from "./ports.js";
import type { RunState } from "./state.js";

export interface Recorder {
  state(): RunState;
  /**
   * Appends and folds. With `basedOn`, only if the state is still that one; otherwise nothing is recorded and the
   * answer is false, since what was decided may no longer hold. Errors: those of `Ledger.append`.
   */
  record(events: readonly Proposed[], basedOn?: RunState): Promise<boolean>;
  /** Folds what others have recorded of this run meanwhile: a person's word (a pause, a settlement) needs no lease. */
  catchUp(): Promise<void>;
}

/** The end of a recovery is, in the same transaction, the end of the run that it answers. */
function entriesOf(state: RunState, events: readonly Proposed[]): readonly NewEntry[] {
  const own = events.map((proposed) => newEntry(state, proposed));
  const completed = events.findIndex(({ event }) => event.type === "run.completed");
  const { answers, rehearsal } = state.started;
  if (answers === undefined || completed < 0) return own;
  const { run, sequence } = answers;
  const body = { at: events[completed]?.event.at ?? 0, recovery: state.run };
  const causes = [{ batch: completed }];
  return [...own, { type: "run.recovered", run, sequence, rehearsal: rehearsal !== undefined, causes, body }];
}

/** `leases` are those that every append must still hold (invariant 4). */
export function createRecorder(
  initial: RunState,
  leases: () => readonly Lease[],
  ledger: Pick<Ledger, "append" | "load">,
  notifier: Notifier,
): Recorder {
  let state = initial;
  let queue: Promise<unknown> = Promise.resolve();

  function take(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const numbered = eventOf(entry);
      state = evolve(state, numbered);
      notifier.tell({ kind: "recorded", entry, event: numbered.event });
    }
  }

  const catchUp = async (): Promise<void> => take(await ledger.load(state.run, state.last));

  async function append(events: readonly Proposed[], basedOn: RunState | undefined): Promise<boolean> {
    for (;;) {
      if (basedOn !== undefined && basedOn !== state) return false;
      const before = state;
      try {
        const entries = await ledger.append(entriesOf(before, events), {
          id: randomUUID(),
          expected: { run: before.run, version: before.version },
          leases: leases(),
        });
        take(entries.filter(({ run }) => run === before.run));
        return true;
      } catch (error) {
        if (!(error instanceof EvoError) || error.code !== "ledger.conflict") throw error;
        await catchUp();
        if (state === before) throw error;
      }
    }
  }

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work);
    queue = turn.catch(() => undefined);
    return turn;
  };

  return {
    state: () => state,
    record: (events, basedOn) => inTurn(() => append(events, basedOn)),
    catchUp: () => inTurn(catchUp),
  };
}
