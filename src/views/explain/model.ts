/**
 * What `evo explain` says of a run, as data: the shape of its `--json`. Times are milliseconds since the epoch, durations
 * milliseconds. Fields may be added; what is here keeps its meaning within `evo.explain/1`.
 */
import type { Place } from "../../departures/model.js";
import type { Json, Verdict } from "../../gates/model.js";
import type { GateId, NodeId } from "../../plan/model.js";
import type { HaltCause, OperationId } from "../../run/events.js";
import type { ConvergenceTimes } from "../gates-times.js";
import type { PutBack } from "../put-back.js";
import type { RunView, StepStatus } from "../status.js";
import type { SignedOverride } from "../words.js";

export interface Explanation {
  readonly schema: "evo.explain/1";
  readonly run: string;
  readonly sequence: string;
  readonly owner?: string;
  readonly rehearsal?: string;
  readonly status: RunView["status"];
  /** When this was said. */
  readonly at: number;
  /** Where it stands, in one line. */
  readonly summary: string;
  /** Who drives it; null: nobody does. */
  readonly driver: string | null;
  readonly stopped?: Stop;
  /** The newest recovery that answers it. */
  readonly recovery?: { readonly run: string; readonly sequence: string };
  /** The run that it answers. */
  readonly answers?: { readonly run: string; readonly sequence: string; readonly rule?: string };
  /** From where it stopped to the first cause, which is the last link but for the run's start. */
  readonly chain: readonly ChainLink[];
  /** Gates that are awaited or were judged against, target by target. */
  readonly gates: readonly GateStanding[];
  /** Targets that don't show what they should: the same as in `gates`, flat. */
  readonly missing: readonly MissingTarget[];
  readonly applied: readonly AppliedStep[];
  readonly notApplied: readonly PendingStep[];
  /** Steps that are put to a recorded state, and to which. */
  readonly putBack: readonly (PutBack & { readonly step: NodeId })[];
  /** Steps whose change is in question: they failed, or gates that prove them are awaited. */
  readonly inQuestion: readonly NodeId[];
  /** Steps that were applied although they rest on what has not converged. */
  readonly consumers: readonly Consumer[];
  readonly departures: readonly ExplainedDeparture[];
  /** What somebody has signed to go on without (invariant 12). */
  readonly overrides: readonly SignedOverride[];
  /** What would have to be true to go on. */
  readonly conditions: readonly string[];
  /** What a person can do now. Nothing is in it that evo would refuse in this state. */
  readonly choices: readonly Choice[];
}

/** Where a run stopped, or what holds it back. */
export interface Stop {
  readonly cause: HaltCause | "paused" | "held" | "aborted";
  readonly node?: NodeId;
  readonly reason: string;
  readonly entry: number;
  readonly since: number;
}

export interface ChainLink {
  readonly entry: number;
  readonly type: string;
  /** ISO 8601 by the database's clock. */
  readonly time: string;
  readonly text: string;
}

/**
 * converged: its policy was met when it was last judged, and nothing else was seen since. passing: it shows what is
 * expected; whether for long enough only who looks knows. missing: it shows something else. unseen: nobody could see it.
 */
export type TargetState = "converged" | "passing" | "missing" | "unseen";

export interface GateStanding {
  readonly gate: GateId;
  readonly phase: "ready" | "converged" | "consistent";
  readonly declaredOn: NodeId | "sequence";
  /** Since when it could be looked at, and until when: now, or where the run came to a stand. */
  readonly from: number;
  readonly until: number;
  readonly verdict?: "failed" | "errored" | "inconclusive" | "timed out";
  readonly held: boolean;
  readonly converged: number;
  readonly needed: number;
  /** How long it has taken in earlier runs, until it passed. */
  readonly usual?: ConvergenceTimes;
  readonly targets: readonly TargetStanding[];
}

export interface TargetStanding {
  readonly target: string;
  readonly state: TargetState;
  /** Since when it has shown what it shows now. */
  readonly since?: number;
  /** As far as the record has counted them: to the newest one recorded, or to the verdict. */
  readonly looks: number;
  readonly observed: Json;
  readonly expected: Json;
  readonly verdict: Verdict | "not looked at yet";
  readonly message?: string;
  /** How often in this run it stopped passing after it had converged, and before. */
  readonly flaps: number;
  readonly wavers: number;
  /** The newest recorded looks, oldest first: the ledger takes a look where it tells something new. */
  readonly recent: readonly RecentLook[];
  readonly usual?: ConvergenceTimes;
  /** Whose word is asked for, where it is a word. */
  readonly by?: readonly string[];
}

export interface RecentLook {
  readonly at: number;
  readonly verdict: Verdict;
  readonly observed: Json;
  readonly message?: string;
}

export interface MissingTarget extends TargetStanding {
  readonly gate: GateId;
  readonly from: number;
  readonly until: number;
  /** Who answers for it: who was asked for a word, else the sequence's owner. */
  readonly owner?: string;
}

export interface AppliedStep {
  readonly step: NodeId;
  readonly stack: string;
  /** When its update ended. */
  readonly at: number;
  readonly converged?: number;
  readonly changes: { readonly [op: string]: number };
  /** Applied steps that are known to read its stack's outputs. */
  readonly readBy: readonly NodeId[];
}

export interface PendingStep {
  readonly step: NodeId;
  readonly stack: string;
  readonly status: StepStatus;
  /** What it waits for. */
  readonly after: readonly NodeId[];
  readonly reason?: string;
}

export interface Consumer {
  readonly step: NodeId;
  /** It comes after it in the plan's order. */
  readonly after: boolean;
  /** It is known to read its outputs. */
  readonly reads: boolean;
}

export interface ExplainedDeparture {
  readonly id: string;
  readonly kind: "update" | "edit" | "drift";
  readonly stack: string;
  readonly place: Place;
  readonly step?: NodeId;
  readonly summary: string;
  readonly open: boolean;
  readonly entry: number;
}

export type ChoiceKind =
  | "resume"
  | "wait"
  | "acknowledge"
  | "approve"
  | "reject"
  | "override"
  | "recover"
  | "retry"
  | "settle"
  | "pause"
  | "abort"
  | "start anew";

export interface Choice {
  readonly choice: ChoiceKind;
  /** Exactly what to type; reasons are for the person to fill in. */
  readonly command: string;
  readonly does: string;
  readonly step?: NodeId;
  readonly operation?: OperationId;
  readonly gate?: GateId;
}
