/**
 * What can go wrong at each place of a plan: the cells of a fault matrix. Pure. A place is a step (its operation fails) or
 * a target of a boundary's gates (it never converges, does so late, or only briefly).
 */
import { EvoError } from "../errors.js";
import type { NodeId, Plan, PlanGate } from "../plan/model.js";
import { stepsIn } from "../plan/steps.js";

/** fails: the provider refuses. never, slowly, briefly: what was applied doesn't stay, or come in time, at a target. */
export const CELL_FAULTS = ["fails", "never", "slowly", "briefly"] as const;
export type CellFault = (typeof CELL_FAULTS)[number];

export interface Cell {
  /** `flags=fails`, `gateway/eu-west-1=never`: as `--faults` takes it. */
  readonly id: string;
  /** The step that fails; the step or group whose gates have the target. */
  readonly node: NodeId;
  readonly target?: string;
  readonly fault: CellFault;
}

/** Every cell of a plan, in plan order. People's words are no targets: nothing propagates to them. */
export function cellsOf(plan: Plan): readonly Cell[] {
  return plan.nodes.flatMap((node) => {
    const operation: readonly Cell[] =
      node.kind === "step" ? [{ id: `${node.id}=fails`, node: node.id, fault: "fails" }] : [];
    return [...operation, ...targetsOf(plan, node.id).flatMap((target) => arrivals(node.id, target))];
  });
}

/** In the order in which a run without a fault comes to where they begin: a group's boundary comes after its members. */
export function asTheyBegin(cells: readonly Cell[], plan: Plan): readonly Cell[] {
  const last = ({ node }: Cell): number => {
    const steps = stepsIn(plan, node);
    return plan.nodes.findLastIndex(({ id }) => steps.includes(id));
  };
  const isArrival = ({ target }: Cell): number => (target === undefined ? 0 : 1);
  return [...cells].sort((a, b) => last(a) - last(b) || isArrival(a) - isArrival(b));
}

function arrivals(node: NodeId, target: string): readonly Cell[] {
  return (["never", "slowly", "briefly"] as const).map((fault) => ({
    id: `${node}/${target}=${fault}`,
    node,
    target,
    fault,
  }));
}

/** Gates that judge what a node has applied, each once: a lockstep group judges its members', who declared them. */
export function gatesOn(plan: Plan, node: NodeId): readonly PlanGate[] {
  const all = plan.nodes.flatMap(({ converged }) => converged);
  return [...new Map(all.filter(({ declaredOn }) => declaredOn === node).map((gate) => [gate.id, gate])).values()];
}

/** Those of its gates that look at this target, and hold something back. */
export function gatesAt(plan: Plan, { node, target }: Pick<Cell, "node" | "target">): readonly PlanGate[] {
  return gatesOn(plan, node).filter(
    ({ targets, policy }) => !policy.dryRun && targets.some(({ name }) => name === target),
  );
}

function targetsOf(plan: Plan, node: NodeId): readonly string[] {
  const live = gatesOn(plan, node)
    .filter(({ policy }) => !policy.dryRun)
    .flatMap(({ targets }) => targets)
    .filter(({ probe }) => probe.type !== "acknowledged" && probe.type !== "approved");
  return [...new Set(live.map(({ name }) => name))];
}

/** `all`, or cells by place and fault, separated by commas: `gateway/eu-west-1=never`, `gateway/eu-west-1`, `flags`. Error: `usage`. */
export function chooseCells(cells: readonly Cell[], text: string): readonly Cell[] {
  if (text === "all") return cells;
  const wanted = text.split(",").map((one) => one.trim());
  for (const one of wanted)
    if (!cells.some((cell) => isMeant(cell, one)))
      throw new EvoError("usage", `the sequence has no cell "${one}"`, {
        remedy: `say all, or some of: ${cells.map(({ id }) => id).join(", ")}`,
      });
  return cells.filter((cell) => wanted.some((one) => isMeant(cell, one)));
}

/** What is left out means any. */
function isMeant({ id, node, target, fault }: Cell, text: string): boolean {
  const place = target === undefined ? node : `${node}/${target}`;
  return [id, place, node, `${node}=${fault}`].includes(text);
}
