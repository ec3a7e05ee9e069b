/** `evo up <sequence>` */
import { EvoError } from "../errors.js";
import { planFor, rehearsalOf } from "../evo/rehearsal.js";
import { type Mode, openSession, type Session } from "../evo/session.js";
import { readSettings } from "../evo/settings.js";
import { start, unfinishedRun } from "../evo/start.js";
import type { Plan } from "../plan/model.js";
import { type LoadedSequence, loadSequence } from "../sequence/load.js";
import { type AccountOptions, openAccount } from "./account.js";
import { driveAndTell, finish } from "./drive.js";
import type { Ended } from "./explain.js";
import { leave } from "./leave.js";
import { driverOf } from "./live-driver.js";
import type { OutputOptions } from "./news.js";
import { wholeNumber } from "./options.js";
import { sayAt } from "./output.js";
import { listenToSignals } from "./signals.js";

export interface UpOptions extends OutputOptions, AccountOptions {
  readonly rehearse?: boolean;
  readonly fresh?: boolean;
  readonly seed?: string;
  readonly fault?: readonly string[];
  readonly parallel?: string;
  readonly ephemeralLedger?: boolean;
  readonly engine?: string;
  readonly detach?: boolean;
}

/** Starts and drives a run; sets the exit code by where it came to. */
export async function up(reference: string, options: UpOptions): Promise<void> {
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const parallel = options.parallel === undefined ? undefined : wholeNumber("--parallel", options.parallel, 1);
  const account = openAccount(options, settings.env, settings.cwd);
  const loaded = await loadSequence(reference, settings.cwd, settings.cache);
  const atOnce = parallel === undefined ? {} : { parallel };
  const mode = { ...modeOf(loaded, options), ...atOnce };
  const subject = { plan: planFor(loaded.sequence, mode.rehearsal !== undefined), root: loaded.root, loaded };
  const session = await openSession(settings, mode, subject, sayAt);
  const fresh = options.fresh === true || options.seed !== undefined;
  const unfinished = fresh ? undefined : await offeredRun(session, subject.plan, options);
  if (unfinished !== undefined) {
    await session.close();
    return (await import("./resume.js")).resume(unfinished, options);
  }
  const call = { settings, options };
  const signals = listenToSignals();
  let ended: Ended;
  try {
    const started = await start(settings, session, subject, { fresh, ...atOnce });
    if (options.detach) return await leave(started);
    ended = await driveAndTell({ session, started, loaded }, call, account, signals.control);
  } finally {
    signals.done();
    await session.close();
  }
  await finish(call, ended);
}

/** On a terminal a run that nobody drives may be gone on with; elsewhere `up` never does that by itself. */
async function offeredRun(session: Session, plan: Plan, options: UpOptions): Promise<string | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY || options.json || options.output === "ndjson") return undefined;
  const run = await unfinishedRun(session, plan);
  if (run === undefined || (await driverOf(session.ledger, run)) !== undefined) return undefined;
  const { createInterface } = await import("node:readline/promises");
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  const no = new Promise<string>((resolve) => asked.once("SIGINT", () => resolve("")).once("close", () => resolve("")));
  const question = `run ${run} is not finished, and nobody drives it. Go on with it? [y/N] `;
  const answer = await Promise.race([asked.question(question), no]);
  asked.close();
  return /^y(es)?$/i.test(answer.trim()) ? run : undefined;
}

function modeOf(loaded: LoadedSequence, options: UpOptions): Mode {
  const ephemeralLedger = options.ephemeralLedger ?? false;
  if (options.rehearse !== true) {
    const stray = options.fresh
      ? "--fresh"
      : options.seed !== undefined
        ? "--seed"
        : options.fault !== undefined
          ? "--fault"
          : undefined;
    if (stray !== undefined) throw new EvoError("usage", `${stray} goes with --rehearse`, { remedy: "add --rehearse" });
    return { ephemeralLedger };
  }
  return {
    ephemeralLedger: true,
    rehearsal: {
      ...rehearsalOf(loaded),
      fresh: options.fresh === true || options.seed !== undefined,
      faults: options.fault ?? [],
      ...(options.seed === undefined ? {} : { seed: wholeNumber("--seed", options.seed, 0) }),
    },
  };
}
