/**
 * `evo serve`: drives every run that is to go on and that nobody drives, and scans by schedule. It takes a run up as `evo resume` would, and lets
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
import { withNotices } from "./notify.js";
import { serveNotices } from "./notify-owed.js";
import { withLedger } from "./reading.js";
import { chooseRecovery, dueRecovery, openRecovery, startRecovery } from "./recover.js";
import { reopen } from "./reopen.js";
import { takeUp } from "./resume.js";
import { serveSchedules } from "./schedules/serve.js";
import type { Session } from "./session.js";
import type { Settings } from "./settings.js";
import type { StartedSession } from "./start.js";
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
    const work = (dueRecovery(state) ? answer : goOn)(settings, state, people, leave)
      .catch((error: Error) => {
        notBefore.set(state.run, Date.now() + AGAIN);
        people.say(`${state.run}: ${describe(error)}`);
      })
      .finally(() => driven.delete(state.run));
    driven.set(state.run, work);
  };
  const scans = serveSchedules(settings, ledger, people.say, leave);
  const notices = serveNotices(settings, ledger, people.say, leave);
  while (!leave.aborted) {
    for (const { run } of await ledger.runs({ unfinished: true })) {
      if (leave.aborted || driven.has(run) || Date.now() < (notBefore.get(run) ?? 0)) continue;
      const state = await loadRun(ledger, run);
      if ((state.status === "running" || dueRecovery(state)) && (await isFree(ledger, run))) take(state);
    }
    await sleep(LOOK, undefined, { signal: leave }).catch(() => undefined);
  }
  await Promise.all([...driven.values(), scans, notices]);
}

/** Whether the lease of one that is gone may be taken over shows when it is tried. */
async function isFree(ledger: OpenLedger, run: string): Promise<boolean> {
  return !(await ledger.leases(run)).some(isDriving);
}

function describe(error: Error): string {
  return error instanceof EvoError && error.remedy !== undefined ? `${error.message}; ${error.remedy}` : error.message;
}

/** Takes a run up. */
async function goOn(settings: Settings, state: RunState, people: ServeNews, leave: AbortSignal): Promise<void> {
  const say = (line: string) => people.say(`${state.run}: ${line}`);
  const { session, loaded } = await reopen(settings, state, undefined, say);
  await driveOne(settings, session, people, leave, () =>
    takeUp(settings, session, state, loaded, { acceptChangedCode: false }),
  );
}

/** Starts the recovery that a halted run's rule asks for, and drives it. */
async function answer(settings: Settings, state: RunState, people: ServeNews, leave: AbortSignal): Promise<void> {
  const say = (line: string) => people.say(`${state.run}: ${line}`);
  const recovery = await withLedger(settings, say, (ledger) => chooseRecovery(settings, ledger, state, undefined));
  say(`its recovery ${recovery.loaded.sequence.name} begins`);
  const { session, subject } = await openRecovery(settings, state, recovery, undefined, say);
  await driveOne(settings, session, people, leave, () =>
    startRecovery(settings, session, subject, state, recovery, undefined),
  );
}

async function driveOne(
  settings: Settings,
  session: Session,
  people: ServeNews,
  leave: AbortSignal,
  begin: () => Promise<StartedSession>,
): Promise<void> {
  const never = new AbortController().signal;
  try {
    const taken = await begin();
    const notifier = people.open(taken.state);
    try {
      for (const entry of taken.entries) notifier.tell({ kind: "recorded", entry, event: eventOf(entry).event });
      const ended = await withNotices(settings, session.ledger, taken.state, notifier, people.say, (told) =>
        driveSession(session, taken, told, { pause: never, stop: never, leave }),
      );
      people.say(`${ended.run}: ${leave.aborted && ended.status === "running" ? "let go of" : ended.status}`);
    } finally {
      notifier.close();
    }
  } finally {
    await session.close();
  }
}
