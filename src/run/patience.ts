/**
 * A ledger that waits out its outages. While it can't be written nothing of a run goes on, so no effect is started
 * (invariant 1); engines that run go on into their journals. Every call may be repeated: an append is recognised by its
 * id, whether its reply was lost before or after COMMIT.
 */
import { EvoError } from "../errors.js";
import type { Clock, Ledger, Notifier } from "./ports.js";

/** Milliseconds between tries: the first, and the longest. The database has tried for some seconds by itself before. */
const FIRST = 500;
const LONGEST = 10_000;

export interface Patience<L extends Ledger> {
  readonly ledger: L;
  /** From now on, until `giveUp` aborts, calls don't fail for want of a ledger: they wait, and people are told. */
  begin(notifier: Notifier, giveUp: AbortSignal): void;
}

/** Wraps the methods of the port; before `begin` they fail as ever. */
export function createPatience<L extends Ledger>(impatient: L, clock: Clock): Patience<L> {
  let waiting: { readonly notifier: Notifier; readonly giveUp: AbortSignal } | undefined;
  let outage: { readonly since: number; readonly reason: string } | undefined;

  const failed = (reason: string): void => {
    if (outage !== undefined) return;
    outage = { since: clock.now(), reason };
    waiting?.notifier.tell({ kind: "ledger", available: false, ...outage });
  };
  const succeeded = (): void => {
    if (outage === undefined) return;
    waiting?.notifier.tell({ kind: "ledger", available: true, ...outage });
    outage = undefined;
  };

  const patiently =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      for (let pause = FIRST; ; pause = Math.min(2 * pause, LONGEST)) {
        try {
          const answer = await call(...args);
          succeeded();
          return answer;
        } catch (error) {
          const { giveUp } = waiting ?? {};
          if (!isOutage(error) || giveUp === undefined || giveUp.aborted) throw error;
          failed(error.message);
          await clock.until(clock.now() + pause, giveUp);
        }
      }
    };

  const port: Ledger = {
    append: patiently(impatient.append),
    load: patiently(impatient.load),
    sample: patiently(impatient.sample),
    sampled: patiently(impatient.sampled),
    acquire: patiently(impatient.acquire),
    takeOver: patiently(impatient.takeOver),
    renew: patiently(impatient.renew),
    release: patiently(impatient.release),
  };
  return {
    ledger: { ...impatient, ...port },
    begin: (notifier, giveUp) => {
      waiting = { notifier, giveUp };
    },
  };
}

function isOutage(error: unknown): error is EvoError {
  return error instanceof EvoError && error.code === "ledger.unavailable";
}
