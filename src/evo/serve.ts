/**
 * `evo serve`: drives every run that is to go on and that nobody drives. It takes a run up as `evo resume` would, and lets
 * go of all of them when it is told to leave: engines go on, and the next one follows them.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { EvoError } from "../errors.js";
import type { OpenLedger } from "../ledger/index.js";
import { eventOf } from "../run/entries.js";
import type { Notifier } from "../run/ports.js";
import type { RunState } from "../run/state.js";
import { driveSession } from "./drive.js";
import { loadRun } from "./load-run.js";
import { reopen } from "./reopen.js";
import { takeUp } from "./resume.js";
import type { Settings } from "./settings.js";
import { isDriving } from "./take-over.js";

/** Milliseconds between looks for runs, and until one that could not be taken up is tried again. */
const LOOK = 1_000;
const AGAIN = 30_000;

/** What people see of it. */
export interface ServeNews {
  /** A run is taken up here: who hears its news, until it is let go of. */
  open(state: RunState): Notifier & { close(): void };
  /** Something about serving itself. */
  say(line: string): void;
}

/** Serves until `leave` aborts; resolves when every run has been let go of. */
export async function serve(settings: Settings, ledger: OpenLedger, people: ServeNews, leave: AbortSignal) {
  const driven = new Map<string, Promise<void>>();
  const notBefore = new Map<string, number>();
  const take = (state: RunState): void => {
    const work = driveOne(settings, state, people, leave)
      .catch((error: Error) => {
        notBefore.set(state.run, Date.now() + AGAIN);
        people.say(`${state.run}: ${describe(error)}`);
      })
      .finally(() => driven.delete(state.run));
    driven.set(state.run, work);
  };
  while (!leave.aborted) {
    for (const { run } of await ledger.runs({ unfinished: true })) {
      if (leave.aborted || driven.has(run) || Date.now() < (notBefore.get(run) ?? 0)) continue;
      const state = await loadRun(ledger, run);
      if (state.status === "running" && (await isFree(ledger, run))) take(state);
    }
    await sleep(LOOK, undefined, { signal: leave }).catch(() => undefined);
  }
  await Promise.all(driven.values());
}

/** Whether the lease of one that is gone may be taken over shows when it is tried. */
async function isFree(ledger: OpenLedger, run: string): Promise<boolean> {
  return !(await ledger.leases(run)).some(isDriving);
}

function describe(error: Error): string {
  return error instanceof EvoError && error.remedy !== undefined ? `${error.message}; ${error.remedy}` : error.message;
}

async function driveOne(settings: Settings, state: RunState, people: ServeNews, leave: AbortSignal): Promise<void> {
  const { run } = state;
  const { session, loaded } = await reopen(settings, state, undefined, (line) => people.say(`${run}: ${line}`));
  const notifier = people.open(state);
  const never = new AbortController().signal;
  try {
    const taken = await takeUp(settings, session, state, loaded, { acceptChangedCode: false });
    for (const entry of taken.entries) notifier.tell({ kind: "recorded", entry, event: eventOf(entry).event });
    const ended = await driveSession(session, taken, notifier, { pause: never, stop: never, leave });
    people.say(`${run}: ${leave.aborted && ended.status === "running" ? "let go of" : ended.status}`);
  } finally {
    notifier.close();
    await session.close();
  }
}
