/** Takes up an unfinished run from its entries alone: `evo resume`, `evo retry`, `evo serve`. */
import { hostname } from "node:os";
import { EvoError, EXIT } from "../errors.js";
import type { OpenLedger } from "../ledger/index.js";
import type { NodeId } from "../plan/model.js";
import { stepsOf } from "../run/edges.js";
import type { RunEvent } from "../run/events.js";
import type { Proposed } from "../run/gates.js";
import { holdLeases } from "../run/leases.js";
import type { Entry, News } from "../run/ports.js";
import { createRecorder } from "../run/recorder.js";
import { isOver, lastAttempt, type RunState } from "../run/state.js";
import type { LoadedSequence } from "../sequence/load.js";
import { loadRun } from "./load-run.js";
import { refuseRecovering } from "./recovering.js";
import type { Session } from "./session.js";
import type { Settings } from "./settings.js";
import { type StartedSession, sequenceResource } from "./start.js";
import { holderOf, leftBehind, obtain } from "./take-over.js";

export interface ResumeOptions {
  readonly reason?: string;
  readonly acceptChangedCode: boolean;
  /** Only these steps are to be attempted again. */
  readonly steps?: readonly NodeId[];
  /** An operator's word that the driver on another machine is gone. */
  readonly takeOver?: string;
}

/** The run that is meant where none is named: the only unfinished one. Errors: none, or several (exit 2). */
export async function chooseUnfinished(ledger: OpenLedger, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const unfinished = (await ledger.runs({ unfinished: true })).map((row) => row.run);
  const [only] = unfinished;
  if (only !== undefined && unfinished.length === 1) return only;
  const message =
    only === undefined ? "there is no unfinished run" : `there are several unfinished runs: ${unfinished.join(", ")}`;
  throw new EvoError("run.ambiguous", message, {
    exit: EXIT.usage,
    remedy: only === undefined ? "see evo runs" : "name one",
  });
}

/** Leases the run and records who drives it now; a halted or paused run is resumed with the reason given. */
export async function takeUp(
  settings: Settings,
  session: Session,
  state: RunState,
  loaded: Pick<LoadedSequence, "sources">,
  options: ResumeOptions,
): Promise<StartedSession> {
  refuseFinished(state);
  const { plan, rehearsal, root } = state.started;
  const holder = holderOf(settings.claimed, state.run, plan.sequence.name);
  const means = { kill: true, ...(options.takeOver === undefined ? {} : { word: options.takeOver }) };
  const resource = sequenceResource(plan.sequence.name, rehearsal);
  const { lease, proof } = await obtain(session.ledger, resource, holder, means);
  const leases = holdLeases(session.ledger, lease, [], holder, leftBehind(session.ledger));
  try {
    const fresh = await loadRun(session.ledger, state.run);
    refuseFinished(fresh);
    await refuseRecovering(session.ledger, fresh);
    refuseChangedSequence(fresh, loaded, options, root);
    for (const step of options.steps ?? []) demandRetryable(fresh, step);
    const entries: Entry[] = [];
    const tell = (news: News): void => void (news.kind === "recorded" && entries.push(news.entry));
    const recorder = createRecorder(fresh, leases.all, session.ledger, { tell });
    await recorder.record(
      takeUpEvents(settings, fresh, session.clock.now(), options, {
        token: lease.token,
        ...(proof === undefined ? {} : { proof }),
      }),
    );
    return { state: recorder.state(), leases, entries };
  } catch (error) {
    await leases.release();
    throw error;
  }
}

function takeUpEvents(
  settings: Settings,
  state: RunState,
  at: number,
  options: ResumeOptions,
  obtained: { readonly token: string; readonly proof?: string },
): readonly Proposed[] {
  const { reason = "resumed without a reason", acceptChangedCode, steps } = options;
  const holder = `${settings.claimed} on ${hostname()}, pid ${process.pid}`;
  const last = [state.halt?.entry ?? state.last];
  const adopted: Proposed = { event: { type: "run.adopted", at, holder, ...obtained }, causes: last };
  if (state.status === "running" && !acceptChangedCode && steps === undefined) return [adopted];
  const only = steps === undefined ? {} : { steps };
  const resumed: RunEvent = { type: "run.resumed", at, reason, acceptChangedCode, ...only };
  return [adopted, { event: resumed, causes: [{ batch: 0 }, ...last] }];
}

/** Errors: `step.unknown`, `step.not-retryable` (exit 2), `operation.unresolved` (exit 3). */
export function demandRetryable(state: RunState, step: NodeId): void {
  const node = stepsOf(state.started.plan).find(({ id }) => id === step);
  if (node === undefined) {
    const steps = stepsOf(state.started.plan).map(({ id }) => id);
    throw new EvoError("step.unknown", `run ${state.run} has no step ${step}`, {
      exit: EXIT.usage,
      remedy: `its steps are ${steps.join(", ")}`,
    });
  }
  const outcome = lastAttempt(state, step)?.outcome;
  if (outcome?.status === "unresolved") throw unresolved(state.run, lastAttempt(state, step)?.operation ?? step);
  const why =
    lastAttempt(state, step) === undefined
      ? "has not been attempted yet"
      : outcome === undefined
        ? "is being attempted"
        : state.opened[node.boundary] === undefined
          ? undefined
          : "has converged";
  if (why === undefined) return;
  throw new EvoError("step.not-retryable", `${step} ${why}`, { exit: EXIT.usage, remedy: `evo resume ${state.run}` });
}

function unresolved(run: string, operation: string): EvoError {
  return new EvoError("operation.unresolved", `nobody knows how ${operation} ended, so it is not tried again`, {
    exit: EXIT.awaitsPerson,
    remedy: `evo status ${run}; find out, then: evo settle ${operation} --as succeeded|failed --reason "..."`,
  });
}

export function refuseFinished(state: RunState): void {
  if (!isOver(state)) return;
  throw new EvoError("run.finished", `run ${state.run} is ${state.status} already`, {
    exit: EXIT.usage,
    remedy: `evo up ${state.started.plan.sequence.name}`,
  });
}

/** Invariant 6: the plan is the recorded one; the sequence's code (custom probes) is run only as it was recorded. */
function refuseChangedSequence(
  state: RunState,
  loaded: Pick<LoadedSequence, "sources">,
  options: ResumeOptions,
  root: string,
): void {
  if (options.acceptChangedCode || state.acceptChangedCode) return;
  const changed = loaded.sources.filter(
    (source) => state.started.sources.find((frozen) => frozen.path === source.path)?.sha256 !== source.sha256,
  );
  if (changed.length === 0) return;
  throw new EvoError(
    "run.sources-changed",
    `${changed.map((source) => source.path).join(", ")} in ${root} changed since the run started`,
    {
      exit: EXIT.awaitsPerson,
      remedy: "put the recorded version back, or sign for the change with --accept-changed-code",
    },
  );
}
