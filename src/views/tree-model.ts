/** What the live tree is made from, and what it is made of before it is drawn. Types only. */
import type { NodeId } from "../plan/model.js";
import type { OperationId } from "../run/events.js";
import type { Evidence } from "../run/gates.js";
import type { LeaseHolder, OperationReport } from "../run/ports.js";
import type { RunState } from "../run/state.js";

/** Medians of earlier completed runs, in milliseconds; what no earlier run has had is absent. */
export interface Usual {
  readonly run?: number;
  /** From a step's intent to the end of its update. */
  readonly update: { readonly [step: NodeId]: number };
  /** From the end of a boundary's last update to its opening. */
  readonly convergence: { readonly [node: NodeId]: number };
  /** From the first intent below a node to its opening. */
  readonly total: { readonly [node: NodeId]: number };
}

export const NOTHING_USUAL: Usual = { update: {}, convergence: {}, total: {} };

export type EngineProgress = OperationReport & { readonly kind: "progress" };

/** Everything that is known of a run at one moment. */
export interface TreeInput {
  readonly state: RunState;
  /** What this process has seen itself; empty where another drives the run: then the record is all there is. */
  readonly seen: Evidence;
  readonly progress: { readonly [operation: OperationId]: EngineProgress };
  /** Leases that steps wait for. */
  readonly leases: { readonly [step: NodeId]: LeaseHolder };
  readonly usual: Usual;
  /** For onlookers: who drives the run; null: nobody does. */
  readonly driver?: string | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** How it is to be drawn. */
export interface TreeStyle {
  /** Columns that a line may have. */
  readonly width: number;
  /** Lines that the tree may have. */
  readonly height: number;
  readonly unicode: boolean;
  readonly colour: boolean;
}

/**
 * waiting: not begun. working: the engine runs, or a target passes and needs more passes. settling: applied, not yet
 * converged. missing: a target does not show what it should yet. unsure: an error, an inconclusive look, an outcome that
 * nobody knows.
 */
export type Mark = "waiting" | "working" | "settling" | "done" | "missing" | "failed" | "unsure" | "held" | "none";

export interface TreeRow {
  readonly mark: Mark;
  readonly kind: "node" | "gate" | "target";
  readonly name: string;
  readonly text: string;
  /** How far it has come: `4 of 5 in a row`. */
  readonly meter?: string;
  readonly time?: string;
  readonly usual?: string;
  /** It takes much longer than usual. */
  readonly late?: boolean;
  /** What it is worth where there is no room for all: the least go first, 0 stays. */
  readonly spare: number;
  readonly children: readonly TreeRow[];
}
