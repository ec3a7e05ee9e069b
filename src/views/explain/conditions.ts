/** What would have to be true for a run to go on. Pure. */
import type { PlanGate } from "../../plan/model.js";
import { stepsOf } from "../../run/edges.js";
import { gatesOf, isOver, lastAttempt, type RunState } from "../../run/state.js";
import { duration } from "../text.js";
import { type Situation, unresolvedAttempts } from "./choices.js";
import type { GateStanding } from "./model.js";

/** One sentence each; all must come true. */
export function conditionsOf(now: Situation): readonly string[] {
  const { state, gates } = now;
  if (isOver(state)) return [];
  if (now.recovering !== undefined) return [`the recovery ${now.recovering} comes to its end, or is aborted`];
  return [
    ...unresolvedAttempts(state).map(({ operation }) => `somebody finds out how ${operation} ended, and settles it`),
    ...failures(state),
    ...gates.flatMap((gate) => passing(state, gate)),
    ...halts(state),
    ...standing(now),
  ];
}

function failures(state: RunState): readonly string[] {
  return stepsOf(state.started.plan).flatMap(({ id }) => {
    const outcome = lastAttempt(state, id)?.outcome;
    switch (outcome?.status) {
      case "failed":
      case "cancelled":
      case "absent":
        return [`another attempt of ${id} succeeds`];
      case "refused":
        return [`another attempt of ${id} succeeds, and its preview shows nothing that is refused`];
      case "locked":
        return [`nobody else holds the lock on the stack of ${id}, and another attempt succeeds`];
      default:
        return [];
    }
  });
}

function passing(state: RunState, { gate, needed, targets }: GateStanding): readonly string[] {
  const planned = gatesOf(state.started.plan).find(({ id }) => id === gate);
  const left = targets.filter((target) => target.state !== "converged").map(({ target }) => target);
  if (planned === undefined || left.length === 0) return [];
  const enough = needed < targets.length ? ` (${needed} of ${targets.length} targets are enough)` : "";
  return [`${gate}: ${left.join(", ")} ${left.length === 1 ? "passes" : "pass"}${howOften(planned)}${enough}`];
}

function howOften({ policy }: PlanGate): string {
  const { consecutiveSuccessLimit: passes, stableFor } = policy;
  const often = passes > 1 ? ` ${passes} times in a row` : "";
  return stableFor > 0 ? `${often}, for ${duration(stableFor)} without a break` : often;
}

function halts({ halt }: RunState): readonly string[] {
  if (halt?.cause === "departed") return ["somebody has looked at what evo did not do, and resumes with a reason"];
  if (halt?.cause === "sources-changed")
    return ["what was recorded at the run's start is put back, or somebody signs for the change"];
  return [];
}

function standing({ state, driver }: Situation): readonly string[] {
  if (state.status === "paused" || state.status === "halted") return ["somebody resumes it"];
  if (driver?.is === "driving") return [];
  return driver === undefined
    ? ["somebody drives it"]
    : ["somebody makes sure that its driver on another machine is gone, and drives it"];
}
