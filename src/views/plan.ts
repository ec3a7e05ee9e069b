/** A plan as lines of text for a person at 80 columns: order, what each entry waits for, gates with their policy, stacks. */
import type { GatePolicy, ProbeSpec, Value } from "../gates/model.js";
import type { GroupKind, GroupNode, NodeId, Plan, PlanGate, PlanNode, StepNode } from "../plan/model.js";
import { showDuration } from "../sequence/duration.js";
import { describePutBack, putBackOf } from "./put-back.js";
import { wrap as wrapAt } from "./text.js";

const WIDTH = 80;

/** More lines on a step, by its name; a line that begins with blanks belongs to the one before. */
export type Beside = ReadonlyMap<NodeId, readonly string[]>;

/** The lines of `evo plan`, without a line end. Values that are looked up at the moment of use show as references. */
export function describePlan(plan: Plan, beside: Beside = new Map()): readonly string[] {
  const roots = plan.nodes.filter((node) => node.parent === undefined);
  const steps = plan.nodes.filter((node) => node.kind === "step");
  const gates = [...plan.nodes.flatMap((node) => [...node.ready, ...node.converged]), ...plan.consistent];
  const owner = plan.sequence.owner === undefined ? "" : `, owned by ${plan.sequence.owner}`;
  return [
    ...wrap(`${plan.sequence.name}${owner}: ${amount(steps.length, "step")}, ${amount(gates.length, "gate")}`, ""),
    `plan ${plan.digest.slice(0, 12)}, sequence ${plan.sequence.digest.slice(0, 12)}`,
    "",
    ...roots.flatMap((node, at) => entryLines({ plan, beside }, node, `${at + 1}.`, "")),
    ...atTheEnd(plan),
  ];
}

function atTheEnd(plan: Plan): readonly string[] {
  if (plan.consistent.length === 0) return [];
  return [
    "at the end of the run, consistent when all hold at once:",
    ...plan.consistent.flatMap((gate) => gateLines(gate, "   ")),
  ];
}

// -------------------------------------------------------------------------------------------------------- entries

interface Shown {
  readonly plan: Plan;
  readonly beside: Beside;
}

function entryLines(all: Shown, node: PlanNode, label: string, indent: string): readonly string[] {
  const { plan, beside } = all;
  const inner = `${indent}${" ".repeat(label.length + 1)}`;
  const head = node.kind === "step" ? stepHead(node) : groupHead(node);
  const members = node.kind === "group" ? node.members.map((id) => find(plan, id)) : [];
  const serial = node.kind === "group" && node.group === "serial";
  return [
    ...wrap(`${indent}${label} ${head}`, inner),
    ...(node.kind === "step" ? stepDetails(node).flatMap((line) => wrap(`${inner}${line}`, `${inner}  `)) : []),
    ...(beside.get(node.id) ?? []).flatMap((line) => wrap(`${inner}${line}`, `${inner}    `)),
    ...waitLines(plan, node, inner),
    ...node.ready.flatMap((gate, at) => [
      ...(at === 0 ? [`${inner}ready when:`] : []),
      ...gateLines(gate, `${inner}  `),
    ]),
    ...members.flatMap((member, at) => entryLines(all, member, serial ? `${at + 1}.` : "-", inner)),
    ...boundaryLines(node, inner),
    ...(node.parent === undefined ? [""] : []),
  ];
}

function find(plan: Plan, id: NodeId): PlanNode {
  const node = plan.nodes.find((candidate) => candidate.id === id);
  if (node === undefined) throw new Error(`the plan has no node ${id}`);
  return node;
}

function stepHead(step: StepNode): string {
  return `${step.verb} ${step.id}  (${step.stack.dir}, stack ${step.stack.stack})`;
}

const MEANING: { readonly [kind in GroupKind]: string } = {
  independent: "members advance without waiting for each other",
  lockstep: "members are one boundary",
  serial: "one after the other",
};

function groupHead(group: GroupNode): string {
  return `${group.group} ${group.id}: ${MEANING[group.group]}`;
}

function stepDetails(step: StepNode): readonly string[] {
  const { options, onFailure, retry, earlier } = step;
  const { config, secretConfig, env, ...flags } = options;
  const set = Object.entries({ config, "secret config": secretConfig, env }).flatMap(([what, values]) =>
    values === undefined ? [] : [`${what}: ${Object.keys(values).join(", ")}`],
  );
  const passed = Object.entries(flags).map(
    ([flag, value]) => `${flag}: ${Array.isArray(value) ? value.join(", ") : value}`,
  );
  const rule = onFailure === "halt" ? [] : [`on failure: ${onFailure}`];
  const tries = retry === undefined ? [] : [`attempts: ${retry.attempts}, ${showDuration(retry.backoff)} apart`];
  const state = putBackOf(step);
  const back = state === undefined ? [] : [`${describePutBack(state)}, of ${earlier?.time.slice(0, 19)}Z`];
  return [...back, ...set, ...passed, ...rule, ...tries];
}

// ---------------------------------------------------------------------------------------------------------- waits

function waitLines(plan: Plan, node: PlanNode, indent: string): readonly string[] {
  const after = plan.edges.filter((edge) => edge.to === node.id && edge.before === "start" && edge.is === "opened");
  const names = after.map((edge) => edge.from);
  return names.length === 0 ? [] : wrap(`${indent}starts after ${names.join(", ")} has converged`, `${indent}  `);
}

function boundaryLines(node: PlanNode, indent: string): readonly string[] {
  if (node.boundary !== node.id) return [`${indent}converges with ${node.boundary}`];
  if (node.converged.length === 0) return [`${indent}${WITHOUT_GATES[node.kind]}`];
  const several = node.converged.length + node.converged[0]!.targets.length > 2;
  const within = several ? `, all within ${showDuration(node.window)}` : "";
  const members = node.kind === "group" && node.group !== "lockstep" ? " its members have and" : "";
  return [
    ...wrap(`${indent}converged when${members}${within}:`, `${indent}  `),
    ...node.converged.flatMap((gate) => gateLines(gate, `${indent}  `)),
  ];
}

const WITHOUT_GATES = {
  step: "converged when its update has succeeded (no gate)",
  group: "converged when its members have",
} as const;

// ---------------------------------------------------------------------------------------------------------- gates

function gateLines(gate: PlanGate, indent: string): readonly string[] {
  const inner = `${indent}  `;
  const targets = gate.targets.map((target) => target.name);
  const dry = gate.policy.dryRun ? " (dry run: holds nothing back)" : "";
  const looks = [...new Set(gate.targets.map((target) => describeProbe(target.probe)))];
  return [
    ...wrap(
      `${indent}gate ${gate.id}${dry}: ${quorum(gate.policy.quorum, targets.length)} ${targets.join(", ")}`,
      inner,
    ),
    ...looks.flatMap((look) => wrap(`${inner}${look}`, `${inner}  `)),
    ...wrap(`${inner}${policyText(gate.policy)}`, `${inner}  `),
    ...wrap(`${inner}${rulesText(gate.policy)}`, `${inner}  `),
  ];
}

function quorum(needed: GatePolicy["quorum"], targets: number): string {
  if (needed === "all") return targets === 1 ? "at" : `at all ${targets} of`;
  return `at ${needed === "any" ? "any" : needed} of`;
}

function describeProbe(probe: ProbeSpec): string {
  switch (probe.type) {
    case "http":
      return `http ${probe.method ?? "GET"} ${showValue(probe.url)}`;
    case "stackOutput":
      return `output ${probe.path} of ${probe.step}`;
    case "settled":
      return `settled: a refresh preview of ${probe.step} shows nothing to do`;
    case "command":
      return `command ${probe.command.join(" ")}`;
    case "custom":
      return `custom ${probe.name}`;
    case "acknowledged":
      return `acknowledged by ${probe.by.join(" or ")}: ${probe.what}`;
    case "approved":
      return `approved by ${probe.count} of ${probe.by.join(", ")}, good for ${showDuration(probe.expires)}; bound to the previews shown`;
  }
}

function showValue(value: Value): string {
  if (typeof value === "string") return value;
  if ("$env" in value) return `{env ${value.$env}}`;
  if ("$output" in value) return `{${value.$output.step}.${value.$output.path}}`;
  return value.$join.map(showValue).join("");
}

function policyText(policy: GatePolicy): string {
  const passes = policy.consecutiveSuccessLimit;
  return [
    `every ${showDuration(policy.interval)}`,
    ...(policy.initialDelay > 0 ? [`first after ${showDuration(policy.initialDelay)}`] : []),
    amount(passes, "pass", "passes in a row"),
    ...(policy.stableFor > 0 ? [`stable for ${showDuration(policy.stableFor)}`] : []),
    `${showDuration(policy.requestTimeout)} a look`,
  ].join(", ");
}

function rulesText(policy: GatePolicy): string {
  const limits: [number | undefined, string, string][] = [
    [policy.failureLimit, "failed look", policy.onFailure],
    [policy.consecutiveErrorLimit, "error in a row", policy.onError],
    [policy.inconclusiveLimit, "inconclusive look", policy.onInconclusive],
  ];
  const reached = limits.flatMap(([limit, what, rule]) =>
    limit === undefined ? [] : [`${rule} at ${amount(limit, what, what.replace(/^(\S+ look|error)/, "$1s"))}`],
  );
  return [...reached, `${policy.onTimeout} after ${showDuration(policy.timeout)}`].join(", ");
}

// ----------------------------------------------------------------------------------------------------------- text

function amount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A plan is made for 80 columns, wherever it is shown. */
function wrap(line: string, indent: string): readonly string[] {
  return wrapAt(line, WIDTH, indent);
}
