/**
 * Starts: which groups are admitted and which steps are operated. Pure.
 *
 * Invariant 2: a step is operated only when every edge before its start holds and its `readyWhen` gates hold now.
 * Invariant 5 (no second attempt while the first is unknown): a step with an open or unresolved attempt never is.
 */
import type { StepNode } from "../plan/model.js";
import { NOTHING, type Part } from "./action.js";
import { jointPass, passes, watch } from "./boundaries.js";
import { entriesBefore, isAdmitted, mayStart, stepsOf } from "./edges.js";
import { canReattempt, mayRetry, resumeEntry, ruleOf } from "./failures.js";
import type { Evidence } from "./gates.js";
import { overridesBehind } from "./overrides.js";
import { type Attempt, lastAttempt, openAttempts, type RunState } from "./state.js";

/** Groups with `readyWhen`: they are admitted once, by entries of their own. */
export function admissions(state: RunState, seen: Evidence, now: number): readonly Part[] {
  return state.started.plan.nodes
    .filter(
      (node) =>
        node.kind === "group" && node.ready.length > 0 && mayStart(state, node.id) && !isAdmitted(state, node.id),
    )
    .map((node) => {
      const pass = jointPass(state, seen, node.ready, node.window, now);
      return pass === undefined ? watch(state, seen, node.ready, node.id, now) : { ...NOTHING, record: pass };
    });
}

/** Steps that may start now; at most `parallel` operations at a time. */
export function startable(state: RunState, seen: Evidence, now: number): readonly Part[] {
  let slots = state.started.parallel - openAttempts(state).length;
  return stepsOf(state.started.plan)
    .filter((step) => mayStart(state, step.id) && nextAttempt(state, step) !== undefined)
    .map((step) => {
      const part = start(state, seen, step, slots > 0, now);
      slots -= part.actions.filter((action) => action.do === "operate").length;
      return part;
    });
}

function start(state: RunState, seen: Evidence, step: StepNode, slot: boolean, now: number): Part {
  const notBefore = nextAttempt(state, step) ?? now;
  if (notBefore > now) return { ...NOTHING, wakeAt: notBefore };
  const pass = jointPass(state, seen, step.ready, step.window, now);
  if (pass === undefined) return watch(state, seen, step.ready, step.id, now);
  // Its gates hold, but there is no slot: keep looking, so that they hold when there is one.
  if (!slot) return watch(state, seen, step.ready, step.id, now);
  const attempts = state.steps[step.id] ?? [];
  const before = lastFailure(attempts) ?? entriesBefore(state, step.id, "start");
  return {
    actions: [
      {
        do: "operate",
        step: step.id,
        attempt: attempts.length + 1,
        events: pass,
        causes: [...before, ...overridesBehind(state, step.ready), ...passes(pass)],
      },
    ],
  };
}

function lastFailure(attempts: readonly Attempt[]): readonly number[] | undefined {
  const outcome = attempts.at(-1)?.outcome;
  return outcome === undefined ? undefined : [outcome.entry];
}

/** When the step may be attempted (next); undefined where it may not. */
export function nextAttempt(state: RunState, step: StepNode): number | undefined {
  const last = lastAttempt(state, step.id);
  if (last === undefined) return 0;
  if (last.outcome === undefined) return undefined;
  if (last.outcome.status === "succeeded" && isAskedFor(state, step, last.outcome.entry)) return 0;
  if (last.outcome.status === "succeeded")
    return wantsReattempt(state, step) ? last.outcome.ended + (step.retry?.backoff ?? 0) : undefined;
  if (!mayRetry(state, step, last.outcome) || last.outcome.status === "unresolved") return undefined;
  return last.outcome.entry < resumeEntry(state) ? 0 : last.outcome.ended + (step.retry?.backoff ?? 0);
}

/** A person asked for another attempt of a step that has been applied but whose boundary has not opened. */
function isAskedFor(state: RunState, step: StepNode, applied: number): boolean {
  const opened = state.opened[step.boundary] !== undefined;
  return !opened && applied < resumeEntry(state) && state.retrying?.includes(step.id) === true;
}

/** A gate that proves this step was judged against, and its rule is `retry`. */
function wantsReattempt(state: RunState, step: StepNode): boolean {
  return state.started.plan.nodes
    .flatMap((node) => node.converged)
    .some((gate) => {
      const verdict = state.gates[gate.id]?.verdict;
      if (verdict === undefined || gate.policy.dryRun || !gate.proves.includes(step.id)) return false;
      return ruleOf(gate, verdict.kind, verdict.timedOut) === "retry" && canReattempt(state, gate);
    });
}
