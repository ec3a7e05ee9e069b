/** What the machine can ask for, and what each part of a decision contributes. */
import type { GateId, NodeId } from "../plan/model.js";
import type { OperationId } from "./events.js";
import type { Proposed } from "./gates.js";

export type Action =
  /** Append these entries, in one batch. */
  | { readonly do: "record"; readonly events: readonly Proposed[] }
  /** Lease the stack, record `events` and the intent, start the engine. */
  | {
      readonly do: "operate";
      readonly step: NodeId;
      readonly attempt: number;
      readonly events: readonly Proposed[];
      readonly causes: Proposed["causes"];
    }
  /** Follow an operation whose outcome is not recorded. */
  | { readonly do: "follow"; readonly step: NodeId; readonly operation: OperationId }
  | { readonly do: "look"; readonly gate: GateId; readonly target: string }
  /** Preview what a gate's approval would let start, and record what is to be approved. */
  | { readonly do: "ask"; readonly gate: GateId };

export interface Decision {
  readonly actions: readonly Action[];
  /** Milliseconds since the epoch: when time alone may change the decision. */
  readonly wakeAt?: number;
}

/** What one boundary, admission or start contributes: entries to record at once, or actions and the time to look again. */
export interface Part {
  readonly record?: readonly Proposed[];
  readonly actions: readonly Action[];
  readonly wakeAt?: number | undefined;
}

export const NOTHING: Part = { actions: [] };
