/**
 * The run's state: a fold over its ledger entries and nothing else. Crash-resume is loading the entries and folding
 * them; there is no second truth and no recovery branch (DESIGN 4).
 */
import type { Measurement } from "../gates/model.js";
import type { GateId, NodeId, Plan, RecoveryStart } from "../plan/model.js";
import type {
  Answered,
  ChangeSet,
  Counts,
  HaltCause,
  OperationId,
  RequestedPreview,
  RunId,
  SourceDigest,
} from "./events.js";

/** recovered: it had halted, and a recovery brought the system to a consistent state. */
export type RunStatus = "running" | "halted" | "paused" | "completed" | "aborted" | "recovered";

export type AttemptOutcome =
  | {
      readonly status: "succeeded";
      readonly began: number;
      readonly ended: number;
      /** Resources per engine op. */
      readonly counts: ChangeSet["counts"];
      readonly entry: number;
    }
  | {
      readonly status: "failed" | "refused" | "cancelled" | "absent" | "locked";
      readonly ended: number;
      readonly reason: string;
      readonly entry: number;
    }
  | { readonly status: "unresolved"; readonly facts: readonly string[]; readonly entry: number };

export interface Attempt {
  readonly number: number;
  readonly operation: OperationId;
  readonly stack: string;
  readonly source: SourceDigest;
  /** Number of the entry that declared the intent. */
  readonly entry: number;
  readonly intendedAt: number;
  readonly previewed?: { readonly entry: number; readonly checkpoint?: string; readonly refusal?: string };
  readonly outcome?: AttemptOutcome;
}

/** A verdict against a gate that has been recorded; measuring may go on under `hold`. */
export interface GateVerdict {
  readonly kind: "failed" | "errored" | "inconclusive";
  readonly timedOut: boolean;
  readonly reason: string;
  readonly at: number;
  readonly entry: number;
}

export interface GateState {
  /** Entry of `gate.passed`. */
  readonly passed?: number;
  readonly verdict?: GateVerdict;
  readonly measured: { readonly [target: string]: MeasuredTarget };
}

/** What the ledger holds of a gate's target. */
export interface MeasuredTarget {
  /** Entries of `gate.measured` since its present streak of passes began. */
  readonly entries: readonly number[];
  readonly last: Measurement;
  /** When its present verdict was first seen, milliseconds since the epoch. */
  readonly since: number;
  readonly counts: Counts;
}

/** What somebody said to a gate. */
export interface Word {
  readonly kind: "acknowledged" | "approved" | "rejected";
  readonly gate: GateId;
  /** Of an acknowledgment. */
  readonly targets: readonly string[];
  /** Of an approval or its refusal: the entry of the request that it answers. */
  readonly request?: number;
  /** Who, as they claim to be. */
  readonly by: string;
  /** Tells one actor from another: the database's role and the claim. */
  readonly actor: string;
  readonly reason: string;
  readonly at: number;
  readonly entry: number;
}

/** What an approval of a gate would be for. */
export interface ApprovalRequest {
  readonly entry: number;
  readonly at: number;
  readonly plan: string;
  readonly previews: readonly RequestedPreview[];
}

/** Signed: the gate, or only `targets` of it, hold nothing back, for one attempt. */
export interface Override {
  readonly entries: readonly number[];
  /** Absent: the whole gate. */
  readonly targets?: readonly string[];
  /** Names the attempt that it is for (run/overrides.ts). */
  readonly attempt: string;
  readonly by: string;
  readonly reason: string;
  readonly at: number;
}

export interface StartedRun {
  readonly plan: Plan;
  readonly root: string;
  readonly file: string;
  readonly sources: readonly SourceDigest[];
  readonly rehearsal?: string;
  readonly answers?: Answered;
  readonly parallel: number;
  readonly at: number;
  readonly entry: number;
  readonly engine: string;
}

export interface Halt {
  readonly cause: HaltCause;
  readonly node?: NodeId;
  readonly reason: string;
  readonly entry: number;
  /** What the rules chose to answer it with. */
  readonly recovery?: { readonly rule: string; readonly sequence: string; readonly start: RecoveryStart };
}

export interface RunState {
  readonly run: RunId;
  /** Number of entries folded so far; the ledger's expected version. */
  readonly version: number;
  readonly started: StartedRun;
  readonly status: RunStatus;
  readonly halt?: Halt | undefined;
  /** The newest run that answers this one. */
  readonly recovery?: { readonly run: RunId; readonly sequence: string; readonly entry: number };
  /** Why it was paused, while it is. */
  readonly paused?: string | undefined;
  readonly ended?: { readonly at: number; readonly entry: number };
  readonly held: { readonly [node: NodeId]: { readonly gate: GateId; readonly reason: string; readonly at: number } };
  readonly steps: { readonly [step: NodeId]: readonly Attempt[] };
  /** Entry and time of `boundary.opened`. */
  readonly opened: { readonly [node: NodeId]: { readonly entry: number; readonly at: number } };
  readonly gates: { readonly [gate: GateId]: GateState };
  /** All that people have said to its gates, in order. */
  readonly words: readonly Word[];
  /** The newest request for each gate that asks for approvals, while it stands. */
  readonly requests: { readonly [gate: GateId]: ApprovalRequest };
  readonly overrides: { readonly [gate: GateId]: Override };
  /** When a person last resumed it (or it began): time-outs count from here. */
  readonly resumedAt: number;
  /** Entry of the newest `run.resumed`: failures before it may be tried again. */
  readonly resumedBy?: number;
  /** Where that resume names the steps to be attempted again: these, even if their update succeeded, and no others. */
  readonly retrying?: readonly NodeId[] | undefined;
  readonly acceptChangedCode: boolean;
  /** Number of this run's newest entry. */
  readonly last: number;
  /** The entry of the newest start, adoption or resume: the cause of what has no other. */
  readonly drivenBy: number;
}

/** Whether nothing can come any more. */
export function isOver({ status }: Pick<RunState, "status">): boolean {
  return status === "completed" || status === "aborted" || status === "recovered";
}

/** Every gate of a plan, in plan order. */
export function gatesOf(plan: Plan) {
  return [...plan.nodes.flatMap((node) => [...node.ready, ...node.converged]), ...plan.consistent];
}

/** The newest attempt of a step. */
export function lastAttempt(state: RunState, step: NodeId): Attempt | undefined {
  return state.steps[step]?.at(-1);
}

/** Operations whose outcome is not recorded yet. */
export function openAttempts(state: RunState): readonly { readonly step: NodeId; readonly attempt: Attempt }[] {
  return Object.entries(state.steps).flatMap(([step, attempts]) =>
    attempts.filter((attempt) => attempt.outcome === undefined).map((attempt) => ({ step, attempt })),
  );
}
