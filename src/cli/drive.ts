/** What `up`, `resume`, `retry` and `recover` have in common: a run is driven and told of; then its recovery, where one is due. */
import { driveSession } from "../evo/drive.js";
import { exitOf } from "../evo/exit.js";
import { loadRun } from "../evo/load-run.js";
import { withNotices } from "../evo/notify.js";
import { withLedger } from "../evo/reading.js";
import { chooseRecovery, dueRecovery, openRecovery, type Recovery, startRecovery } from "../evo/recover.js";
import type { Session } from "../evo/session.js";
import type { Settings } from "../evo/settings.js";
import type { StartedSession } from "../evo/start.js";
import { usualTimes } from "../evo/usual.js";
import type { Control } from "../run/loop.js";
import type { RunState } from "../run/state.js";
import type { LoadedSequence } from "../sequence/load.js";
import { type Account, openAccount } from "./account.js";
import { type Ended, endedWith, showEnd } from "./explain.js";
import { explainingHolds } from "./holds.js";
import { leave } from "./leave.js";
import { tellerFor } from "./live.js";
import { type OutputOptions, STDERR, showOutcome } from "./news.js";
import { sayAt } from "./output.js";
import { listenToSignals } from "./signals.js";

export interface DriveOptions extends OutputOptions {
  readonly detach?: boolean;
  readonly ephemeralLedger?: boolean;
}

/** How a command was called. */
export interface Call {
  readonly settings: Settings;
  readonly options: DriveOptions;
}

/** A run that is recorded and leased, with what it is driven by. */
export interface Driven {
  readonly session: Session;
  readonly started: StartedSession;
  readonly loaded: LoadedSequence;
}

/** Drives a run as far as it goes, and tells of it. */
export async function driveAndTell(
  { session, started, loaded }: Driven,
  { settings, options }: Call,
  account: Account,
  control: Control,
): Promise<Ended> {
  const told = await tellerFor(started, options, () => usualTimes(session.ledger, started.state));
  const teller = explainingHolds(told, session.ledger, started.state.run, options, STDERR.after);
  const state = await account
    .of({ started, loaded }, teller, (notifier) =>
      withNotices(settings, session.ledger, started.state, notifier, sayAt, (told) =>
        driveSession(session, started, told, control),
      ),
    )
    .finally(teller.close);
  return endedWith(session.ledger, state, options);
}

/**
 * Shows where a run came to, and answers it where its rules start a recovery at once. The exit code is the run's own: the
 * first cause wins (DESIGN 9). With `--json` one document is printed, of the run as it stands at the end.
 */
export async function finish(call: Call, first: Ended): Promise<void> {
  const { state } = first;
  process.exitCode = exitOf(state);
  const due = dueRecovery(state);
  if (!due || call.options.json !== true) showEnd(first, call.options);
  if (!due) return;
  const recovery = await withLedger(call.settings, sayAt, (ledger) =>
    chooseRecovery(call.settings, ledger, state, undefined),
  );
  const ended = await recover(call, state, recovery);
  if (call.options.json === true)
    return showOutcome(await withLedger(call.settings, sayAt, (ledger) => loadRun(ledger, state.run)), call.options);
  if (ended !== undefined) showEnd(ended, call.options);
}

/** Starts and drives a recovery; nothing comes back where it is left to `evo serve`. */
export async function recover(
  call: Call,
  answered: RunState,
  recovery: Recovery,
  reason?: string,
): Promise<Ended | undefined> {
  const { settings, options } = call;
  const { rule, loaded } = recovery;
  const why = rule === undefined ? "" : ` by rule ${rule.name}`;
  sayAt(`recovery: ${loaded.sequence.name} answers ${answered.run}${why}`);
  const { session, subject } = await openRecovery(settings, answered, recovery, options.ephemeralLedger, sayAt);
  const signals = listenToSignals();
  try {
    const started = await startRecovery(settings, session, subject, answered, recovery, reason);
    if (options.detach) {
      await leave(started);
      return undefined;
    }
    // Report files are the answered run's.
    const account = openAccount({}, settings.env, settings.cwd);
    return await driveAndTell({ session, started, loaded }, call, account, signals.control);
  } finally {
    signals.done();
    await session.close();
  }
}
