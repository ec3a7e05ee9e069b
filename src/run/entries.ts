/** Between events and ledger entries: the columns that an entry can be found by, and the way back. */
import type { GateId, NodeId, Plan } from "../plan/model.js";
import type { OperationId, RunEvent } from "./events.js";
import type { Numbered } from "./evolve.js";
import { bodyOf, type Proposed } from "./gates.js";
import type { Entry, NewEntry } from "./ports.js";
import type { RunState } from "./state.js";

/** The entry for an event of this run. */
export function newEntry(state: RunState, { event, causes }: Proposed): NewEntry {
  const { plan, rehearsal } = state.started;
  const { step, stack, operation } = placeOf(state, event);
  return {
    type: event.type,
    sequence: plan.sequence.name,
    run: state.run,
    rehearsal: rehearsal !== undefined,
    causes,
    body: bodyOf(event),
    ...(step === undefined ? {} : { step }),
    ...(operation === undefined ? {} : { operation }),
    ...(stack === undefined ? {} : { stack }),
  };
}

/** The event that an entry carries. */
export function eventOf(entry: Pick<Entry, "number" | "type" | "body"> & Partial<Pick<Entry, "actor">>): Numbered {
  const { number, type, body, actor } = entry;
  return { number, event: { type, ...body } as unknown as RunEvent, ...(actor === undefined ? {} : { actor }) };
}

interface Place {
  readonly step?: NodeId | undefined;
  readonly operation?: OperationId;
  readonly stack?: string | undefined;
}

function placeOf(state: RunState, event: RunEvent): Place {
  if (event.type === "operation.intended") return { step: event.step, operation: event.operation, stack: event.stack };
  if ("operation" in event) return { ...placeOfOperation(state, event.operation), operation: event.operation };
  if ("gate" in event) return { step: nodeOfGate(state.started.plan, event.gate) };
  return "node" in event ? { step: event.node } : {};
}

function placeOfOperation(state: RunState, operation: OperationId): Place {
  for (const [step, attempts] of Object.entries(state.steps)) {
    const attempt = attempts.find((candidate) => candidate.operation === operation);
    if (attempt !== undefined) return { step, stack: attempt.stack };
  }
  return {};
}

function nodeOfGate(plan: Plan, gate: GateId): NodeId | undefined {
  return plan.nodes.find((node) => [...node.ready, ...node.converged].some((candidate) => candidate.id === gate))?.id;
}
