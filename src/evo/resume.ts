/** `evo resume` and `evo abort`: take up an unfinished run from its entries alone. */
import { hostname } from "node:os";
import { EvoError, EXIT } from "../errors.js";
import type { OpenLedger } from "../ledger/index.js";
import type { RunEvent } from "../run/events.js";
import { holdLeases } from "../run/leases.js";
import type { Entry, News } from "../run/ports.js";
import { createRecorder } from "../run/recorder.js";
import { openAttempts, type RunState } from "../run/state.js";
import type { LoadedSequence } from "../sequence/load.js";
import { loadRun } from "./load-run.js";
import type { Session } from "./session.js";
import type { Settings } from "./settings.js";
import { acquire, holderOf, type StartedSession, sequenceResource } from "./start.js";

export interface ResumeOptions {
  readonly reason?: string;
  readonly acceptChangedCode: boolean;
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
  const holder = holderOf(settings, state.run, plan.sequence.name);
  const lease = await acquire(session, sequenceResource(plan.sequence.name, rehearsal), holder);
  const leases = holdLeases(session.ledger, lease, [], holder);
  try {
    const fresh = await loadRun(session.ledger, state.run);
    refuseFinished(fresh);
    refuseChangedSequence(fresh, loaded, options, root);
    const entries: Entry[] = [];
    const tell = (news: News): void => void (news.kind === "recorded" && entries.push(news.entry));
    const recorder = createRecorder(fresh, leases.all, session.ledger, { tell });
    await recorder.record(takeUpEvents(settings, fresh, session.clock.now(), options, lease.token));
    return { state: recorder.state(), leases, entries };
  } catch (error) {
    await leases.release();
    throw error;
  }
}

function takeUpEvents(settings: Settings, state: RunState, at: number, options: ResumeOptions, token: string) {
  const { reason = "resumed without a reason", acceptChangedCode } = options;
  const adopted: RunEvent = {
    type: "run.adopted",
    at,
    holder: `${settings.claimed} on ${hostname()}, pid ${process.pid}`,
    token,
  };
  const resumed: RunEvent = { type: "run.resumed", at, reason, acceptChangedCode };
  const last = [state.halt?.entry ?? state.last];
  if (state.status === "running" && !acceptChangedCode) return [{ event: adopted, causes: last }];
  return [
    { event: adopted, causes: last },
    { event: resumed, causes: [{ batch: 0 }, ...last] },
  ];
}

function refuseFinished(state: RunState): void {
  if (state.status !== "completed" && state.status !== "aborted") return;
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

/** Ends an unfinished run. Operations whose outcome isn't recorded forbid it (invariant 5): resume settles them first. */
export async function abortRun(
  settings: Settings,
  session: Pick<Session, "ledger" | "clock">,
  state: RunState,
  reason: string,
): Promise<RunState> {
  refuseFinished(state);
  const open = openAttempts(state);
  if (open.length > 0) {
    throw new EvoError(
      "run.busy",
      `the outcome of ${open.map(({ attempt }) => attempt.operation).join(", ")} is not recorded yet`,
      {
        exit: EXIT.awaitsPerson,
        remedy: `evo resume ${state.run} settles it; pause it with Ctrl-C, then abort`,
      },
    );
  }
  const { plan, rehearsal } = state.started;
  const holder = holderOf(settings, state.run, plan.sequence.name);
  const lease = await acquire(session, sequenceResource(plan.sequence.name, rehearsal), holder);
  const leases = holdLeases(session.ledger, lease, [], holder);
  try {
    const recorder = createRecorder(await loadRun(session.ledger, state.run), leases.all, session.ledger, {
      tell: () => undefined,
    });
    await recorder.record([
      { event: { type: "run.aborted", at: session.clock.now(), reason }, causes: [recorder.state().last] },
    ]);
    return recorder.state();
  } finally {
    await leases.release();
  }
}
