/** Performs an operation: lease, intent, engine, preview, verdict, outcome. The order of these lines is invariant 1. */
import { EvoError } from "../errors.js";
import type { NodeId, StepNode } from "../plan/model.js";
import { unapproved } from "./binding.js";
import { decide } from "./decide.js";
import { departedHalt } from "./departed.js";
import type { Driving } from "./driving.js";
import { nodeOf } from "./edges.js";
import type { OperationId, OperationIntent, RunEvent, SourceDigest } from "./events.js";
import type { Proposed } from "./gates.js";
import type { OperationOutcome, OperationReport, OperationRequest, StackIdentity } from "./ports.js";
import { type Attempt, lastAttempt, type RunState } from "./state.js";

/** Milliseconds between two tries to lease a stack that another run holds. */
const LEASE_RETRY = 2_000;

/** Takes the stack's lease if it isn't held; with it, records the intent and runs the operation to its end. */
export async function operate(driving: Driving, step: NodeId): Promise<void> {
  const { recorder, leases, ports } = driving;
  const node = stepNode(recorder.state(), step);
  const identity = await ports.executor.identify(node, recorder.state().started.root);
  if (!leases.holds(identity.stack)) return takeStack(driving, node, identity.stack);
  if (await isDeparted(driving, step)) return;
  const intent = await intend(driving, node, identity);
  if (intent === undefined) return;
  await leases.check();
  const request = requestOf(recorder.state(), node, intent);
  try {
    await ports.executor.start(request);
  } catch (error) {
    if (!(error instanceof EvoError)) throw error;
    return recordOutcome(driving, intent.operation, {
      status: "failed",
      began: ports.clock.now(),
      ended: ports.clock.now(),
      reason: error.message,
    });
  }
  await follow(driving, request);
}

/** Invariant 9: what happened behind evo's back is seen before the step is started, and halts the run where it must. */
async function isDeparted({ recorder, ports }: Driving, step: NodeId): Promise<boolean> {
  const state = recorder.state();
  const departed = (await ports.departures?.before(state)) ?? [];
  if (departed.length === 0) return false;
  await recorder.catchUp();
  const present = recorder.state();
  if (present.status === "running") await recorder.record([departedHalt(departed, ports.clock.now(), step)], present);
  return true;
}

/** Follows an operation that was intended before this process drove the run. */
export async function followOperation(driving: Driving, step: NodeId): Promise<void> {
  const state = driving.recorder.state();
  const attempt = lastAttempt(state, step);
  if (attempt === undefined || attempt.outcome !== undefined) return;
  const node = stepNode(state, step);
  if (!driving.leases.holds(attempt.stack)) return takeStack(driving, node, attempt.stack);
  const request = requestOf(state, node, intentOf(node, attempt));
  await follow(driving, attempt.previewed === undefined ? request : { ...request, previewed: attempt.previewed });
}

/** Asks for the lease; while another holds it, says so and waits a little. The next decision comes back here. */
async function takeStack(driving: Driving, node: StepNode, stack: string): Promise<void> {
  const { clock, notifier } = driving.ports;
  const answer = await driving.leases.take(stack);
  if (answer.acquired) return;
  notifier.tell({ kind: "waiting", node: node.id, lease: answer.by });
  await clock.until(clock.now() + LEASE_RETRY, driving.active);
}

/** Records the intent, if the decision that led here still stands (time has passed since) and the sources are unchanged. */
async function intend(driving: Driving, node: StepNode, identity: StackIdentity): Promise<OperationIntent | undefined> {
  const { recorder, ports } = driving;
  const state = recorder.state();
  const now = ports.clock.now();
  const action = decide(state, driving.evidence(), now).actions.find(
    (candidate) => candidate.do === "operate" && candidate.step === node.id,
  );
  if (action === undefined || action.do !== "operate") return undefined;
  const changed = changedSource(state, identity.source);
  if (changed !== undefined) {
    const event: RunEvent = { type: "run.halted", at: now, cause: "sources-changed", node: node.id, reason: changed };
    await recorder.record([{ event, causes: [state.started.entry] }], state);
    return undefined;
  }
  const intent: OperationIntent = {
    operation: `${state.run}.${node.id}.${action.attempt}.${node.verb}`,
    step: node.id,
    attempt: action.attempt,
    verb: node.verb,
    ...identity,
    ...putBackTo(node),
  };
  const event: RunEvent = { type: "operation.intended", at: now, ...intent };
  const causes = [...action.causes, ...(node.earlier === undefined ? [] : [node.earlier.entry])];
  return (await recorder.record([...action.events, { event, causes }], state)) ? intent : undefined;
}

/** Invariant 6: what would run now is what was there at the run's start, unless somebody signed for the change. */
function changedSource(state: RunState, source: SourceDigest): string | undefined {
  const frozen = state.started.sources.find((candidate) => candidate.path === source.path);
  if (frozen?.sha256 === source.sha256 || state.acceptChangedCode) return undefined;
  const was = frozen === undefined ? "unknown" : frozen.sha256.slice(0, 12);
  return `${source.path} has changed since the run started (was ${was}, is ${source.sha256.slice(0, 12)})`;
}

async function follow(driving: Driving, request: OperationRequest): Promise<void> {
  const { executor, notifier } = driving.ports;
  const { operation } = request.intent;
  for await (const report of executor.follow(request, driving.signal)) {
    if (report.kind === "progress") notifier.tell({ kind: "progress", operation, report });
    if (report.kind === "previewed") await previewed(driving, request, report);
    if (report.kind === "ended") return recordOutcome(driving, operation, report.outcome);
  }
}

/**
 * The preview is recorded before the engine may go on; then it is told to, or not to (invariants 1, 4, 10). Where the
 * start was approved, it must be what was approved.
 */
async function previewed(
  driving: Driving,
  request: OperationRequest,
  report: OperationReport & { kind: "previewed" },
): Promise<void> {
  const { recorder, ports, leases } = driving;
  const { operation } = request.intent;
  const { preview, checkpoint } = report;
  const attempt = attemptOf(recorder.state(), operation);
  const outdated = report.refusal === undefined ? unapproved(recorder.state(), request.node.id, preview) : undefined;
  const refusal = report.refusal ?? attempt.previewed?.refusal ?? outdated;
  if (attempt.previewed === undefined) {
    const at = ports.clock.now();
    const event: RunEvent = {
      type: "operation.previewed",
      at,
      operation,
      preview,
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(refusal === undefined ? {} : { refusal }),
    };
    const halt = outdated === undefined ? [] : [outdatedHalt(request.node.id, outdated, at)];
    await recorder.record([{ event, causes: [attempt.entry] }, ...halt]);
  }
  if (refusal !== undefined) return ports.executor.refuse(operation, refusal);
  if (recorder.state().status !== "running") return ports.executor.refuse(operation, STOPPED);
  await leases.check();
  await ports.executor.accept(operation);
}

/** A person is to see what would happen now; who resumes has it shown and asks for another approval. */
function outdatedHalt(node: NodeId, reason: string, at: number): Proposed {
  return { event: { type: "run.halted", at, cause: "approval-outdated", node, reason }, causes: [{ batch: 0 }] };
}

/** Told to the engine where a run was paused or halted between an operation's preview and its update. */
export const STOPPED = "the run was stopped before this update had begun";

async function recordOutcome(driving: Driving, operation: OperationId, outcome: OperationOutcome): Promise<void> {
  const { recorder, ports } = driving;
  const attempt = attemptOf(recorder.state(), operation);
  const event = outcomeEvent(operation, outcome, ports.clock.now());
  await recorder.record([{ event, causes: [attempt.previewed?.entry ?? attempt.entry] }]);
}

function outcomeEvent(operation: OperationId, outcome: OperationOutcome, at: number): RunEvent {
  if (outcome.status === "unresolved") return { type: "operation.unresolved", at, operation, facts: outcome.facts };
  if (outcome.status === "succeeded") {
    const { status: _, ...rest } = outcome;
    return { type: "operation.succeeded", at, operation, ...rest };
  }
  const { status, ...rest } = outcome;
  const how = status === "refused" && outcome.reason.includes(STOPPED) ? "cancelled" : status;
  return { type: "operation.failed", at, operation, how, ...rest };
}

function attemptOf(state: RunState, operation: OperationId): Attempt {
  const attempt = Object.values(state.steps)
    .flat()
    .find((candidate) => candidate.operation === operation);
  if (attempt === undefined) throw new Error(`no intent of ${operation} is recorded`);
  return attempt;
}

function stepNode(state: RunState, step: NodeId): StepNode {
  const node = nodeOf(state.started.plan, step);
  if (node.kind !== "step") throw new Error(`${step} is not a step`);
  return node;
}

function intentOf(node: StepNode, attempt: Attempt): OperationIntent {
  const { operation, stack, source, number } = attempt;
  return { operation, step: node.id, attempt: number, verb: node.verb, stack, source, ...putBackTo(node) };
}

function putBackTo({ earlier }: StepNode): Pick<OperationIntent, "asOf"> {
  return earlier === undefined ? {} : { asOf: earlier.operation };
}

function requestOf(state: RunState, node: StepNode, intent: OperationIntent): OperationRequest {
  return { intent, run: state.run, node, root: state.started.root };
}
