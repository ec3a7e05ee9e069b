/**
 * The fold: a run's state is what its ledger entries make of it and nothing else. Crash-resume is loading the entries and
 * folding them; there is no second truth and no recovery branch (DESIGN 4).
 */
import type { GateId, NodeId } from "../plan/model.js";
import type { OperationId, RunEvent, RunId } from "./events.js";
import type { Actor } from "./ports.js";
import {
  type Attempt,
  type AttemptOutcome,
  type GateState,
  gatesOf,
  type MeasuredTarget,
  type RunState,
} from "./state.js";
import { heard, outdated, requestsAfter, requestsAfterResume } from "./words.js";

/** An event with the number that the ledger gave it, and who recorded it. */
export interface Numbered {
  readonly number: number;
  readonly event: RunEvent;
  readonly actor?: Actor;
}

/** Folds a whole run. Errors: a first entry that is not `run.started` is a broken record. */
export function fold(run: RunId, entries: readonly Numbered[]): RunState {
  const [first, ...rest] = entries;
  if (first === undefined || first.event.type !== "run.started")
    throw new Error(`run ${run} does not begin with run.started`);
  return rest.reduce(evolve, initialState(run, first.number, first.event));
}

function initialState(run: RunId, entry: number, event: RunEvent & { type: "run.started" }): RunState {
  const { plan, root, file, sources, rehearsal, answers, parallel, at, versions } = event;
  return {
    run,
    version: 1,
    started: {
      plan,
      root,
      file,
      sources,
      parallel,
      at,
      entry,
      engine: versions.engine,
      ...(rehearsal === undefined ? {} : { rehearsal }),
      ...(answers === undefined ? {} : { answers }),
    },
    status: "running",
    held: {},
    steps: {},
    opened: {},
    gates: {},
    words: [],
    requests: {},
    overrides: {},
    resumedAt: at,
    acceptChangedCode: false,
    last: entry,
    drivenBy: entry,
  };
}

/** One entry further. Pure; unknown types of a newer evo are counted but change nothing. */
export function evolve(state: RunState, { number, event, actor }: Numbered): RunState {
  return { ...state, ...change(state, number, event, actor), version: state.version + 1, last: number };
}

function change(state: RunState, entry: number, event: RunEvent, actor: Actor | undefined): Partial<RunState> {
  switch (event.type) {
    case "run.adopted":
      return { drivenBy: entry };
    case "operation.intended": {
      const { operation, stack, source, attempt, at, step } = event;
      const attempts = state.steps[step] ?? [];
      return {
        steps: {
          ...state.steps,
          [step]: [...attempts, { number: attempt, operation, stack, source, entry, intendedAt: at }],
        },
        gates: forgetVerdicts(state, step),
        opened: closeAround(state, step),
      };
    }
    case "operation.previewed": {
      const { refusal, checkpoint } = event;
      const told = {
        ...(refusal === undefined ? {} : { refusal }),
        ...(checkpoint === undefined ? {} : { checkpoint }),
      };
      return withAttempt(state, event.operation, (attempt) => ({ ...attempt, previewed: { entry, ...told } }));
    }
    case "operation.succeeded":
      return {
        ...withOutcome(state, event.operation, {
          status: "succeeded",
          began: event.began,
          ended: event.ended,
          counts: event.changes.counts,
          entry,
        }),
        requests: requestsAfter(state, event),
      };
    case "operation.failed":
      return {
        ...withOutcome(state, event.operation, {
          status: event.how,
          ended: event.ended,
          reason: event.reason,
          entry,
        }),
        requests: requestsAfter(state, event),
      };
    case "operation.unresolved":
      return withOutcome(state, event.operation, { status: "unresolved", facts: event.facts, entry });
    case "operation.settled":
      return {
        ...withAttempt(state, event.operation, (attempt) => settled(attempt, entry, event)),
        requests: requestsAfter(state, event),
      };
    case "gate.measured":
      return withGate(state, event.gate, (gate) => ({
        ...gate,
        measured: { ...gate.measured, [event.target]: measuredNow(gate, entry, event) },
      }));
    case "gate.passed":
      return {
        ...withGate(state, event.gate, (gate) => ({ measured: gate.measured, passed: entry })),
        held: release(state, event.gate),
      };
    case "gate.failed":
    case "gate.errored":
    case "gate.inconclusive": {
      const kind = event.type === "gate.failed" ? "failed" : event.type === "gate.errored" ? "errored" : "inconclusive";
      const verdict = { kind, timedOut: event.timedOut, reason: event.reason, at: event.at, entry } as const;
      return withGate(state, event.gate, (gate) => ({ ...gate, verdict }));
    }
    case "acknowledgment.received":
    case "approval.requested":
    case "approval.given":
    case "approval.rejected":
      return heard(state, entry, event, actor);
    case "gate.overridden":
      return {
        ...heard(state, entry, event, actor),
        // It is to be judged anew, if at all: the override answers what was said against it.
        ...withGate(state, event.gate, ({ verdict: _, ...gate }) => gate),
        held: release(state, event.gate),
      };
    case "boundary.opened":
      return { opened: { ...state.opened, [event.node]: { entry, at: event.at } } };
    case "run.held":
      return { held: { ...state.held, [event.node]: { gate: event.gate, reason: event.reason, at: event.at } } };
    case "run.halted":
      return {
        status: "halted",
        halt: {
          cause: event.cause,
          reason: event.reason,
          entry,
          ...(event.node === undefined ? {} : { node: event.node }),
          ...(event.recovery === undefined ? {} : { recovery: event.recovery }),
        },
        ...(event.cause === "approval-outdated" && event.node !== undefined ? outdated(state, event.node) : {}),
      };
    case "recovery.started":
      return { recovery: { run: event.recovery, sequence: event.sequence, entry } };
    case "run.recovered":
      return { status: "recovered", ended: { at: event.at, entry } };
    case "run.paused":
      return { status: "paused", paused: event.reason };
    case "run.resumed":
      return {
        ...resumed(state),
        requests: requestsAfterResume(state),
        resumedAt: event.at,
        resumedBy: entry,
        retrying: event.steps,
        drivenBy: entry,
        acceptChangedCode: state.acceptChangedCode || event.acceptChangedCode,
      };
    case "run.completed":
      return { status: "completed", ended: { at: event.at, entry } };
    case "run.aborted":
      return { status: "aborted", ended: { at: event.at, entry } };
    case "run.started":
      throw new Error(`run ${state.run} was started twice (entry ${entry})`);
    default:
      return {};
  }
}

/** What is known already is never settled again. Evidence for it must be begun after the word was given. */
function settled(attempt: Attempt, entry: number, event: RunEvent & { type: "operation.settled" }): Attempt {
  if (attempt.outcome?.status !== "unresolved") return attempt;
  const { as, at, reason } = event;
  const outcome: AttemptOutcome =
    as === "failed"
      ? { status: "failed", ended: at, reason, entry }
      : { status: "succeeded", began: attempt.intendedAt, ended: at, counts: {}, entry };
  return { ...attempt, outcome };
}

/** A person resumed: what halted it is to be judged anew, from the resume on. */
function resumed(state: RunState): Partial<RunState> {
  const gates = Object.fromEntries(Object.entries(state.gates).map(([id, { verdict: _, ...gate }]) => [id, gate]));
  return { status: "running", halt: undefined, paused: undefined, held: {}, gates };
}

/** A new attempt makes earlier verdicts on the gates that prove this step void. */
function forgetVerdicts(state: RunState, step: NodeId): RunState["gates"] {
  const proving = new Set(
    gatesOf(state.started.plan)
      .filter((gate) => gate.proves.includes(step))
      .map((gate) => gate.id),
  );
  return Object.fromEntries(
    Object.entries(state.gates).map(([id, gate]) => [id, proving.has(id) ? { measured: gate.measured } : gate]),
  );
}

/**
 * A group's gate may ask for another attempt of a step that had converged: until it has converged again, its boundary,
 * those of the groups around it and those that came after are not open (invariants 2 and 3), and its stack is in use
 * (invariant 4).
 */
function closeAround(state: RunState, step: NodeId): RunState["opened"] {
  const { nodes, edges } = state.started.plan;
  const closed = new Set<NodeId>();
  for (let id: NodeId | undefined = step; id !== undefined; id = nodes.find((node) => node.id === id)?.parent)
    closed.add(id);
  // A set is walked on over what is added meanwhile.
  for (const id of closed)
    for (const edge of edges)
      if (edge.from === id && edge.is === "opened" && edge.before === "start") closed.add(edge.to);
  return Object.fromEntries(Object.entries(state.opened).filter(([id]) => !closed.has(id)));
}

function measuredNow(gate: GateState, entry: number, event: RunEvent & { type: "gate.measured" }): MeasuredTarget {
  const before = gate.measured[event.target];
  const [first] = event.measurements;
  const last = event.measurements.at(-1);
  if (first === undefined || last === undefined) throw new Error(`entry ${entry} carries no measurement`);
  const continues =
    before?.last.verdict === last.verdict && event.measurements.every((look) => look.verdict === last.verdict);
  const streak = last.verdict !== "pass" ? [] : [...(continues ? before.entries : []), entry];
  return { entries: streak, last, since: continues ? before.since : first.began, counts: event.counts };
}

function withGate(state: RunState, id: GateId, update: (gate: GateState) => GateState): Partial<RunState> {
  return { gates: { ...state.gates, [id]: update(state.gates[id] ?? { measured: {} }) } };
}

function release(state: RunState, gate: GateId): RunState["held"] {
  return Object.fromEntries(Object.entries(state.held).filter(([, held]) => held.gate !== gate));
}

function withOutcome(state: RunState, operation: OperationId, outcome: AttemptOutcome): Partial<RunState> {
  return withAttempt(state, operation, (attempt) => ({ ...attempt, outcome }));
}

function withAttempt(
  state: RunState,
  operation: OperationId,
  update: (attempt: Attempt) => Attempt,
): Partial<RunState> {
  const steps = Object.entries(state.steps).map(([step, attempts]) => [
    step,
    attempts.map((attempt) => (attempt.operation === operation ? update(attempt) : attempt)),
  ]);
  return { steps: Object.fromEntries(steps) };
}
