/** Gates as rows: under a boundary that is being judged, and under a node that may start once they hold. Pure. */
import { type GateAssessment, jointly } from "../gates/assess.js";
import type { PlanGate, PlanNode } from "../plan/model.js";
import { mayStart } from "../run/edges.js";
import { assess, countsFrom, isMeasurable } from "../run/gates.js";
import { isOverridden, overrideOf } from "../run/overrides.js";
import { lastAttempt, type RunState } from "../run/state.js";
import { duration } from "./text.js";
import { elapsed, RECORDED, targetRow } from "./tree-look.js";
import type { Mark, TreeInput, TreeRow } from "./tree-model.js";

/** The gates that decide about a node now; none before they can be looked at and none once its boundary is open. */
export function gateRows(input: TreeInput, node: PlanNode): readonly TreeRow[] {
  const { state } = input;
  if (state.opened[node.id] !== undefined) return [];
  const gates = startsWith(state, node) ? node.ready : node.converged.filter((gate) => isMeasurable(state, gate));
  return judged(input, gates, node.window);
}

/** Whether its `readyWhen` gates are what it waits for. */
function startsWith(state: RunState, node: PlanNode): boolean {
  const begun = node.kind === "step" ? lastAttempt(state, node.id) !== undefined : isPassed(state, node.ready);
  return !begun && mayStart(state, node.id);
}

function isPassed(state: RunState, gates: readonly PlanGate[]): boolean {
  return gates.every((gate) => state.gates[gate.id]?.passed !== undefined || isOverridden(state, gate));
}

/** The gates that are judged together at the run's end. */
export function consistencyRows(input: TreeInput): readonly TreeRow[] {
  const gates = input.state.started.plan.consistent;
  return judged(input, gates, 2 * Math.max(0, ...gates.map((gate) => gate.policy.interval)));
}

function judged(input: TreeInput, gates: readonly PlanGate[], window: number): readonly TreeRow[] {
  const verdicts = gates.map((gate) => assess(input.state, input.seen, gate, input.now));
  const holding = verdicts.filter((verdict) => !verdict.dryRun).every(({ status }) => status === "converged");
  const apart =
    holding && !jointly(verdicts, window) ? `hold, but not yet within one window of ${duration(window)}` : undefined;
  return gates.map((gate, at) => gateRow(input, gate, verdicts[at] as GateAssessment, apart));
}

/** A gate of one target is one row. */
function gateRow(input: TreeInput, gate: PlanGate, assessment: GateAssessment, apart: string | undefined): TreeRow {
  const { state, now } = input;
  const targets = gate.targets.map(({ name }) => excused(state, gate, targetRow(input, gate, name)));
  const [only] = targets;
  const passed = state.gates[gate.id]?.passed !== undefined;
  const said = passed ? "passed" : (verdictOf(input, gate) ?? apart);
  if (only !== undefined && targets.length === 1) {
    const text = `${only.name}: ${only.text}${said === undefined || passed ? "" : ` (${said})`}`;
    return { ...only, kind: "gate", name: gate.name, text, mark: passed ? "done" : only.mark };
  }
  const deadline = deadlineOf(input, gate);
  return {
    kind: "gate",
    mark: passed ? "done" : markOf(state, gate),
    name: gate.name,
    text:
      said ??
      [progressOf(assessment, targets), isRecorded(targets) ? undefined : deadline]
        .filter((part) => part !== undefined)
        .join(", "),
    ...(passed ? {} : { time: elapsed(now - countsFrom(state, gate)) }),
    spare: passed ? 4 : 1,
    children: passed ? [] : targets,
  };
}

/** A target that somebody signed for holds nothing back, whatever is seen there. */
function excused(state: RunState, gate: PlanGate, row: TreeRow): TreeRow {
  const override = overrideOf(state, gate);
  return override?.targets?.includes(row.name) === true
    ? { ...row, mark: "none", text: `${row.text}; overridden by ${override.by}` }
    : row;
}

function markOf(state: RunState, gate: PlanGate): Mark {
  const verdict = state.gates[gate.id]?.verdict;
  if (verdict === undefined) return "none";
  return isHeld(state, gate) ? "held" : "failed";
}

/** It holds a boundary back and is measured on; a lockstep group is held by gates of its members, too. */
function isHeld({ held }: RunState, gate: PlanGate): boolean {
  return Object.values(held).some((hold) => hold.gate === gate.id);
}

/** What has been recorded against it, or signed instead of it. */
function verdictOf({ state, driver }: TreeInput, gate: PlanGate): string | undefined {
  if (isOverridden(state, gate)) return `overridden by ${overrideOf(state, gate)?.by}`;
  const verdict = state.gates[gate.id]?.verdict;
  if (verdict === undefined) return undefined;
  const what = verdict.timedOut ? "timed out" : verdict.kind;
  return isHeld(state, gate) && driver !== null ? `${what}, still measuring` : what;
}

function isRecorded(rows: readonly TreeRow[]): boolean {
  return rows.some(({ meter }) => meter === RECORDED);
}

/** What is only known from the record is no verdict of now. */
function progressOf({ converged, needed, targets, dryRun }: GateAssessment, rows: readonly TreeRow[]): string {
  const recorded = isRecorded(rows);
  const few = needed < targets.length ? `, ${needed} needed` : "";
  const passing = rows.filter(({ mark }) => mark === "working").length;
  const count = recorded
    ? `${passing} of ${targets.length} passed when last recorded`
    : `${converged} of ${targets.length} targets`;
  return `${dryRun ? "dry run: " : ""}${count}${few}`;
}

/** Nothing is said of a time-out while nobody judges by it. */
function deadlineOf({ state, now }: TreeInput, gate: PlanGate): string | undefined {
  const left = countsFrom(state, gate) + gate.policy.timeout - now;
  if (state.status !== "running" || !Number.isFinite(left) || left <= 0) return undefined;
  return `${elapsed(left)} left`;
}
