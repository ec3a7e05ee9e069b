/** A plan as a picture: text, Mermaid, Graphviz. Pure. Groups are boxes; an arrow means "waits for to converge". */

import type { GroupNode, Plan, PlanGate, PlanNode } from "../plan/model.js";
import { showDuration } from "../sequence/duration.js";

export const GRAPH_FORMATS = ["text", "mermaid", "dot", "svg"] as const;
export type GraphFormat = (typeof GRAPH_FORMATS)[number];

/** A node with what it contains; the plan's tree. */
export interface Box {
  readonly node: PlanNode;
  readonly members: readonly Box[];
}

/** The outermost boxes, in order. */
export function boxesOf(plan: Plan): readonly Box[] {
  const build = (node: PlanNode): Box => ({
    node,
    members: plan.nodes.filter((other) => other.parent === node.id).map(build),
  });
  return plan.nodes.filter((node) => node.parent === undefined).map(build);
}

/** What a box says of itself, line by line: name, what it operates, and its gates. */
export function linesOf({ node }: Box): readonly string[] {
  const what = node.kind === "step" ? [`${node.verb} ${node.stack.dir} · ${node.stack.stack}`] : [];
  const name = node.kind === "step" ? node.id : `${node.group} ${node.id}`;
  const ready = node.ready.map((gate) => `needs ${gateText(gate)}`);
  const converged = node.converged.map(gateText);
  return [name, ...what, ...ready, ...converged];
}

/** `policy-arrived: 3 targets, every 1s, 10 in a row`. */
export function gateText({ name, targets, policy }: PlanGate): string {
  const where = targets.length === 1 ? "1 target" : `${targets.length} targets`;
  const passes = policy.consecutiveSuccessLimit > 1 ? `, ${policy.consecutiveSuccessLimit} in a row` : "";
  return `${name}: ${where}, every ${showDuration(policy.interval)}${passes}`;
}

/** The groups whose members wait for each other are the outermost list and `serial`. */
function inOrder(node: PlanNode | undefined): boolean {
  return node === undefined || (node.kind === "group" && node.group === "serial");
}

// ----------------------------------------------------------------------------------------------------------- text

/** A tree with the order in it: `│ ▼` between what waits, `├ ` beside each other. */
export function graphText(plan: Plan): readonly string[] {
  const gates = plan.consistent.map((gate) => `  ◇ ${gateText(gate)}`);
  const end = gates.length === 0 ? [] : ["▼", "consistent when", ...gates];
  return [plan.sequence.name, "▼", ...textList(boxesOf(plan), true), ...end];
}

function textList(boxes: readonly Box[], ordered: boolean): readonly string[] {
  return boxes.flatMap((box, at) => {
    const [name, ...others] = linesOf(box);
    const own = [`${box.node.kind === "step" ? "●" : "○"} ${name}`, ...others.map((line) => `    ${line}`)];
    const gateLines = own.map((line, index) =>
      index > (box.node.kind === "step" ? 1 : 0) ? line.replace(/^ {4}/, "  ◇ ") : line,
    );
    const below = textList(box.members, inOrder(box.node)).map((line) => `  ${inOrder(box.node) ? "" : "║ "}${line}`);
    return [...gateLines, ...below, ...(ordered && at < boxes.length - 1 ? ["▼"] : [])];
  });
}

// -------------------------------------------------------------------------------------------------------- arrows

interface Arrow {
  readonly from: string;
  readonly to: string;
}

/** One arrow for each wait in a list; boxes are joined, not every pair of steps. */
function arrowsOf(plan: Plan): readonly Arrow[] {
  return plan.edges
    .filter((edge) => edge.is === "opened" && edge.before === "start")
    .map(({ from, to }) => ({ from, to }));
}

// -------------------------------------------------------------------------------------------------------- Mermaid

/** For Markdown that renders Mermaid. */
export function graphMermaid(plan: Plan): readonly string[] {
  const ids = new Map(plan.nodes.map((node, at) => [node.id, `n${at}`]));
  const idOf = (id: string) => ids.get(id) as string;
  const draw = (box: Box, indent: string): readonly string[] => {
    const label = quote(linesOf(box).join("<br/>"));
    if (box.node.kind === "step") return [`${indent}${idOf(box.node.id)}[${label}]`];
    const inner = box.members.flatMap((member) => draw(member, `${indent}  `));
    return [`${indent}subgraph ${idOf(box.node.id)}[${label}]`, ...inner, `${indent}end`];
  };
  const arrows = arrowsOf(plan).map(({ from, to }) => `  ${idOf(from)} --> ${idOf(to)}`);
  const last = boxesOf(plan).at(-1);
  const end = plan.consistent.map(gateText);
  const close =
    end.length === 0 || last === undefined
      ? []
      : [
          `  consistent{{${quote(["consistent when", ...end].join("<br/>"))}}}`,
          `  ${idOf(last.node.id)} --> consistent`,
        ];
  return ["flowchart TB", ...boxesOf(plan).flatMap((box) => draw(box, "  ")), ...arrows, ...close];
}

function quote(text: string): string {
  return `"${text.replaceAll('"', "#quot;")}"`;
}

// ------------------------------------------------------------------------------------------------------- Graphviz

/** For `dot -Tpng` and friends. */
export function graphDot(plan: Plan): readonly string[] {
  const boxes = boxesOf(plan);
  const all = new Map(everyBox(boxes).map((box) => [box.node.id, box]));
  const draw = (box: Box, indent: string): readonly string[] => {
    const label = dotText(linesOf(box));
    if (box.node.kind === "step") return [`${indent}${dotText([box.node.id])} [label=${label}];`];
    const inner = box.members.flatMap((member) => draw(member, `${indent}  `));
    const style = (box.node as GroupNode).group === "lockstep" ? "bold" : "dashed";
    return [
      `${indent}subgraph ${dotText([`cluster_${box.node.id}`])} {`,
      `${indent}  label=${label}; style=${style};`,
      ...inner,
      `${indent}}`,
    ];
  };
  const arrows = arrowsOf(plan).map(({ from, to }) => {
    const [tail, head] = [endOf(all.get(from) as Box, -1), endOf(all.get(to) as Box, 0)];
    const clipped = [
      ...(tail === from ? [] : [`ltail=${dotText([`cluster_${from}`])}`]),
      ...(head === to ? [] : [`lhead=${dotText([`cluster_${to}`])}`]),
    ];
    return `  ${dotText([tail])} -> ${dotText([head])}${clipped.length === 0 ? "" : ` [${clipped.join(", ")}]`};`;
  });
  const head = [`digraph ${dotText([plan.sequence.name])} {`, "  compound=true; node [shape=box];"];
  return [...head, ...boxes.flatMap((box) => draw(box, "  ")), ...arrows, "}"];
}

function everyBox(boxes: readonly Box[]): readonly Box[] {
  return boxes.flatMap((box) => [box, ...everyBox(box.members)]);
}

/** Graphviz joins steps only: the first or last one of a group stands for it. */
function endOf(box: Box, at: 0 | -1): string {
  const member = box.members.at(at);
  return member === undefined ? box.node.id : endOf(member, at);
}

function dotText(lines: readonly string[]): string {
  return `"${lines.map((line) => line.replace(/["\\]/g, "\\$&")).join("\\n")}"`;
}
