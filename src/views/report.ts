/**
 * The report of a run: everything that somebody who was not there asks first. Made from the ledger's state alone, which
 * holds no secret (invariant 11); an error's text comes redacted. Pure.
 */
import type { PlanGate } from "../plan/model.js";
import { type Attempt, type GateState, gatesOf, type MeasuredTarget, type RunState } from "../run/state.js";
import { REPORT_SCHEMA, type Report, type ReportGate, type ReportStep } from "./report-schema.js";
import { type MissingSignal, type RunView, type StepView, viewRun } from "./status.js";
import type { Ask, SignedOverride } from "./words.js";

/** What the run's state does not say. */
export interface ReportFacts {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly exit: number;
  readonly by: Report["by"];
  /** The evo that writes it. */
  readonly evo: string;
  /** The run's newest entry. */
  readonly head: Report["ledger"];
  readonly error?: Report["error"];
}

/** Where a run stands, and how it came there. */
export function reportOf(state: RunState, { now, exit, by, evo, head, error }: ReportFacts): Report {
  const view = viewRun(state);
  const { plan, at, engine, rehearsal } = state.started;
  const { owner } = plan.sequence;
  return {
    schema: REPORT_SCHEMA,
    run: state.run,
    sequence: { name: plan.sequence.name, digest: plan.sequence.digest, ...(owner === undefined ? {} : { owner }) },
    plan: plan.digest,
    status: view.status,
    exit,
    startedAt: iso(at),
    reportedAt: iso(now),
    by,
    versions: { evo, engine },
    ledger: head,
    steps: inActualOrder(state, view.steps).map((step) => reportStep(step, state.steps[step.step] ?? [])),
    gates: gatesOf(plan).map((gate) => reportGate(state, gate)),
    missing: view.missing.map(reportMissing),
    asks: view.asks.map(reportAsk),
    overrides: view.overrides.map(reportOverride),
    next: [...view.next],
    ...(rehearsal === undefined ? {} : { rehearsal }),
    ...endOf(view),
    ...(error === undefined ? {} : { error }),
  };
}

function endOf({ ended, halt, paused }: RunView): Pick<Report, "endedAt" | "halt" | "paused"> {
  return {
    ...(ended === undefined ? {} : { endedAt: iso(ended) }),
    ...(halt === undefined ? {} : { halt }),
    ...(paused === undefined ? {} : { paused }),
  };
}

/** By the entries that declared their first intents; what has none keeps the plan's order, behind the others. */
function inActualOrder(state: RunState, steps: readonly StepView[]): readonly StepView[] {
  const begun = ({ step }: StepView) => state.steps[step]?.[0]?.entry ?? Number.MAX_SAFE_INTEGER;
  return [...steps].sort((a, b) => begun(a) - begun(b));
}

function reportStep(view: StepView, attempts: readonly Attempt[]): ReportStep {
  const { attempts: _, verb, changes, ...rest } = view;
  return {
    ...rest,
    verb: verb as ReportStep["verb"],
    attempts: attempts.map(reportAttempt),
    ...(changes === undefined ? {} : { changes: { ...changes } }),
  };
}

function reportAttempt({ number, operation, entry, intendedAt, outcome }: Attempt): ReportStep["attempts"][number] {
  const status = outcome?.status ?? "running";
  const common = { number, operation, entry, intendedAt: iso(intendedAt), status } as const;
  if (outcome === undefined) return common;
  if (outcome.status === "unresolved") return { ...common, reason: outcome.facts.join("; ") };
  if (outcome.status !== "succeeded") return { ...common, endedAt: iso(outcome.ended), reason: outcome.reason };
  const { began, ended, counts } = outcome;
  return {
    ...common,
    beganAt: iso(began),
    endedAt: iso(ended),
    took: Math.max(0, ended - began),
    changes: { ...counts },
  };
}

function reportGate(state: RunState, gate: PlanGate): ReportGate {
  const known: GateState = state.gates[gate.id] ?? { measured: {} };
  const { verdict, measured } = known;
  return {
    gate: gate.id,
    name: gate.name,
    phase: gate.phase,
    declaredOn: gate.declaredOn,
    dryRun: gate.policy.dryRun,
    status: gateStatus(known),
    targets: gate.targets.map(({ name }) => reportTarget(name, measured[name])),
    ...(verdict === undefined ? {} : { reason: verdict.reason }),
  };
}

function gateStatus({ passed, verdict, measured }: GateState): ReportGate["status"] {
  if (passed !== undefined) return "passed";
  if (verdict !== undefined) return verdict.timedOut ? "timed-out" : verdict.kind;
  return Object.keys(measured).length > 0 ? "measuring" : "waiting";
}

function reportTarget(target: string, measured: MeasuredTarget | undefined): ReportGate["targets"][number] {
  if (measured === undefined) return { target, looks: 0 };
  const { pass, fail, inconclusive, error } = measured.counts;
  const { verdict, observed, expected, message } = measured.last;
  return {
    target,
    verdict,
    observed: plain(observed),
    expected: plain(expected),
    since: iso(measured.since),
    looks: pass + fail + inconclusive + error,
    ...(message === undefined ? {} : { message }),
  };
}

function reportMissing({ gate, target, owner, verdict, observed, expected, message, since }: MissingSignal) {
  return {
    gate,
    declaredOn: owner,
    target,
    verdict,
    observed: plain(observed),
    expected: plain(expected),
    ...(message === undefined ? {} : { message }),
    ...(since === undefined ? {} : { since: iso(since) }),
  };
}

/** The same, with lists that may be written to, as zod's types have them. */
function reportAsk({ by, request, ...ask }: Ask): Report["asks"][number] {
  const steps = request?.steps.map(({ step, changes, resources }) => ({
    step,
    changes: { ...changes },
    resources: [...resources],
  }));
  const shown = request === undefined || steps === undefined ? {} : { request: { entry: request.entry, steps } };
  return { ...ask, by: [...by], ...shown };
}

function reportOverride({ targets, at, entries, ...rest }: SignedOverride): Report["overrides"][number] {
  const only = targets === undefined ? {} : { targets: [...targets] };
  return { ...rest, at: iso(at), entries: [...entries], ...only };
}

type PlainJson = Report["missing"][number]["observed"];

/** zod's JSON type has no readonly arrays. */
function plain(value: MissingSignal["observed"]): PlainJson {
  return value as PlainJson;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
