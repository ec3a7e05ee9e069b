/** `evo resume [run]` and `evo retry <step> [run]` */
import { EvoError } from "../errors.js";
import { loadRun } from "../evo/load-run.js";
import { withLedger } from "../evo/reading.js";
import { reopen } from "../evo/reopen.js";
import { chooseUnfinished, takeUp } from "../evo/resume.js";
import { readSettings } from "../evo/settings.js";
import { type AccountOptions, openAccount } from "./account.js";
import { driveAndTell, finish } from "./drive.js";
import type { Ended } from "./explain.js";
import { leave } from "./leave.js";
import type { OutputOptions } from "./news.js";
import { sayAt } from "./output.js";
import { listenToSignals } from "./signals.js";

export interface ResumeOptions extends OutputOptions, AccountOptions {
  readonly reason?: string;
  readonly acceptChangedCode?: boolean;
  readonly ephemeralLedger?: boolean;
  readonly engine?: string;
  readonly takeOver?: boolean;
  readonly detach?: boolean;
}

/** Goes on with a run; whether it is a rehearsal is the record's word. */
export async function resume(named: string | undefined, options: ResumeOptions): Promise<void> {
  return goOn(named, options);
}

/** Goes on with a run, and attempts this step again; what else has failed stays as it is. */
export async function retry(step: string, named: string | undefined, options: ResumeOptions): Promise<void> {
  return goOn(named, options, [step]);
}

async function goOn(named: string | undefined, options: ResumeOptions, steps?: readonly string[]): Promise<void> {
  demandReason(options);
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const account = openAccount(options, settings.env, settings.cwd);
  const state = await withLedger(settings, sayAt, async (ledger) =>
    loadRun(ledger, await chooseUnfinished(ledger, named)),
  );
  const { session, loaded } = await reopen(settings, state, options.ephemeralLedger, sayAt);
  const call = { settings, options };
  const signals = listenToSignals();
  let ended: Ended;
  try {
    const taken = await takeUp(settings, session, state, loaded, {
      acceptChangedCode: options.acceptChangedCode ?? false,
      ...(options.reason === undefined ? {} : { reason: options.reason }),
      ...(options.takeOver ? { takeOver: options.reason as string } : {}),
      ...(steps === undefined ? {} : { steps }),
    });
    if (options.detach) return await leave(taken);
    ended = await driveAndTell({ session, started: taken, loaded }, call, account, signals.control);
  } finally {
    signals.done();
    await session.close();
  }
  await finish(call, ended);
}

/** An override is signed. Errors: `usage` (exit 2). */
function demandReason({ acceptChangedCode, takeOver, reason }: ResumeOptions): void {
  const override = acceptChangedCode ? "--accept-changed-code" : takeOver ? "--take-over" : undefined;
  if (override === undefined || reason !== undefined) return;
  throw new EvoError("usage", `${override} is an override, and an override is signed with a reason`, {
    remedy: "add --reason '...'",
  });
}
