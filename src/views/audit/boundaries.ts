/**
 * Boundaries: was convergence confirmed before what follows began, and by which looks? Invariants 2 and 3, proved again
 * from the entries: a boundary rests on the passes that its entry names, a pass on looks that its entry names, and a look
 * counts only if it began after the update that it proves had ended. Pure.
 */
import type { NodeId, Plan, PlanGate, PlanNode } from "../../plan/model.js";
import { stepsIn } from "../../plan/steps.js";
import type { Entry } from "../../run/ports.js";
import { unapprovedIn } from "./approvals.js";
import { apart, evidenceOf, lacksOf } from "./evidence.js";
import type { BoundaryReport, GateReport } from "./model.js";
import { naming, ofType, type Read } from "./reading.js";
import { appliedBefore, openingBefore, overridesOf, waitsOf } from "./waits.js";

/** What stands for the run's completion among its boundaries. */
export const THE_END = "the end";

/** Every boundary in plan order, what admits steps included, and the end of the run. */
export function boundariesOf(plan: Plan, own: readonly Entry[], looks: readonly Entry[]): readonly BoundaryReport[] {
  const nodes = plan.nodes.filter((node) => node.boundary === node.id || node.ready.length > 0);
  return [...nodes.map((node) => boundaryOf(plan, own, looks, node)), ...endOf(plan, own, looks)];
}

function boundaryOf(plan: Plan, own: readonly Entry[], looks: readonly Entry[], node: PlanNode): BoundaryReport {
  const opened = openingBefore(plan, own, node.id, Number.POSITIVE_INFINITY);
  const first = firstIntent(plan, own, node.id);
  const next = nextStart(plan, own, node.id);
  const ready = node.ready.map((gate) => boundGate(plan, own, gateOf(own, looks, gate, first), gate));
  const converged = node.converged.map((gate) => gateOf(own, looks, gate, opened));
  const gates = [...ready, ...converged];
  const lacks = [
    ...(opened === undefined ? [] : lacksOfOpening(plan, own, node, opened)),
    ...gatesLack(gates),
    ...(opened === undefined ? [] : apart(passedOf(node.converged, converged), node.window)),
    ...lateFor(node, opened, next),
  ];
  const done = node.boundary === node.id ? opened : first;
  return {
    node: node.id,
    state: stateOf({ done, reached: first !== undefined, lacks, gates, signed: overridesOf(own, node.id).length > 0 }),
    gates,
    lacks,
    ...(opened === undefined ? {} : { opened: { entry: opened.number, time: opened.time } }),
    ...(next === undefined ? {} : { next: { step: next.event.step, entry: next.entry.number, time: next.entry.time } }),
  };
}

interface Standing {
  /** The entry that says that it is behind us. */
  readonly done: Entry | undefined;
  readonly reached: boolean;
  readonly lacks: readonly string[];
  readonly gates: readonly GateReport[];
  readonly signed: boolean;
}

function stateOf({ done, reached, lacks, gates, signed }: Standing): BoundaryReport["state"] {
  const judged = reached || gates.some(({ entry, against }) => entry !== undefined || against.length > 0);
  if (lacks.length > 0) return "not confirmed";
  if (done === undefined) return judged ? "not confirmed" : "not reached";
  if (signed || gates.some(({ outcome }) => outcome === "overridden")) return "overridden";
  return gates.some(({ outcome }) => outcome === "not passed") ? "not confirmed" : "confirmed";
}

/** The first start of a step that waits for the opening of this node. */
function nextStart(plan: Plan, own: readonly Entry[], node: NodeId): Read<"operation.intended"> | undefined {
  const waiting = new Set(
    plan.nodes.flatMap(({ id, kind }) =>
      kind === "step" && waitsOf(plan, id).some((wait) => wait.kind === "opened" && wait.node === node) ? [id] : [],
    ),
  );
  return ofType(own, "operation.intended").find(({ event }) => waiting.has(event.step));
}

function firstIntent(plan: Plan, own: readonly Entry[], node: NodeId): Entry | undefined {
  const steps = new Set(stepsIn(plan, node));
  return ofType(own, "operation.intended").find(({ event }) => steps.has(event.step))?.entry;
}

function lacksOfOpening(plan: Plan, own: readonly Entry[], node: PlanNode, opened: Entry): readonly string[] {
  const missing = stepsIn(plan, node.id).filter((step) => !appliedBefore(own, step, opened.number));
  return missing.map((step) => `it was opened${naming(opened.number)} although ${step} had not been applied`);
}

function gatesLack(gates: readonly GateReport[]): readonly string[] {
  return gates.flatMap(({ gate, outcome, lacks }) =>
    outcome === "passed" ? lacks.map((lack) => `${gate}: ${lack}`) : [],
  );
}

/** The gates that passed, with what they passed on. */
function passedOf(gates: readonly PlanGate[], reports: readonly GateReport[]) {
  return gates.flatMap((gate, at) => {
    const report = reports[at];
    return report?.outcome === "passed" ? [{ gate, evidence: report.evidence }] : [];
  });
}

/** What follows began first. */
function lateFor(
  { id, boundary }: PlanNode,
  opened: Entry | undefined,
  next: Read<"operation.intended"> | undefined,
): readonly string[] {
  if (next === undefined || boundary !== id) return [];
  if (opened !== undefined && opened.number < next.entry.number) return [];
  return [`${next.event.step} was started${naming(next.entry.number)} before it was confirmed`];
}

/** One gate, judged by the pass that entry `by` rests on: the opening, the first start, the completion. */
function gateOf(own: readonly Entry[], looks: readonly Entry[], gate: PlanGate, by: Entry | undefined): GateReport {
  const limit = by?.number ?? Number.POSITIVE_INFINITY;
  const passed = ofType(own, "gate.passed")
    .filter(({ entry, event }) => event.gate === gate.id && (entry.number < limit || gate.policy.dryRun))
    .at(-1);
  // Signed for one attempt: a later one of what the gate proves makes it void.
  const attempted = ofType(own, "operation.intended")
    .filter(({ entry, event }) => entry.number < limit && gate.proves.includes(event.step))
    .at(-1)?.entry.number;
  const overridden = overridesOf(own, gate.id)
    .filter((entry) => entry.number < limit && entry.number > (attempted ?? 0))
    .at(-1);
  const against = ofType(own, "gate.failed", "gate.errored", "gate.inconclusive").filter(
    ({ event }) => event.gate === gate.id,
  );
  // Where only some targets were excused the gate may have passed at the others.
  const partly = overridden?.body.targets !== undefined;
  const wins = partly || (overridden?.number ?? 0) > (passed?.entry.number ?? 0) ? overridden : undefined;
  const entry = wins ?? passed?.entry;
  return {
    gate: gate.id,
    phase: gate.phase,
    outcome: wins !== undefined ? "overridden" : gate.policy.dryRun ? "dry run" : passed ? "passed" : "not passed",
    evidence: evidenceOf(gate, looks, passed ?? against.at(-1), own),
    lacks: passed === undefined || wins !== undefined ? [] : lacksOf(gate, own, looks, passed, by),
    against: against.map((verdict) => ({
      entry: verdict.entry.number,
      time: verdict.entry.time,
      reason: verdict.event.reason,
    })),
    ...(entry === undefined ? {} : { entry: entry.number }),
  };
}

/** An approval must have been of what was done. */
function boundGate(plan: Plan, own: readonly Entry[], report: GateReport, gate: PlanGate): GateReport {
  if (report.outcome !== "passed") return report;
  return { ...report, lacks: [...report.lacks, ...unapprovedIn(plan, own, gate)] };
}

/** What must hold at the end of the run, judged by its completion. */
function endOf(plan: Plan, own: readonly Entry[], looks: readonly Entry[]): readonly BoundaryReport[] {
  if (plan.consistent.length === 0) return [];
  const done = ofType(own, "run.completed").at(-1)?.entry;
  const gates = plan.consistent.map((gate) => gateOf(own, looks, gate, done));
  const window = 2 * Math.max(...plan.consistent.map(({ policy }) => policy.interval));
  const lacks = [...gatesLack(gates), ...(done === undefined ? [] : apart(passedOf(plan.consistent, gates), window))];
  const opened = done === undefined ? {} : { opened: { entry: done.number, time: done.time } };
  const state = stateOf({ done, reached: false, lacks, gates, signed: overridesOf(own, "sequence").length > 0 });
  return [{ node: THE_END, state, gates, lacks, ...opened }];
}
