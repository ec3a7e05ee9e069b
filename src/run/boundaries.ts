/**
 * Boundaries: which looks are due, what is to be recorded against a gate, and when a boundary opens. Pure.
 *
 * Invariant 2 (nothing passes an unconverged boundary) is kept here: `boundary.opened` is proposed only when every edge
 * before it holds and all its gates have converged within one window.
 */
import { type GateAssessment, jointly, nextLookAt } from "../gates/assess.js";
import type { NodeId, PlanGate, PlanNode } from "../plan/model.js";
import { type Action, NOTHING, type Part } from "./action.js";
import { appliedEntries, entriesBefore, mayOpen } from "./edges.js";
import { answerTo, canReattempt, haltCauseOf, ruleOf } from "./failures.js";
import {
  assess,
  countsFrom,
  type Evidence,
  failing,
  isMeasurable,
  type Proposed,
  passing,
  talliesOf,
} from "./gates.js";
import { isOverridden, overridesBehind } from "./overrides.js";
import type { RunState } from "./state.js";
import { mustAsk } from "./words.js";

/** Every boundary: while it is not open, look at its gates, judge them, open it; then its gates in dry run are left. */
export function boundaries(state: RunState, seen: Evidence, now: number): readonly Part[] {
  return state.started.plan.nodes
    .filter((node) => node.boundary === node.id)
    .map((node) =>
      state.opened[node.id] === undefined ? boundary(state, seen, node, now) : dryRun(state, seen, node, now),
    );
}

/** Gates in dry run are measured on behind an open boundary until they are judged: recorded, but nobody waits for them. */
function dryRun(state: RunState, seen: Evidence, node: PlanNode, now: number): Part {
  const gates = node.converged.filter((gate) => gate.policy.dryRun && state.gates[gate.id]?.passed === undefined);
  const converged = gates.find((gate) => assess(state, seen, gate, now).status === "converged");
  if (converged !== undefined) return { ...NOTHING, record: passing(state, seen, converged, now, 0) };
  const unjudged = gates.filter((gate) => state.gates[gate.id]?.verdict === undefined);
  return watch(state, seen, unjudged, node.id, now);
}

function boundary(state: RunState, seen: Evidence, node: PlanNode, now: number): Part {
  const gates = node.converged.filter((gate) => isMeasurable(state, gate));
  if (mayOpen(state, node.id) && gates.length === node.converged.length) {
    const pass = jointPass(state, seen, node.converged, node.window, now);
    if (pass !== undefined) return { ...NOTHING, record: [...pass, opening(state, node, pass, now)] };
  }
  return watch(state, seen, gates, node.id, now);
}

function opening(state: RunState, node: PlanNode, pass: readonly Proposed[], now: number): Proposed {
  const earlier = node.kind === "step" ? appliedEntries(state, node.id) : entriesBefore(state, node.id, "open");
  const overridden = overridesBehind(state, node.converged);
  return {
    event: { type: "boundary.opened", at: now, node: node.id },
    causes: [...earlier, ...overridden, ...passes(pass)],
  };
}

/** The entries with which all these gates pass at once, or nothing while one of them hasn't converged. */
export function jointPass(
  state: RunState,
  seen: Evidence,
  gates: readonly PlanGate[],
  window: number,
  now: number,
): readonly Proposed[] | undefined {
  const binding = gates.filter((gate) => !gate.policy.dryRun);
  const verdicts = binding.map((gate) => ({ gate, assessment: assess(state, seen, gate, now) }));
  if (
    !jointly(
      verdicts.map((verdict) => verdict.assessment),
      window,
    )
  )
    return undefined;
  const events: Proposed[] = [];
  // What is overridden as a whole has not passed: whatever goes on names the override instead (invariant 12).
  for (const gate of binding)
    if (!isOverridden(state, gate)) events.push(...passing(state, seen, gate, now, events.length));
  return events;
}

/** Looks that are due, and verdicts against a gate that are to be recorded. */
export function watch(
  state: RunState,
  seen: Evidence,
  gates: readonly PlanGate[],
  node: NodeId | undefined,
  now: number,
): Part {
  for (const gate of gates) {
    const assessment = assess(state, seen, gate, now);
    const against = verdictAgainst(state, gate, assessment);
    if (against !== undefined) return { ...NOTHING, record: answer(state, seen, gate, assessment, node, now) };
  }
  return merge(gates.filter((gate) => isWatched(state, gate)).map((gate) => looks(state, seen, gate, now)));
}

/** Under `continue` a gate that was judged against is left; under `hold` it is watched on. */
function isWatched(state: RunState, gate: PlanGate): boolean {
  const verdict = state.gates[gate.id]?.verdict;
  return verdict === undefined || gate.policy.dryRun || ruleOf(gate, verdict.kind, verdict.timedOut) === "hold";
}

function verdictAgainst(state: RunState, gate: PlanGate, assessment: GateAssessment): GateAssessment | undefined {
  if (assessment.status === "waiting" || assessment.status === "converged") return undefined;
  return state.gates[gate.id]?.verdict === undefined ? assessment : undefined;
}

function answer(
  state: RunState,
  seen: Evidence,
  gate: PlanGate,
  assessment: GateAssessment,
  node: NodeId | undefined,
  now: number,
): readonly Proposed[] {
  const verdict = failing(state, seen, gate, assessment, now);
  if (gate.policy.dryRun) return [verdict];
  const kind = assessment.status === "failed" ? "failed" : assessment.status === "errored" ? "errored" : "inconclusive";
  const timedOut = assessment.status === "timedOut";
  const rule = ruleOf(gate, kind, timedOut);
  const then = { causes: [{ batch: 0 }] } as const;
  if (rule === "hold")
    return [
      verdict,
      {
        ...then,
        event: { type: "run.held", at: now, node: node ?? "sequence", gate: gate.id, reason: assessment.reason },
      },
    ];
  if (rule === "continue" || (rule === "retry" && canReattempt(state, gate))) return [verdict];
  const cause = node === undefined ? "inconsistent" : haltCauseOf(kind, timedOut);
  const targets = assessment.targets.filter(({ status }) => status !== "converged").map(({ target }) => target);
  const halt = { type: "run.halted", at: now, cause, reason: assessment.reason } as const;
  const where = node === undefined ? {} : { node };
  return [
    verdict,
    { ...then, event: { ...halt, ...where, ...(rule === "recover" ? answerTo(state, { cause, node, targets }) : {}) } },
  ];
}

function looks(state: RunState, seen: Evidence, gate: PlanGate, now: number): Part {
  if (mustAsk(state, gate)) return { actions: [{ do: "ask", gate: gate.id }] };
  const tallies = talliesOf(state, seen, gate);
  const from = countsFrom(state, gate);
  const due = gate.targets.map((target) => ({
    target: target.name,
    at: nextLookAt(gate.policy, tallies[target.name], from, now),
  }));
  const actions = due
    .filter(({ at }) => at <= now)
    .map(({ target }): Action => ({ do: "look", gate: gate.id, target }));
  const later = due.flatMap(({ at }) => (at > now ? [at] : []));
  const deadline = from + gate.policy.timeout;
  return { actions, wakeAt: Math.min(...later, ...(deadline > now ? [deadline] : [])) };
}

function merge(parts: readonly Part[]): Part {
  const wakes = parts.flatMap((part) =>
    part.wakeAt !== undefined && Number.isFinite(part.wakeAt) ? [part.wakeAt] : [],
  );
  return {
    actions: parts.flatMap((part) => part.actions),
    wakeAt: wakes.length === 0 ? undefined : Math.min(...wakes),
  };
}

/** Where in a batch the gates pass. */
export function passes(batch: readonly Proposed[]): Proposed["causes"] {
  return batch.flatMap((proposed, place) => (proposed.event.type === "gate.passed" ? [{ batch: place }] : []));
}
