/** How long a sequence usually takes: medians over its earlier completed runs. For people only; nothing is decided by it. */
import type { Moment, OpenLedger } from "../ledger/index.js";
import type { NodeId, Plan, PlanNode } from "../plan/model.js";
import type { RunState } from "../run/state.js";
import { NOTHING_USUAL, type Usual } from "../views/tree-model.js";
import { stepsBelow } from "../views/tree-phase.js";

/** The newest runs that are looked at. */
const RUNS = 10;

/** The usual times of a run's sequence; of rehearsals for a rehearsal. None where the ledger doesn't answer. */
export async function usualTimes(ledger: Pick<OpenLedger, "moments">, { started }: RunState): Promise<Usual> {
  const { plan, rehearsal } = started;
  try {
    return usualOf(plan, await ledger.moments(plan.sequence.name, rehearsal !== undefined, RUNS));
  } catch {
    return NOTHING_USUAL;
  }
}

/** What follows from earlier runs for the nodes of this plan. Pure. */
export function usualOf(plan: Plan, moments: readonly Moment[]): Usual {
  const runs = byRun(moments);
  const run = median(runs.flatMap((one) => between(first(one, "run.started"), first(one, "run.completed"))));
  return {
    ...(run === undefined ? {} : { run }),
    update: medians(plan.nodes, (node) =>
      node.kind === "group"
        ? []
        : runs.flatMap((one) => between(last(one, "operation.intended", node.id), ended(one, node.id))),
    ),
    convergence: medians(plan.nodes, (node) =>
      runs.flatMap((one) => between(applied(plan, one, node), first(one, "boundary.opened", node.id))),
    ),
    total: medians(plan.nodes, (node) =>
      runs.flatMap((one) => between(began(plan, one, node), first(one, "boundary.opened", node.id))),
    ),
  };
}

function byRun(moments: readonly Moment[]): readonly (readonly Moment[])[] {
  return [...new Set(moments.map(({ run }) => run))].map((run) => moments.filter((moment) => moment.run === run));
}

function medians(
  nodes: readonly PlanNode[],
  of: (node: PlanNode) => readonly number[],
): { readonly [id: NodeId]: number } {
  return Object.fromEntries(
    nodes.flatMap((node) => {
      const found = median(of(node));
      return found === undefined ? [] : [[node.id, found]];
    }),
  );
}

/** The middle value, of two the lower: a time that a run really took. */
export function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}

function between(from: number | undefined, to: number | undefined): readonly number[] {
  return from === undefined || to === undefined || to < from ? [] : [to - from];
}

function first(run: readonly Moment[], type: Moment["type"], node?: NodeId): number | undefined {
  return run.find((moment) => moment.type === type && moment.node === node)?.at;
}

function last(run: readonly Moment[], type: Moment["type"], node: NodeId): number | undefined {
  return run.findLast((moment) => moment.type === type && moment.node === node)?.at;
}

function ended(run: readonly Moment[], step: NodeId): number | undefined {
  return last(run, "operation.succeeded", step);
}

function began(plan: Plan, run: readonly Moment[], node: PlanNode): number | undefined {
  const all = stepsBelow(plan, node).flatMap((step) => first(run, "operation.intended", step.id) ?? []);
  return all.length === 0 ? undefined : Math.min(...all);
}

function applied(plan: Plan, run: readonly Moment[], node: PlanNode): number | undefined {
  const all = stepsBelow(plan, node).map((step) => ended(run, step.id));
  return all.every((end) => end !== undefined) && all.length > 0 ? Math.max(...all) : undefined;
}
