/**
 * The run's state: a fold over its ledger entries and nothing else. Crash-resume is loading the entries and folding
 * them; there is no second truth and no recovery branch (DESIGN 4).
 */
import type { Measurement } from "../gates/model.js";
import type { GateId, NodeId, Plan } from "../plan/model.js";
import type { ChangeSet, Counts, HaltCause, OperationId, RunEvent, RunId, SourceDigest } from "./events.js";

export type RunStatus = "running" | "halted" | "paused" | "completed" | "aborted";

export type AttemptOutcome =
  | {
      readonly status: "succeeded";
      readonly began: number;
      readonly ended: number;
      /** Resources per engine op. */
      readonly counts: ChangeSet["counts"];
      readonly entry: number;
    }
  | {
      readonly status: "failed" | "refused" | "cancelled" | "absent" | "locked";
      readonly ended: number;
      readonly reason: string;
      readonly entry: number;
    }
  | { readonly status: "unresolved"; readonly facts: readonly string[]; readonly entry: number };

export interface Attempt {
  readonly number: number;
  readonly operation: OperationId;
  readonly stack: string;
  readonly source: SourceDigest;
  /** Number of the entry that declared the intent. */
  readonly entry: number;
  readonly intendedAt: number;
  readonly previewed?: { readonly entry: number; readonly refusal?: string };
  readonly outcome?: AttemptOutcome;
}

/** A verdict against a gate that has been recorded; measuring may go on under `hold`. */
export interface GateVerdict {
  readonly kind: "failed" | "errored" | "inconclusive";
  readonly timedOut: boolean;
  readonly reason: string;
  readonly at: number;
  readonly entry: number;
}

export interface GateState {
  /** Entry of `gate.passed`. */
  readonly passed?: number;
  readonly verdict?: GateVerdict;
  readonly measured: { readonly [target: string]: MeasuredTarget };
}

/** What the ledger holds of a gate's target. */
export interface MeasuredTarget {
  /** Entries of `gate.measured` since its present streak of passes began. */
  readonly entries: readonly number[];
  readonly last: Measurement;
  /** When its present verdict was first seen, milliseconds since the epoch. */
  readonly since: number;
  readonly counts: Counts;
}

export interface StartedRun {
  readonly plan: Plan;
  readonly root: string;
  readonly file: string;
  readonly sources: readonly SourceDigest[];
  readonly rehearsal?: string;
  readonly parallel: number;
  readonly at: number;
  readonly entry: number;
  readonly engine: string;
}

export interface Halt {
  readonly cause: HaltCause;
  readonly node?: NodeId;
  readonly reason: string;
  readonly entry: number;
}

export interface RunState {
  readonly run: RunId;
  /** Number of entries folded so far; the ledger's expected version. */
  readonly version: number;
  readonly started: StartedRun;
  readonly status: RunStatus;
  readonly halt?:
    | undefined
    | {
        readonly cause: HaltCause;
        readonly node?: NodeId;
        readonly reason: string;
        readonly entry: number;
      };
  /** Why it was paused, while it is. */
  readonly paused?: string | undefined;
  readonly ended?: { readonly at: number; readonly entry: number };
  readonly held: { readonly [node: NodeId]: { readonly gate: GateId; readonly reason: string; readonly at: number } };
  readonly steps: { readonly [step: NodeId]: readonly Attempt[] };
  /** Entry and time of `boundary.opened`. */
  readonly opened: { readonly [node: NodeId]: { readonly entry: number; readonly at: number } };
  readonly gates: { readonly [gate: GateId]: GateState };
  /** When a person last resumed it (or it began): time-outs count from here. */
  readonly resumedAt: number;
  /** Entry of the newest `run.resumed`: failures before it may be tried again. */
  readonly resumedBy?: number;
  readonly acceptChangedCode: boolean;
  /** Number of this run's newest entry. */
  readonly last: number;
  /** The entry of the newest start, adoption or resume: the cause of what has no other. */
  readonly drivenBy: number;
}

/** An event with the number that the ledger gave it. */
export interface Numbered {
  readonly number: number;
  readonly event: RunEvent;
}

/** Folds a whole run. Errors: a first entry that is not `run.started` is a broken record. */
export function fold(run: RunId, entries: readonly Numbered[]): RunState {
  const [first, ...rest] = entries;
  if (first === undefined || first.event.type !== "run.started")
    throw new Error(`run ${run} does not begin with run.started`);
  return rest.reduce(evolve, initialState(run, first.number, first.event));
}

function initialState(run: RunId, entry: number, event: RunEvent & { type: "run.started" }): RunState {
  const { plan, root, file, sources, rehearsal, parallel, at, versions } = event;
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
    },
    status: "running",
    held: {},
    steps: {},
    opened: {},
    gates: {},
    resumedAt: at,
    acceptChangedCode: false,
    last: entry,
    drivenBy: entry,
  };
}

/** One entry further. Pure; unknown types of a newer evo are counted but change nothing. */
export function evolve(state: RunState, { number, event }: Numbered): RunState {
  return { ...state, ...change(state, number, event), version: state.version + 1, last: number };
}

function change(state: RunState, entry: number, event: RunEvent): Partial<RunState> {
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
      };
    }
    case "operation.previewed":
      return withAttempt(state, event.operation, (attempt) => ({
        ...attempt,
        previewed: { entry, ...(event.refusal === undefined ? {} : { refusal: event.refusal }) },
      }));
    case "operation.succeeded":
      return withOutcome(state, event.operation, {
        status: "succeeded",
        began: event.began,
        ended: event.ended,
        counts: event.changes.counts,
        entry,
      });
    case "operation.failed":
      return withOutcome(state, event.operation, {
        status: event.how,
        ended: event.ended,
        reason: event.reason,
        entry,
      });
    case "operation.unresolved":
      return withOutcome(state, event.operation, { status: "unresolved", facts: event.facts, entry });
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
        },
      };
    case "run.paused":
      return { status: "paused", paused: event.reason };
    case "run.resumed":
      return {
        ...resumed(state),
        resumedAt: event.at,
        resumedBy: entry,
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

/** Every gate of a plan, in plan order. */
export function gatesOf(plan: Plan) {
  return [...plan.nodes.flatMap((node) => [...node.ready, ...node.converged]), ...plan.consistent];
}

/** The newest attempt of a step. */
export function lastAttempt(state: RunState, step: NodeId): Attempt | undefined {
  return state.steps[step]?.at(-1);
}

/** Operations whose outcome is not recorded yet. */
export function openAttempts(state: RunState): readonly { readonly step: NodeId; readonly attempt: Attempt }[] {
  return Object.entries(state.steps).flatMap(([step, attempts]) =>
    attempts.filter((attempt) => attempt.outcome === undefined).map((attempt) => ({ step, attempt })),
  );
}
