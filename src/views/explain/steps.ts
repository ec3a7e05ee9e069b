/** What has been applied and what hasn't, and what rests on what has not converged. Pure. */
import type { NodeId, Plan, StepNode } from "../../plan/model.js";
import { stepsOf } from "../../run/edges.js";
import { lastAttempt, type RunState } from "../../run/state.js";
import { viewRun } from "../status.js";
import { blocking } from "../tree-waits.js";
import type { ExplainInput } from "./input.js";
import type { AppliedStep, Consumer, GateStanding, PendingStep } from "./model.js";

function isApplied(state: RunState, step: NodeId): boolean {
  return lastAttempt(state, step)?.outcome?.status === "succeeded";
}

/** Steps whose newest update has succeeded, in the order in which the updates ended. */
export function appliedSteps({ state, readers }: ExplainInput): readonly AppliedStep[] {
  return stepsOf(state.started.plan)
    .flatMap((step) => applied(state, step, readers[step.id] ?? []))
    .sort((a, b) => a.at - b.at);
}

function applied(state: RunState, { id, boundary }: StepNode, readers: readonly NodeId[]): readonly AppliedStep[] {
  const attempt = lastAttempt(state, id);
  if (attempt?.outcome?.status !== "succeeded") return [];
  const opened = state.opened[boundary];
  return [
    {
      step: id,
      stack: attempt.stack,
      at: attempt.outcome.ended,
      ...(opened === undefined ? {} : { converged: opened.at }),
      changes: attempt.outcome.counts,
      readBy: readers.filter((reader) => isApplied(state, reader)),
    },
  ];
}

/** The others, in the plan's order. */
export function pendingSteps(state: RunState): readonly PendingStep[] {
  const views = viewRun(state).steps;
  return stepsOf(state.started.plan)
    .filter(({ id }) => !isApplied(state, id))
    .flatMap(({ id, stack }) => {
      const view = views.find(({ step }) => step === id);
      if (view === undefined) return [];
      const known = lastAttempt(state, id)?.stack ?? `${stack.dir}, ${stack.stack}`;
      const after = view.status === "waiting" ? blocking(state, id) : [];
      const reason = view.reason === undefined ? {} : { reason: view.reason };
      return [{ step: id, stack: known, status: view.status, after, ...reason }];
    });
}

/**
 * Applied steps that rest on what has not converged: they come after its boundary, or are known to read its outputs. A
 * step that was applied before its source converged again (another attempt, a flap at the end) is one, too.
 */
export function consumersOf(input: ExplainInput, gates: readonly GateStanding[]): readonly Consumer[] {
  const { state, readers } = input;
  const change = changeOf(state, gates);
  const later = new Set(change.flatMap((step) => [...downstream(state.started.plan, step)]));
  const reading = new Set(change.flatMap((step) => readers[step] ?? []));
  return stepsOf(state.started.plan)
    .filter(({ id }) => isApplied(state, id) && (later.has(id) || reading.has(id)))
    .filter(({ id }) => !change.includes(id) || reading.has(id))
    .map(({ id }) => ({ step: id, after: later.has(id), reads: reading.has(id) }));
}

/** The steps whose change is in question: what failed, and what unconverged gates prove, but for the end's. */
export function changeOf(state: RunState, gates: readonly GateStanding[]): readonly NodeId[] {
  const { nodes } = state.started.plan;
  const awaited = new Set(gates.filter(({ phase }) => phase === "converged").map(({ gate }) => gate));
  const proved = nodes.flatMap((node) =>
    node.converged.filter(({ id }) => awaited.has(id)).flatMap((one) => one.proves),
  );
  const failed = stepsOf(state.started.plan).flatMap(({ id }) => {
    const outcome = lastAttempt(state, id)?.outcome;
    return outcome === undefined || outcome.status === "succeeded" ? [] : [id];
  });
  return [...new Set([...proved, ...failed])];
}

/** Every node that may start only after this one, or one around it, has opened. */
function downstream(plan: Plan, from: NodeId): ReadonlySet<NodeId> {
  const around = new Set<NodeId>();
  for (let id: NodeId | undefined = from; id !== undefined; id = plan.nodes.find((node) => node.id === id)?.parent)
    around.add(id);
  const behind = new Set<NodeId>();
  const reached = [...around];
  // An array is walked on over what is added meanwhile.
  for (const id of reached)
    for (const { from: before, to, is, before: what } of plan.edges)
      if (before === id && what === "start" && !behind.has(to) && (is === "opened" || behind.has(id))) {
        behind.add(to);
        reached.push(to);
      }
  return behind;
}
