/**
 * How an operation ended that nobody saw to its end (invariant 5): the engine's own history, its checkpoint, what it left
 * pending. Looks only; nothing is repaired here. What that can't tell nobody can, and a person decides.
 */
import { createRedactor, type Redactor, secretsInEnvironment } from "../../redact.js";
import type { OperationOutcome, OperationRequest } from "../../run/ports.js";
import { checkpointDigest } from "../stack/backend.js";
import { type HistoryEntry, historyEntry, pendingOperations } from "../stack/inspect.js";
import { describeLock, locksOf } from "../stack/locks.js";
import { exportDigest } from "../stack/state-digest.js";
import { plainText } from "./engine-events.js";
import type { HostOrder } from "./order.js";
import { doubtsOf, failureReason } from "./outcome.js";
import { isAlive } from "./process-identity.js";
import { changesOf, type OperationState } from "./state.js";

interface Times {
  readonly began: number;
  readonly ended: number;
}

/**
 * Of an operation with a journal. `absent` only where no engine was ever started; an update that was never let through,
 * or whose checkpoint shows that it had begun nothing, has had no effect.
 */
export async function inspected(
  order: HostOrder,
  state: OperationState,
  redactor: Redactor,
): Promise<OperationOutcome> {
  const now = Date.now();
  if (state.call === undefined) {
    const reason = "its operation host died before it had started an engine";
    return { status: "absent", began: now, ended: now, reason };
  }
  const times = { began: state.began ?? now, ended: now };
  if (!state.accepted) return unaccepted(state, times);
  try {
    const entry = await historyEntry(order);
    if (entry !== undefined) return await byHistory(order, state, entry);
    const pending = await pendingOperations(order);
    if (pending.length === 0 && isUntouched(order, state.before)) return beganNothing(times);
    return { status: "unresolved", facts: [...factsOf(order, state), ...pending, ...locks(order)] };
  } catch (error) {
    return { status: "unresolved", facts: [...factsOf(order, state), unable(error, redactor)] };
  }
}

/**
 * Of one that this machine knows nothing of. An engine that was started elsewhere would have left a history entry, a lock,
 * a pending operation or another checkpoint; with none of them it has had no effect.
 */
export async function inspectedFromAfar(
  order: HostOrder,
  previewed: OperationRequest["previewed"],
): Promise<OperationOutcome> {
  const now = Date.now();
  const redactor = createRedactor([...order.secrets, ...secretsInEnvironment(order.env)]);
  const unknown = "nothing is known of it on this machine";
  try {
    const entry = await historyEntry(order);
    if (entry !== undefined) return toldByHistory(order, entry);
    const facts = [...(await pendingOperations(order)), ...locks(order), ...changedSince(order, previewed)];
    if (facts.length > 0) return { status: "unresolved", facts: [unknown, ...facts] };
    const reason = "no engine was ever started: no directory, history, lock or pending operation";
    return { status: "absent", began: now, ended: now, reason };
  } catch (error) {
    return { status: "unresolved", facts: [unknown, unable(error, redactor)] };
  }
}

/**
 * An engine's word that its update has failed is not believed where it can't know: a provider died at work, an effect
 * could not be noted, or its checkpoint says that one is pending. What a retry would do twice a person must look at.
 */
export async function doubted(
  order: HostOrder,
  state: OperationState,
  outcome: OperationOutcome,
  redactor: Redactor,
): Promise<OperationOutcome> {
  if (["succeeded", "unresolved", "locked"].includes(outcome.status) || !("reason" in outcome)) return outcome;
  const pending = await pendingOperations(order).catch((error: Error) => [unable(error, redactor)]);
  const doubts = [...doubtsOf(state), ...pending];
  return doubts.length === 0 ? outcome : { status: "unresolved", facts: [outcome.reason, ...doubts] };
}

/** The digest of the engine's checkpoint after an operation; nothing where it can't be told. */
export async function checkpointAfter(order: HostOrder): Promise<string | undefined> {
  return order.stack.kind === "file" ? checkpointDigest(order.stack) : exportDigest(order).catch(() => undefined);
}

function unaccepted(state: OperationState, times: Times): OperationOutcome {
  if (state.refused !== undefined) return { status: "refused", ...times, reason: state.refused };
  const status = state.cancelled ? "cancelled" : "failed";
  return { status, ...times, reason: "it ended before its update was let through; nothing was changed" };
}

/**
 * Whether the engine's checkpoint is the one of before. The engine notes each effect there as pending before it asks a
 * provider for it (pkg/backend/snapshot.go, BeginMutation), so then none had begun; unless it was told to write no checkpoints.
 */
function isUntouched({ stack, env }: HostOrder, before: string | undefined): boolean {
  if (stack.kind !== "file" || before === undefined || env["PULUMI_SKIP_CHECKPOINTS"]) return false;
  return checkpointDigest(stack) === before;
}

function beganNothing(times: Times): OperationOutcome {
  const reason = "its engine died before it had changed anything: the checkpoint is what it was, with nothing pending";
  return { status: "failed", ...times, reason };
}

async function byHistory(order: HostOrder, state: OperationState, entry: HistoryEntry): Promise<OperationOutcome> {
  const checkpoint = await checkpointAfter(order);
  const seen = changesOf(state, "update", entry.ended);
  const common = {
    began: state.began ?? entry.began,
    ended: Math.min(entry.ended, Date.now()),
    changes: { ...seen, counts: entry.counts },
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
  if (entry.succeeded && !state.surprised) return { status: "succeeded", ...common };
  if (state.refused !== undefined) return { status: "refused", reason: state.refused, ...common };
  if (state.cancelled) return { status: "cancelled", reason: "cancelled during its update", ...common };
  const reason = failureReason(state, { stderr: "", programErrors: [] });
  return { status: "failed", reason: reason === "" ? SO_SAYS_HISTORY : reason, ...common };
}

const SO_SAYS_HISTORY = "the engine's history says that it failed";

function toldByHistory({ engine }: HostOrder, { succeeded, began, ended, counts }: HistoryEntry): OperationOutcome {
  const duration = ended - began;
  const changes = { counts, resources: [], diagnostics: [], providers: {}, engine: engine.version, duration };
  if (succeeded) return { status: "succeeded", began, ended, changes };
  return { status: "failed", began, ended, reason: SO_SAYS_HISTORY, changes };
}

function changedSince({ stack }: HostOrder, previewed: OperationRequest["previewed"]): readonly string[] {
  const before = previewed?.checkpoint;
  if (stack.kind !== "file" || before === undefined || checkpointDigest(stack) === before) return [];
  return ["the engine's checkpoint is not the one that was previewed"];
}

function factsOf(order: HostOrder, state: OperationState): readonly string[] {
  const engine = state.engine === undefined ? "of unknown pid" : `pid ${state.engine.pid}`;
  const orphans = state.children.filter(isAlive).map(({ pid }) => `a process of the engine still runs (pid ${pid})`);
  const facts = [
    `the engine (${engine}) is gone, and the engine's history has no entry of ${order.operation}`,
    ...orphans,
  ];
  if (order.stack.kind !== "file" || state.before === undefined) return facts;
  const same = checkpointDigest(order.stack) === state.before;
  return [...facts, `the engine's checkpoint is ${same ? "what it was" : "not what it was"} before the operation`];
}

function locks({ stack }: HostOrder): readonly string[] {
  return stack.kind === "file" ? locksOf(stack).map(describeLock) : [];
}

function unable(error: unknown, redactor: Redactor): string {
  return `the backend could not be asked: ${plainText((error as Error).message, redactor.apply)}`;
}
