/** A run's steps, groups and gates as rows, in the order of the sequence. Pure. */
import type { GroupNode, PlanNode, StepNode } from "../plan/model.js";
import { isApplied, nodeOf } from "../run/edges.js";
import { overrideBehind } from "../run/overrides.js";
import { lastAttempt, type RunState } from "../run/state.js";
import { counted, duration } from "./text.js";
import { consistencyRows, gateRows } from "./tree-gates.js";
import { elapsed } from "./tree-look.js";
import type { Mark, TreeInput, TreeRow } from "./tree-model.js";
import {
  appliedAt,
  beganAt,
  endOf,
  type GroupPhase,
  groupPhase,
  membersWith,
  type Phase,
  phaseOf,
} from "./tree-phase.js";
import { STARTS, waitOf } from "./tree-waits.js";

/** One row for each entry of the sequence, with what is below it; at the end what the whole must satisfy. */
export function rowsOf(input: TreeInput): readonly TreeRow[] {
  const roots = input.state.started.plan.nodes.filter((node) => node.parent === undefined);
  return [...roots.map((node) => nodeRow(input, node, undefined)), ...endRows(input, roots)];
}

/** `above`: what the group around it waits for, which need not be said of each member. */
function nodeRow(input: TreeInput, node: PlanNode, above: string | undefined): TreeRow {
  return node.kind === "step" ? stepRow(input, node, above) : groupRow(input, node, above);
}

// ---------------------------------------------------------------------------------------------------------- steps

const STEP_MARKS: { readonly [phase in Phase]: Mark } = {
  waiting: "waiting",
  previewing: "working",
  updating: "working",
  applied: "settling",
  converging: "settling",
  converged: "done",
  failed: "failed",
  unresolved: "unsure",
};

/** What goes first where there is no room; what goes on now, or went wrong, stays. */
const SPARE: { readonly [phase in Phase]: number } = {
  waiting: 2,
  previewing: 0,
  updating: 0,
  applied: 3,
  converging: 0,
  converged: 4,
  failed: 0,
  unresolved: 0,
};

function stepRow(input: TreeInput, step: StepNode, above: string | undefined): TreeRow {
  const phase = phaseOf(input.state, step);
  const wait = phase === "waiting" || phase === "failed" ? waitOf(input, step) : undefined;
  const held = input.state.held[step.id] !== undefined;
  return {
    kind: "node",
    mark: held ? "held" : STEP_MARKS[phase],
    name: step.id,
    text: stepText(input, step, phase, wait === above ? undefined : wait),
    ...timesOf(input, step, phase),
    spare: phase === "converged" && step.boundary !== step.id ? 5 : SPARE[phase],
    children: gateRows(input, step),
  };
}

function stepText(input: TreeInput, step: StepNode, phase: Phase, wait: string | undefined): string {
  const attempt = lastAttempt(input.state, step.id);
  const again = attempt !== undefined && attempt.number > 1 ? ` (attempt ${attempt.number})` : "";
  const outcome = attempt?.outcome;
  switch (phase) {
    case "waiting":
      return wait ?? "";
    case "previewing":
    case "updating":
      return `${engineText(input, step, phase)}${again}`;
    case "failed":
      return `${[`${outcome?.status}${again}`, wait === STARTS ? "" : wait].filter(Boolean).join(", ")}: ${reasonOf(outcome)}`;
    case "unresolved":
      return `its outcome is unknown${outcome?.status === "unresolved" ? `: ${outcome.facts[0] ?? ""}` : ""}`;
    default:
      return `${phase}${outcome?.status === "succeeded" ? `, ${counted(outcome.counts)}` : ""}${again}${signedFor(input.state, step)}`;
  }
}

function reasonOf(outcome: NonNullable<ReturnType<typeof lastAttempt>>["outcome"]): string {
  return outcome !== undefined && "reason" in outcome ? outcome.reason : "";
}

/** `; canary overridden by alice@host`: gates of the node that did not have to pass, or not everywhere. */
function signedFor(state: RunState, { ready, converged }: PlanNode): string {
  return [...ready, ...converged]
    .map((gate) => ({ gate, override: overrideBehind(state, gate) }))
    .flatMap(({ gate, override }) => (override === undefined ? [] : [`; ${gate.name} overridden by ${override.by}`]))
    .join("");
}

const DOING = { up: "updating", destroy: "destroying", refresh: "refreshing" } as const;

function engineText(input: TreeInput, step: StepNode, phase: "previewing" | "updating"): string {
  const word = phase === "previewing" ? phase : DOING[step.verb];
  const report = input.progress[lastAttempt(input.state, step.id)?.operation ?? ""];
  if (report === undefined || report.phase !== phase) return word;
  if (report.planned !== undefined && report.planned >= report.done)
    return `${word} ${report.done} of ${report.planned} resources`;
  return report.done === 0 ? word : `${word}, ${report.done} resource${report.done === 1 ? "" : "s"} so far`;
}

type Times = Pick<TreeRow, "time" | "usual" | "late">;

function timesOf(input: TreeInput, step: StepNode, phase: Phase): Times {
  const { state, usual, now } = input;
  const began = beganAt(state, step);
  const ended = endOf(lastAttempt(state, step.id));
  const update = usual.update[step.id];
  const convergence = usual.convergence[step.id];
  const total = usual.total[step.id] ?? update;
  if (began === undefined) return told(undefined, total);
  if (phase === "previewing" || phase === "updating") return running(now - began, update);
  if (phase === "converging" && ended !== undefined) return running(now - ended, convergence);
  const opened = state.opened[step.id]?.at;
  if (opened !== undefined) return told(duration(opened - began), total);
  return ended === undefined ? {} : told(duration(ended - began), update);
}

function told(time: string | undefined, usual: number | undefined): Times {
  return {
    ...(time === undefined ? {} : { time }),
    ...(usual === undefined ? {} : { usual: about(usual) }),
  };
}

/** Late: twice as long as usual, and some seconds more, since short times vary most. */
const GRACE = 5_000;

function running(milliseconds: number, usual: number | undefined): Times {
  return { ...told(elapsed(milliseconds), usual), late: usual !== undefined && milliseconds > 2 * usual + GRACE };
}

/** `~9 s`: what earlier runs needed, in whole seconds. */
export function about(usual: number): string {
  return `~${elapsed(Math.max(1_000, usual + 500))}`;
}

// --------------------------------------------------------------------------------------------------------- groups

const GROUP_MARKS: { readonly [phase in GroupPhase]: Mark } = {
  waiting: "waiting",
  working: "working",
  converging: "settling",
  converged: "done",
};

function groupRow(input: TreeInput, group: GroupNode, above: string | undefined): TreeRow {
  const { state } = input;
  const phase = groupPhase(state, group);
  const wait = phase === "waiting" ? waitOf(input, group) : undefined;
  const members = group.members.map((id) => nodeRow(input, nodeOf(state.started.plan, id), wait ?? above));
  const said = wait === above ? undefined : wait;
  return {
    kind: "node",
    mark: state.held[group.id] === undefined ? GROUP_MARKS[phase] : "held",
    name: group.id,
    text: [group.group, phase === "waiting" ? said : `${groupText(state, group, phase)}${signedFor(state, group)}`]
      .filter(Boolean)
      .join(", "),
    ...groupTimes(input, group, phase),
    spare: phase === "converged" ? 4 : phase === "waiting" ? 2 : 0,
    children: [...members.map((row) => sparing(row, SPARE_BELOW[phase])), ...gateRows(input, group)],
  };
}

/** What is below a group that has converged, or that has not begun, is needed least. */
const SPARE_BELOW: { readonly [phase in GroupPhase]: number } = { waiting: 4, working: 0, converging: 0, converged: 5 };

function sparing(row: TreeRow, least: number): TreeRow {
  return { ...row, spare: Math.max(row.spare, least), children: row.children.map((child) => sparing(child, least)) };
}

function groupText(state: RunState, group: GroupNode, phase: GroupPhase): string {
  if (phase === "converging" && group.group !== "lockstep" && group.converged.length === 0)
    return `${membersWith(group, (member) => state.opened[member] !== undefined)} converged`;
  if (phase !== "working") return phase;
  return group.group === "lockstep"
    ? `${membersWith(group, (member) => isApplied(state, member))} applied`
    : `${membersWith(group, (member) => state.opened[member] !== undefined)} converged`;
}

function groupTimes(input: TreeInput, group: GroupNode, phase: GroupPhase): Times {
  const { state, usual, now } = input;
  const began = beganAt(state, group);
  const applied = appliedAt(state, group);
  const total = usual.total[group.id];
  if (began === undefined) return told(undefined, total);
  const opened = state.opened[group.id]?.at;
  if (opened !== undefined) return told(duration(opened - began), total);
  if (phase === "converging" && applied !== undefined) return running(now - applied, usual.convergence[group.id]);
  return running(now - began, total);
}

// ------------------------------------------------------------------------------------------------------------ end

function endRows(input: TreeInput, roots: readonly PlanNode[]): readonly TreeRow[] {
  const { state } = input;
  const gates = state.started.plan.consistent;
  if (gates.length === 0) return [];
  const open = roots.every((node) => state.opened[node.id] !== undefined);
  const done = state.status === "completed";
  const names = gates.map((gate) => gate.name).join(", ");
  return [
    {
      kind: "node",
      mark: done ? "done" : state.held["sequence"] !== undefined ? "held" : open ? "settling" : "waiting",
      name: "at the end",
      text: done ? `consistent (${names})` : open ? "judged together" : names,
      spare: done ? 4 : open ? 0 : 2,
      children: open && !done ? consistencyRows(input) : [],
    },
  ];
}
