/**
 * Signed overrides: which gates, or targets of them, hold nothing back. An override is for one attempt: of the updates
 * that its gate proves or, before a start, of the step that would start. Pure. (Invariant 12.)
 */
import type { PlanGate } from "../plan/model.js";
import type { WordEvent } from "./events.js";
import { lastAttempt, type Override, type RunState } from "./state.js";

/** The override that holds now, if there is one. */
export function overrideOf(state: RunState, gate: PlanGate): Override | undefined {
  const override = state.overrides[gate.id];
  return override?.attempt === attemptOf(state, gate) ? override : undefined;
}

/** The override that holds now, or that the newest attempt of a step was started by. */
export function overrideBehind(state: RunState, gate: PlanGate): Override | undefined {
  const override = state.overrides[gate.id];
  const attempts = state.steps[gate.declaredOn]?.length ?? 0;
  const started = gate.phase === "ready" && attempts > 0 && override?.attempt === String(attempts - 1);
  return started ? override : overrideOf(state, gate);
}

/** Names what is being attempted at this gate: another name, and an override of before is void. */
export function attemptOf(state: RunState, gate: PlanGate): string {
  if (gate.phase === "ready") return String(state.steps[gate.declaredOn]?.length ?? 0);
  return gate.proves.map((step) => lastAttempt(state, step)?.operation ?? "").join(" ");
}

/** The whole gate is overridden: it is not asked. */
export function isOverridden(state: RunState, gate: PlanGate): boolean {
  const override = overrideOf(state, gate);
  return override !== undefined && unexcused(gate, override).length === 0;
}

/** The gate as it is judged: without the targets that an override excuses, which count as converged for the quorum. */
export function judgedGate(state: RunState, gate: PlanGate): PlanGate {
  const override = overrideOf(state, gate);
  if (override === undefined) return gate;
  const targets = unexcused(gate, override);
  const { quorum } = gate.policy;
  if (typeof quorum !== "number") return { ...gate, targets };
  const excused = gate.targets.length - targets.length;
  return { ...gate, targets, policy: { ...gate.policy, quorum: Math.max(1, quorum - excused) } };
}

/** Nothing, where what is excused is enough for the quorum by itself. */
function unexcused({ targets, policy }: PlanGate, override: Override): PlanGate["targets"] {
  if (override.targets === undefined) return [];
  const left = targets.filter(({ name }) => !override.targets?.includes(name));
  const excused = targets.length - left.length;
  const enough = policy.quorum === "any" ? 1 : policy.quorum === "all" ? targets.length : policy.quorum;
  return excused >= enough ? [] : left;
}

/** Entries of the overrides that hold for these gates: causes of whatever goes on because of them. */
export function overridesBehind(state: RunState, gates: readonly PlanGate[]): readonly number[] {
  return gates.flatMap((gate) => overrideOf(state, gate)?.entries ?? []);
}

/** An override further: one of more targets of the same attempt adds to those before it. */
export function overridden(
  state: RunState,
  gate: PlanGate,
  entry: number,
  event: WordEvent & { readonly type: "gate.overridden"; readonly at: number },
  by: string,
): RunState["overrides"] {
  const before = overrideOf(state, gate);
  const whole = event.targets === undefined || (before !== undefined && before.targets === undefined);
  const targets = [...new Set([...(before?.targets ?? []), ...(event.targets ?? [])])];
  const override: Override = {
    entries: [...(before?.entries ?? []), entry],
    attempt: attemptOf(state, gate),
    by,
    reason: event.reason,
    at: event.at,
    ...(whole ? {} : { targets }),
  };
  return { ...state.overrides, [gate.id]: override };
}
