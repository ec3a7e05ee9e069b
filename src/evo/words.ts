/**
 * What a person may say to a run from anywhere that reaches the ledger: pause, settle, abort. A word needs no lease: it is
 * an entry like any other, and whoever drives the run hears it within a second.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { EvoError, EXIT } from "../errors.js";
import type { OpenLedger } from "../ledger/index.js";
import type { RunEvent } from "../run/events.js";
import { holdLeases } from "../run/leases.js";
import { createRecorder } from "../run/recorder.js";
import { openAttempts, type RunState } from "../run/state.js";
import { systemClock } from "./clock.js";
import { loadRun } from "./load-run.js";
import { refuseRecovering } from "./recovering.js";
import { refuseFinished } from "./resume.js";
import type { Settings } from "./settings.js";
import { sequenceResource } from "./start.js";
import { giveBackRemains, holderOf, leftBehind, obtain } from "./take-over.js";

/** Milliseconds between looks whether a driver has let go. */
const LOOK = 500;

/** Nothing new starts, wherever the run is driven; what runs is finished. Errors: `run.finished`, `run.standing` (exit 2). */
export async function pauseRun(ledger: OpenLedger, run: string, reason: string): Promise<RunState> {
  return say(ledger, run, (state) => {
    if (state.status === "running") return { type: "run.paused", at: systemClock.now(), reason };
    throw new EvoError("run.standing", `run ${run} is ${state.status} already`, {
      exit: EXIT.usage,
      remedy: `evo status ${run}`,
    });
  });
}

/** A person has found out how an unresolved operation ended. Errors: `operation.unknown`, `operation.known` (exit 2). */
export async function settleOperation(
  ledger: OpenLedger,
  operation: string,
  as: "succeeded" | "failed",
  reason: string,
): Promise<RunState> {
  return say(ledger, await runOf(ledger, operation), (state) => {
    const attempt = Object.values(state.steps)
      .flat()
      .find((candidate) => candidate.operation === operation);
    if (attempt?.outcome?.status === "unresolved")
      return { type: "operation.settled", at: systemClock.now(), operation, as, reason };
    const known =
      attempt?.outcome === undefined
        ? "is not unresolved: evo resume finds out how it ended"
        : `has ${attempt.outcome.status}`;
    throw new EvoError("operation.known", `${operation} ${known}`, {
      exit: EXIT.usage,
      remedy: `evo status ${state.run}`,
    });
  });
}

/** An operation's id begins with its run's. */
async function runOf(ledger: OpenLedger, operation: string): Promise<string> {
  const [run = ""] = operation.split(".");
  const entries = await ledger.load(run);
  if (entries.some((entry) => entry.operation === operation)) return run;
  throw new EvoError("operation.unknown", `the ledger knows no operation ${operation}`, {
    exit: EXIT.usage,
    remedy: "evo status <run> names the unresolved ones",
  });
}

/**
 * Records a word; said anew if somebody else wrote at the same moment, as long as it still makes sense. Where it answers
 * an entry, `answers` names that; else what the run stands at.
 */
export async function say(
  ledger: OpenLedger,
  run: string,
  word: (state: RunState) => RunEvent,
  answers: (state: RunState) => number = ({ halt, drivenBy }) => halt?.entry ?? drivenBy,
): Promise<RunState> {
  const state = await loadRun(ledger, run);
  const recorder = createRecorder(state, () => [], ledger, { tell: () => undefined });
  for (;;) {
    const present = recorder.state();
    refuseFinished(present);
    const event = word(present);
    if (await recorder.record([{ event, causes: [answers(present)] }], present)) return recorder.state();
  }
}

/**
 * Ends an unfinished run where it stands. One that is driven is paused first, and `waiting` is told until its driver has
 * let go. Operations whose outcome isn't recorded forbid it (invariant 5): resume settles them first.
 */
export async function abortRun(
  settings: Settings,
  ledger: OpenLedger,
  run: string,
  reason: string,
  waiting: (why: string) => void,
  takeOver?: string,
): Promise<RunState> {
  const state = await loadRun(ledger, run);
  refuseFinished(state);
  const { plan, rehearsal } = state.started;
  const holder = holderOf(settings.claimed, run, plan.sequence.name);
  const resource = sequenceResource(plan.sequence.name, rehearsal);
  const means = { kill: true, ...(takeOver === undefined ? {} : { word: takeOver }) };
  const { lease } = await untilFree(
    () => obtain(ledger, resource, holder, means),
    async (error) => {
      waiting(error.message);
      const present = await loadRun(ledger, run);
      if (present.status === "running") await pauseRun(ledger, run, `to be aborted: ${reason}`);
    },
  );
  const leases = holdLeases(ledger, lease, [], holder, leftBehind(ledger));
  try {
    const recorder = createRecorder(await loadRun(ledger, run), leases.all, ledger, { tell: () => undefined });
    refuseFinished(recorder.state());
    await refuseRecovering(ledger, recorder.state());
    refuseBusy(recorder.state());
    await recorder.record([
      { event: { type: "run.aborted", at: systemClock.now(), reason }, causes: [recorder.state().last] },
    ]);
    await giveBackRemains(ledger, run, holder, leases.all());
    return recorder.state();
  } finally {
    await leases.release();
  }
}

/** Tries again while somebody alive holds the lease; `held` is called once. */
async function untilFree<T>(attempt: () => Promise<T>, held: (error: EvoError) => Promise<void>): Promise<T> {
  for (let told = false; ; told = true) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof EvoError) || error.code !== "run.locked") throw error;
      if (!told) await held(error);
      await sleep(LOOK);
    }
  }
}

function refuseBusy(state: RunState): void {
  const open = openAttempts(state);
  if (open.length === 0) return;
  const names = open.map(({ attempt }) => attempt.operation).join(", ");
  throw new EvoError("run.busy", `the outcome of ${names} is not recorded yet`, {
    exit: EXIT.awaitsPerson,
    remedy: `evo resume ${state.run} settles it; pause it with Ctrl-C, then abort`,
  });
}
