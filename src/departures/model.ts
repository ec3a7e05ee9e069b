/**
 * Departures: what evo did *not* do (DESIGN 1). What the backend shows of a stack, what the ledger knows of it, and the
 * difference. Everything below this folder is pure. All times are milliseconds since the epoch.
 */
import type { NodeId, OutOfBand, SequencePolicy, StepVerb } from "../plan/model.js";

/** `<backend url>#<fully qualified name>`. */
export type StackId = string;
/** Short, and the same for the same departure over many looks. */
export type DepartureId = string;

/**
 * Where a departure lies in a planned order. early: of a step that a running or declared sequence had not reached.
 * concurrent: of a step under way. after: of a step that had converged. unrelated: no planned order names the stack.
 */
export type Place = "early" | "concurrent" | "after" | "unrelated";

/** A changed resource, without any value. */
export interface Changed {
  readonly urn: string;
  readonly type: string;
  /** create, update, delete, or the engine's own word. */
  readonly op: string;
  /** Property paths, as far as they are known. */
  readonly paths: readonly string[];
}

/** Who changed something and from where, as far as the backend knows; what it doesn't know is `unknown`, never guessed. */
export interface Origin {
  readonly by: string;
  readonly from: string;
  /** What the engine noted of its surroundings: a fixed list of names (`ci.*`, `git.*`), no configuration. */
  readonly noted: { readonly [name: string]: string };
}

// ------------------------------------------------------------------------------------------- what the backend shows

/** An update in the engine's own history. */
export interface BackendUpdate {
  /** Names it within its stack; positions are ordered as the updates ended. */
  readonly position: string;
  /** The engine's word: update, refresh, destroy, import, rename. */
  readonly kind: string;
  readonly result: string;
  readonly began: number;
  readonly ended: number;
  readonly noted: { readonly [name: string]: string };
  /** Resources per engine op. */
  readonly counts: { readonly [op: string]: number };
}

/** A stack as its backend has it at one moment. */
export interface BackendView {
  readonly exists: boolean;
  /** Who works on it right now, one sentence each: while there is one nothing can be said. */
  readonly locks: readonly string[];
  /** Digest of the engine's checkpoint. */
  readonly checkpoint?: string;
  /** When the checkpoint was written last, where that can be told. */
  readonly written?: number;
  /** How many resources are in the checkpoint, where that was counted. */
  readonly resources?: number;
  /** Updates behind the position that was asked for (all without one), oldest first. */
  readonly updates: readonly BackendUpdate[];
  /** Digest of the checkpoint as the newest update left it, where the backend keeps that. */
  readonly left?: string;
}

// ---------------------------------------------------------------------------------------------- what the ledger knows

/** What the ledger knows of one stack. */
export interface StackKnowledge {
  readonly stack: StackId;
  /** The newest entry that was read of it; 0 without one. */
  readonly newest: number;
  /** The first look at it; absent before. */
  readonly baseline?: Baseline;
  /** What had drifted already when the live system was first looked at; absent before that. */
  readonly liveBaseline?: { readonly fingerprints: readonly string[]; readonly entry: number };
  /** When the live system could last be looked at. */
  readonly lastLive?: number;
  /** Digest of the engine's checkpoint as evo last left or recorded it. */
  readonly checkpoint?: string;
  /** The entry that says so. */
  readonly checkpointEntry?: number;
  /** Of evo's own newest operation: under way, without a known outcome, or neither. */
  readonly operation: "none" | "open" | "unresolved" | "settled";
  /** Positions of updates that were recorded already. */
  readonly recorded: ReadonlySet<string>;
  /** The newest position that is recorded. */
  readonly position?: string;
  readonly departures: readonly Departure[];
}

export interface Baseline {
  readonly entry: number;
  readonly at: number;
  readonly exists: boolean;
  readonly position?: string;
}

/** A departure as the ledger's entries make it. */
export interface Departure {
  readonly id: DepartureId;
  readonly kind: "update" | "edit" | "drift";
  readonly stack: StackId;
  readonly place: Place;
  /** The sequence and step in whose order it lies. */
  readonly sequence?: string;
  readonly step?: NodeId;
  readonly summary: string;
  readonly at: number;
  /** When it was first seen; for drift the scan that saw it is the entry's cause. */
  readonly detected: number;
  readonly entry: number;
  /** The newest entry about it. */
  readonly last: number;
  /** What its sequence's policy says about it. */
  readonly rule: OutOfBand;
  readonly open: boolean;
  /** How it was closed last. */
  readonly closed?: string;
  /** Until when (ISO 8601, exclusive) a person accepted it; then it is open again. */
  readonly accepted?: string;
  readonly reopened: number;
  readonly rehearsal: boolean;
}

// ----------------------------------------------------------------------------------------------------- planned orders

/** One step of a planned order, and the stack that it means. */
export interface PlannedStep {
  readonly step: NodeId;
  /** From 1. */
  readonly number: number;
  readonly verb: StepVerb;
  readonly stack: StackId;
  /** Of a running sequence: when its newest attempt was intended, and when its boundary opened. */
  readonly reached?: number;
  readonly converged?: number;
}

/** A sequence that runs or was declared ahead: nothing else has a planned order. */
export interface PlannedOrder {
  readonly sequence: string;
  readonly run?: string;
  /** From when on it stands. */
  readonly since: number;
  readonly steps: readonly PlannedStep[];
  readonly policy?: SequencePolicy;
}
