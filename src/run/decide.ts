/**
 * The decision: given the state, what has been seen of the gates, and the time, what is to be done now. Pure; knows
 * nodes and edges, no groups, and touches no I/O (invariant 8). Waiting is the absence of an action plus `wakeAt`.
 */
import { type Action, type Decision, NOTHING, type Part } from "./action.js";
import { boundaries, jointPass, passes, watch } from "./boundaries.js";
import { haltOf, stuck } from "./failures.js";
import type { Evidence } from "./gates.js";
import { admissions, startable } from "./starts.js";
import { openAttempts, type RunState } from "./state.js";

/** Decides. The caller performs what is not under way already, and asks again whenever anything has happened. */
export function decide(state: RunState, seen: Evidence, now: number): Decision {
  const following = openAttempts(state).map(
    ({ step, attempt }): Action => ({ do: "follow", step, operation: attempt.operation }),
  );
  if (state.status !== "running") return { actions: following };
  const halt = haltOf(state, now);
  if (halt !== undefined) return { actions: [...following, { do: "record", events: [halt] }] };
  const judged = [...boundaries(state, seen, now), ...admissions(state, seen, now), ...ending(state, seen, now)];
  const parts = [...judged, ...startable(state, seen, now)];
  const record = parts.find((part) => part.record !== undefined)?.record;
  if (record !== undefined) return { actions: [...following, { do: "record", events: record }] };
  const actions = [...following, ...parts.flatMap((part) => part.actions)];
  const wakes = parts.flatMap((part) => part.wakeAt ?? []);
  if (actions.length === 0 && wakes.length === 0) return { actions: [{ do: "record", events: [stuck(state, now)] }] };
  return wakes.length === 0 ? { actions } : { actions, wakeAt: Math.min(...wakes) };
}

/** Every boundary is open: judge `consistentWhen`, then the run is complete. */
function ending(state: RunState, seen: Evidence, now: number): readonly Part[] {
  const { plan } = state.started;
  const top = plan.nodes.filter((node) => node.parent === undefined);
  if (!top.every((node) => state.opened[node.id] !== undefined)) return [];
  const window = 2 * Math.max(0, ...plan.consistent.map((gate) => gate.policy.interval));
  const pass = jointPass(state, seen, plan.consistent, window, now);
  if (pass === undefined) return [watch(state, seen, plan.consistent, undefined, now)];
  const opened = top.map((node) => state.opened[node.id]?.entry ?? state.drivenBy);
  return [
    {
      ...NOTHING,
      record: [...pass, { event: { type: "run.completed", at: now }, causes: [...opened, ...passes(pass)] }],
    },
  ];
}
