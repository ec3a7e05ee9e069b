/** A run's state as a person or a program wants to see it. Pure: the state and the time in, data out. */
import type { Json } from "../gates/model.js";
import type { NodeId, PlanGate, StepNode } from "../plan/model.js";
import { mayStart, stepsOf } from "../run/edges.js";
import type { HaltCause } from "../run/events.js";
import { isMeasurable } from "../run/gates.js";
import { isOverridden, judgedGate } from "../run/overrides.js";
import { gatesOf, isOver, lastAttempt, type RunState, type RunStatus } from "../run/state.js";
import { describePutBack, type PutBack, putBackOf } from "./put-back.js";
import { clockTime, counted, duration, shown, table, wrap } from "./text.js";
import { type Ask, asksOf, describeWords, overridesOf, type SignedOverride } from "./words.js";

/** A target that a boundary still waits for. Times are milliseconds since the epoch. */
export interface MissingSignal {
  readonly gate: string;
  readonly target: string;
  readonly observed: Json;
  readonly expected: Json;
  readonly verdict: string;
  readonly message?: string;
  readonly since?: number;
  readonly looks: number;
  readonly owner: NodeId | "sequence";
}

export type StepStatus = "waiting" | "previewing" | "updating" | "converging" | "converged" | "failed" | "unresolved";

export interface StepView {
  readonly step: NodeId;
  readonly verb: string;
  readonly dir: string;
  readonly stack: string;
  /** The recorded state that it is put to. */
  readonly asOf?: PutBack;
  readonly status: StepStatus;
  readonly attempts: number;
  readonly changes?: { readonly [op: string]: number };
  /** Milliseconds of the newest update. */
  readonly took?: number;
  /** Milliseconds from the update's end to the opening of its boundary. */
  readonly convergedAfter?: number;
  readonly reason?: string;
}

export interface RunView {
  readonly run: string;
  readonly sequence: string;
  readonly owner?: string;
  readonly rehearsal?: string;
  readonly status: RunStatus | "held";
  readonly started: number;
  readonly ended?: number;
  /** Why it was paused, while it is. */
  readonly paused?: string;
  readonly halt?: { readonly cause: HaltCause; readonly node?: NodeId; readonly reason: string };
  readonly steps: readonly StepView[];
  readonly missing: readonly MissingSignal[];
  /** Gates that wait for somebody's word. */
  readonly asks: readonly Ask[];
  /** What somebody has signed to go on without. */
  readonly overrides: readonly SignedOverride[];
  /** What to do next, as commands. */
  readonly next: readonly string[];
}

/** Everything there is to say about a run. */
export function viewRun(state: RunState): RunView {
  const { plan, rehearsal, at } = state.started;
  const held = state.status === "running" && Object.keys(state.held).length > 0;
  return {
    run: state.run,
    sequence: plan.sequence.name,
    status: held ? "held" : state.status,
    started: at,
    steps: stepsOf(plan).map((step) => viewStep(state, step)),
    missing: missingSignals(state),
    asks: isOver(state) ? [] : asksOf(state),
    overrides: overridesOf(state),
    next: nextCommands(state),
    ...(plan.sequence.owner === undefined ? {} : { owner: plan.sequence.owner }),
    ...(rehearsal === undefined ? {} : { rehearsal }),
    ...(state.ended === undefined ? {} : { ended: state.ended.at }),
    ...(state.halt === undefined ? {} : { halt: haltOf(state.halt) }),
    ...(state.paused === undefined ? {} : { paused: state.paused }),
  };
}

function haltOf({ cause, node, reason }: NonNullable<RunState["halt"]>) {
  return { cause, reason, ...(node === undefined ? {} : { node }) };
}

function viewStep(state: RunState, step: StepNode): StepView {
  const attempt = lastAttempt(state, step.id);
  const outcome = attempt?.outcome;
  const opened = state.opened[step.boundary];
  const asOf = putBackOf(step);
  return {
    step: step.id,
    verb: step.verb,
    dir: step.stack.dir,
    stack: step.stack.stack,
    ...(asOf === undefined ? {} : { asOf }),
    status: statusOf(state, step),
    attempts: state.steps[step.id]?.length ?? 0,
    ...(outcome?.status === "succeeded" ? { changes: outcome.counts, took: outcome.ended - outcome.began } : {}),
    ...(outcome?.status === "succeeded" && opened !== undefined
      ? { convergedAfter: Math.max(0, opened.at - outcome.ended) }
      : {}),
    ...(outcome !== undefined && "reason" in outcome ? { reason: outcome.reason } : {}),
    ...(outcome?.status === "unresolved" ? { reason: outcome.facts.join("; ") } : {}),
  };
}

function statusOf(state: RunState, step: StepNode): StepStatus {
  const attempt = lastAttempt(state, step.id);
  if (attempt === undefined) return "waiting";
  if (attempt.outcome === undefined) return attempt.previewed === undefined ? "previewing" : "updating";
  if (attempt.outcome.status === "unresolved") return "unresolved";
  if (attempt.outcome.status !== "succeeded") return "failed";
  return state.opened[step.boundary] === undefined ? "converging" : "converged";
}

/** Targets of gates that could be looked at, have not passed, and have not been seen to pass last. */
export function missingSignals(state: RunState): readonly MissingSignal[] {
  return gatesOf(state.started.plan)
    .filter((gate) => isAwaited(state, gate))
    .flatMap((gate) => judgedGate(state, gate).targets.flatMap(({ name }) => missingSignal(state, gate, name)));
}

/** Whether a gate could be looked at and holds something back that has not passed yet. */
export function isAwaited(state: RunState, gate: PlanGate): boolean {
  if (gate.policy.dryRun || state.gates[gate.id]?.passed !== undefined || isOverridden(state, gate)) return false;
  if (gate.phase === "converged") return isMeasurable(state, gate);
  const seen = state.gates[gate.id] !== undefined;
  return (
    seen ||
    (gate.declaredOn !== "sequence" &&
      mayStart(state, gate.declaredOn) &&
      lastAttempt(state, gate.declaredOn) === undefined)
  );
}

function missingSignal(state: RunState, gate: PlanGate, target: string): readonly MissingSignal[] {
  const measured = state.gates[gate.id]?.measured[target];
  if (measured?.last.verdict === "pass") return [];
  const { pass, fail, inconclusive, error } = measured?.counts ?? { pass: 0, fail: 0, inconclusive: 0, error: 0 };
  const common = { gate: gate.name, target, owner: gate.declaredOn, looks: pass + fail + inconclusive + error };
  if (measured === undefined) return [{ ...common, observed: null, expected: null, verdict: "not looked at yet" }];
  const { observed, expected, verdict, message } = measured.last;
  return [
    { ...common, observed, expected, verdict, since: measured.since, ...(message === undefined ? {} : { message }) },
  ];
}

function nextCommands(state: RunState): readonly string[] {
  if (isOver(state)) return [`evo ledger log --run ${state.run}`];
  if (state.status === "running") return [`evo status ${state.run}`];
  const unresolved = Object.values(state.steps).flatMap((attempts) =>
    attempts.filter(({ outcome }) => outcome?.status === "unresolved"),
  );
  const settle = unresolved.map(({ operation }) => `evo settle ${operation} --as succeeded|failed --reason "..."`);
  const answered = state.recovery === undefined ? [] : [`evo status ${state.recovery.run}`];
  return [...settle, ...answered, `evo resume ${state.run}`, `evo abort ${state.run} --reason "..."`];
}

// ----------------------------------------------------------------------------------------------------------- text

/** The final table, and what `evo status` prints. */
export function describeRun(view: RunView, now: number, width: number): readonly string[] {
  return [
    ...describeSteps(view, now, width),
    ...putBack(view).flatMap((line) => wrap(line, width, "    ")),
    ...failures(view).flatMap((line) => wrap(line, width, "    ")),
    ...(view.missing.length === 0 ? [] : ["", "missing signals:"]),
    ...view.missing.flatMap((signal) => wrap(`  ${describeMissing(signal, now)}`, width, "    ")),
    ...words(view).flatMap((line) => wrap(line, width, "      ")),
    ...(view.paused === undefined ? [] : ["", ...wrap(`paused: ${view.paused}`, width, "  ")]),
    ...(view.halt === undefined ? [] : ["", ...haltLines(view.halt).flatMap((line) => wrap(line, width, "  "))]),
    ...(view.next.length === 0 ? [] : ["", ...view.next.map((command) => `  ${command}`)]),
  ];
}

function words({ asks, overrides }: RunView): readonly string[] {
  const lines = describeWords(asks, overrides);
  return lines.length === 0 ? [] : ["", ...lines];
}

/** Which run, how it stands, and a row for each step. */
function describeSteps(view: RunView, now: number, width: number): readonly string[] {
  const took = duration((view.ended ?? now) - view.started);
  return [
    `${view.run}  ${view.status}  ${took}`,
    ...(view.rehearsal === undefined ? [] : [`rehearsal in world ${view.rehearsal}`]),
    "",
    ...table([["STEP", "STATE", "CHANGES", "TOOK", "CONVERGED AFTER"], ...view.steps.map(stepRow)], width),
  ];
}

function putBack({ steps }: RunView): readonly string[] {
  const lines = steps.flatMap(({ step, asOf }) => (asOf === undefined ? [] : [`  ${step}: ${describePutBack(asOf)}`]));
  return lines.length === 0 ? [] : ["", ...lines];
}

/** Why steps have failed, where the halt doesn't say it. */
function failures(view: RunView): readonly string[] {
  const lines = view.steps.flatMap(({ step, reason }) =>
    reason === undefined || reason === view.halt?.reason ? [] : below(`  ${step}: ${reason}`, "    "),
  );
  return lines.length === 0 ? [] : ["", ...lines];
}

function haltLines({ cause, node, reason }: NonNullable<RunView["halt"]>): readonly string[] {
  return below(`halted (${cause})${node === undefined ? "" : ` at ${node}`}: ${reason}`, "  ");
}

/** What an engine says has lines of its own. */
function below(text: string, indent: string): readonly string[] {
  const [first = "", ...others] = text.split("\n");
  return [first, ...others.map((line) => indent + line)];
}

function stepRow(step: StepView): readonly string[] {
  return [
    step.step,
    step.attempts > 1 ? `${step.status} (attempt ${step.attempts})` : step.status,
    step.changes === undefined ? "-" : counted(step.changes),
    step.took === undefined ? "-" : duration(step.took),
    step.convergedAfter === undefined ? "-" : duration(step.convergedAfter),
  ];
}

/** `eu-west-1 (canary): 403, expected 200, since 14:03:07 (12 s), 40 looks`. */
export function describeMissing(signal: MissingSignal, now: number): string {
  const where = `${signal.target} (${signal.owner}: ${signal.gate})`;
  if (signal.since === undefined) return `${where}: ${signal.verdict}`;
  const what =
    signal.verdict === "fail"
      ? `${shown(signal.observed)}, expected ${shown(signal.expected)}`
      : `${signal.verdict}: ${signal.message ?? shown(signal.observed)}`;
  return `${where}: ${what}, since ${clockTime(signal.since)} (${duration(now - signal.since)}), ${signal.looks} ${signal.looks === 1 ? "look" : "looks"} recorded`;
}
