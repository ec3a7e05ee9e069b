/**
 * What people have said to a run's gates, and what it comes to. A gate that asks for a word is looked at like any other,
 * but a look at it is pure: it reads the run's own record (invariants 2 and 8). Silence is inconclusive, never a pass;
 * a rejection is a fail.
 */
import type { AcknowledgedProbe, ApprovedProbe, Look, WordProbe } from "../gates/model.js";
import { isWordProbe } from "../gates/model.js";
import type { GateId, NodeId, PlanGate } from "../plan/model.js";
import { showDuration } from "../sequence/duration.js";
import type { OperationId, RunEvent, WordEvent } from "./events.js";
import { isOverridden, overridden } from "./overrides.js";
import type { Actor } from "./ports.js";
import { type ApprovalRequest, gatesOf, lastAttempt, type RunState, type Word } from "./state.js";

/** The probe of a gate that asks for words; undefined for one that looks at the live system. A gate never mixes them. */
export function wordProbeOf(gate: PlanGate): WordProbe | undefined {
  const probe = gate.targets[0]?.probe;
  return probe !== undefined && isWordProbe(probe) ? probe : undefined;
}

/** Teams can't be told from a claim: where one is asked for, whoever says that they belong to it is believed. */
export function isAsked({ by }: WordProbe, claimed: string): boolean {
  return by.includes(claimed) || by.some((name) => name.startsWith("@"));
}

/** The request that approvals of this gate answer now. One from before an update that the gate proves is none any more. */
export function requestOf(state: RunState, gate: PlanGate): ApprovalRequest | undefined {
  const request = state.requests[gate.id];
  return request !== undefined && request.entry > provenBy(state, gate) ? request : undefined;
}

/** Approvals can't be given before it has been said what for. */
export function mustAsk(state: RunState, gate: PlanGate): boolean {
  const asks = wordProbeOf(gate)?.type === "approved" && requestOf(state, gate) === undefined;
  return asks && !isOverridden(state, gate);
}

/** The newest entry that what is said must come after: the end of the updates that the gate proves (invariant 3). */
function provenBy(state: RunState, gate: PlanGate): number {
  return Math.max(0, ...gate.proves.map((step) => lastAttempt(state, step)?.outcome?.entry ?? 0));
}

// ---------------------------------------------------------------------------------------------------------- looks

/** What the words so far come to at `now`. */
export function lookAtWords(state: RunState, gate: PlanGate, target: string, now: number): Look {
  const probe = wordProbeOf(gate);
  if (probe === undefined) throw new Error(`gate ${gate.id} asks nobody`);
  return probe.type === "acknowledged"
    ? lookAcknowledged(state, gate, probe, target)
    : lookApproved(state, gate, probe, now);
}

function lookAcknowledged(state: RunState, gate: PlanGate, probe: AcknowledgedProbe, target: string): Look {
  const { what, by } = probe;
  const heard = acknowledging(state, gate, target);
  const observed = { acknowledged: heard.map((word) => word.by) };
  const expected = { acknowledged: what, by };
  if (heard.length > 0) return { verdict: "pass", observed, expected };
  const message = `waits for ${listed(by)} to acknowledge: ${what}`;
  return { verdict: "inconclusive", observed, expected, message };
}

function acknowledging(state: RunState, gate: PlanGate, target: string): readonly Word[] {
  const since = provenBy(state, gate);
  return state.words.filter(
    (word) =>
      word.kind === "acknowledged" && word.gate === gate.id && word.targets.includes(target) && word.entry > since,
  );
}

function lookApproved(state: RunState, gate: PlanGate, probe: ApprovedProbe, now: number): Look {
  const { by, count } = probe;
  const newest = answersTo(state, gate);
  const rejected = newest.find((word) => word.kind === "rejected");
  const approved = newest.filter((word) => word.kind === "approved" && now < word.at + probe.expires);
  const expected = { approvals: count, by };
  const observed = { approvals: approved.length, by: approved.map((word) => word.by) };
  if (rejected !== undefined) {
    const refusal = { ...observed, rejected: rejected.by };
    return { verdict: "fail", observed: refusal, expected, message: `rejected by ${rejected.by}: ${rejected.reason}` };
  }
  if (approved.length >= count) return { verdict: "pass", observed, expected };
  const expired = newest.length - approved.length;
  const gone = expired === 0 ? "" : `; ${expired} older than ${showDuration(probe.expires)}`;
  const message = `waits for approval by ${listed(by)}: ${approved.length} of ${count}${gone}`;
  return { verdict: "inconclusive", observed, expected, message };
}

/** The newest answer of each actor to the request that stands. */
function answersTo(state: RunState, gate: PlanGate): readonly Word[] {
  const request = requestOf(state, gate);
  if (request === undefined) return [];
  const answers = state.words.filter((word) => word.gate === gate.id && word.request === request.entry);
  return [...new Map(answers.map((word) => [word.actor, word])).values()];
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "somebody") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

/** Entries that a look at such a gate rests on: what was asked, and every answer. */
export function wordsBehind(state: RunState, gate: PlanGate): readonly number[] {
  const probe = wordProbeOf(gate);
  if (probe === undefined) return [];
  if (probe.type === "acknowledged")
    return gate.targets.flatMap(({ name }) => acknowledging(state, gate, name)).map(({ entry }) => entry);
  const request = requestOf(state, gate);
  return request === undefined ? [] : [request.entry, ...answersTo(state, gate).map(({ entry }) => entry)];
}

// ----------------------------------------------------------------------------------------------------------- fold

/** What a word changes in the state. Words to a gate that the plan doesn't know change nothing. */
export function heard(
  state: RunState,
  entry: number,
  event: WordEvent & { readonly at: number },
  actor: Actor | undefined,
): Partial<RunState> {
  const gate = gatesOf(state.started.plan).find(({ id }) => id === event.gate);
  if (gate === undefined) return {};
  if (event.type === "approval.requested") {
    const { at, plan, previews } = event;
    return { requests: { ...state.requests, [gate.id]: { entry, at, plan, previews } } };
  }
  const by = event.from ?? actor?.claimed ?? "somebody";
  if (event.type === "gate.overridden") return { overrides: overridden(state, gate, entry, event, by) };
  const common = {
    gate: gate.id,
    by,
    actor: `${actor?.authenticated} ${by}`,
    reason: event.reason,
    at: event.at,
    entry,
  };
  const word: Word =
    event.type === "acknowledgment.received"
      ? { ...common, kind: "acknowledged", targets: event.targets }
      : { ...common, kind: KINDS[event.type], targets: [], request: event.request };
  return { words: [...state.words, word] };
}

const KINDS = { "approval.given": "approved", "approval.rejected": "rejected" } as const;

/**
 * What the end of an operation leaves of what was asked for: an attempt may have had effects, so what was approved for
 * the step alone was approved for that attempt. (Members of a group that was approved as a whole go on being held to it.)
 */
export function requestsAfter(
  state: RunState,
  event: RunEvent & { readonly operation: OperationId },
): RunState["requests"] {
  if (event.type === "operation.failed" && WITHOUT_EFFECT.includes(event.how)) return state.requests;
  const [step] =
    Object.entries(state.steps).find(([, attempts]) =>
      attempts.some(({ operation }) => operation === event.operation),
    ) ?? [];
  return without(state.requests, (gate) => gate.phase === "ready" && gate.declaredOn === step, state);
}

const WITHOUT_EFFECT: readonly string[] = ["refused", "absent", "locked"];

/** A request that was rejected is over: who resumes asks anew. */
export function requestsAfterResume(state: RunState): RunState["requests"] {
  const rejected = new Set(state.words.flatMap((word) => (word.kind === "rejected" ? [word.request] : [])));
  return without(state.requests, (gate) => rejected.has(state.requests[gate.id]?.entry), state);
}

/** What was approved is not what would happen: every request that covers the step is over. */
export function outdated(state: RunState, step: NodeId): Pick<RunState, "requests" | "gates"> {
  const covers = (gate: PlanGate) =>
    state.requests[gate.id]?.previews.some((preview) => preview.step === step) === true;
  const over = new Set(
    gatesOf(state.started.plan)
      .filter(covers)
      .map(({ id }) => id),
  );
  const gates = Object.entries(state.gates).map(([id, { passed, ...gate }]) => [
    id,
    passed === undefined || over.has(id) ? gate : { ...gate, passed },
  ]);
  return { requests: without(state.requests, covers, state), gates: Object.fromEntries(gates) };
}

function without(
  requests: RunState["requests"],
  isOver: (gate: PlanGate) => boolean,
  state: RunState,
): RunState["requests"] {
  const over = new Set<GateId>(
    gatesOf(state.started.plan)
      .filter(isOver)
      .map(({ id }) => id),
  );
  return Object.fromEntries(Object.entries(requests).filter(([id]) => !over.has(id)));
}
