/** `evo resume [run]` and `evo abort [run]` */
import { resolve } from "node:path";
import { EvoError } from "../errors.js";
import { systemClock } from "../evo/clock.js";
import { driveSession } from "../evo/drive.js";
import { exitOf } from "../evo/exit.js";
import { loadRun } from "../evo/load-run.js";
import { withLedger } from "../evo/reading.js";
import { abortRun, chooseUnfinished, takeUp } from "../evo/resume.js";
import { openSession } from "../evo/session.js";
import { readSettings } from "../evo/settings.js";
import { usualTimes } from "../evo/usual.js";
import { loadSequence } from "../sequence/load.js";
import { type AccountOptions, openAccount } from "./account.js";
import { tellerFor } from "./live.js";
import { type OutputOptions, showOutcome } from "./news.js";
import { rehearsalOf } from "./options.js";
import { say, sayAt } from "./output.js";
import { listenToSignals } from "./signals.js";

export interface ResumeOptions extends OutputOptions, AccountOptions {
  readonly reason?: string;
  readonly acceptChangedCode?: boolean;
  readonly ephemeralLedger?: boolean;
  readonly engine?: string;
}

/** Goes on with a run; whether it is a rehearsal is the record's word. */
export async function resume(named: string | undefined, options: ResumeOptions): Promise<void> {
  if (options.acceptChangedCode && options.reason === undefined)
    throw new EvoError("usage", "--accept-changed-code is an override, and an override is signed with a reason", {
      remedy: "add --reason '...'",
    });
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const account = openAccount(options, settings.env, settings.cwd);
  const state = await withLedger(settings, sayAt, async (ledger) =>
    loadRun(ledger, await chooseUnfinished(ledger, named)),
  );
  const { plan, root, file, rehearsal } = state.started;
  const loaded = await loadSequence(resolve(root, file), settings.cwd);
  const world = rehearsal === undefined ? {} : { rehearsal: { ...rehearsalOf(loaded), fresh: false, faults: [] } };
  const session = await openSession(
    settings,
    { ephemeralLedger: options.ephemeralLedger ?? rehearsal !== undefined, ...world },
    { plan, root, loaded },
    sayAt,
  );
  const signals = listenToSignals();
  try {
    const taken = await takeUp(settings, session, state, loaded, {
      acceptChangedCode: options.acceptChangedCode ?? false,
      ...(options.reason === undefined ? {} : { reason: options.reason }),
    });
    const teller = await tellerFor(taken, options, () => usualTimes(session.ledger, taken.state));
    const ended = await account
      .of({ started: taken, loaded }, teller, (notifier) => driveSession(session, taken, notifier, signals.control))
      .finally(teller.close);
    showOutcome(ended, options);
    process.exitCode = exitOf(ended);
  } finally {
    signals.done();
    await session.close();
  }
}

/** Ends an unfinished run where it stands. */
export async function abort(
  named: string | undefined,
  options: OutputOptions & { readonly reason: string },
): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  await withLedger(settings, say, async (ledger) => {
    const state = await loadRun(ledger, await chooseUnfinished(ledger, named));
    showOutcome(await abortRun(settings, { ledger, clock: systemClock }, state, options.reason), options);
  });
}
