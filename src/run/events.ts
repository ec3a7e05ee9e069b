/**
 * The run's ledger entries, as the machine sees them. Names are past tense, `noun.verb` (DESIGN 7). Every event carries
 * `at`, evo's own clock in milliseconds; the ledger adds its database's time.
 */
import type { Json, Measurement } from "../gates/model.js";
import type { GateId, NodeId, Plan, RecoveryStart } from "../plan/model.js";

export type RunId = string;
/** `<run>.<step>.<attempt>.<verb>`; the engine's own history carries it as build number. */
export type OperationId = string;

export interface ResourceChange {
  readonly urn: string;
  readonly type: string;
  /** The engine's word: create, update, delete, replace, read, refresh, import … */
  readonly op: string;
  /** Changed property paths, never values. */
  readonly paths: readonly string[];
  /** Property paths that force a replacement. */
  readonly replaces: readonly string[];
}

export interface Diagnostic {
  readonly severity: "info" | "warning" | "error";
  readonly urn?: string;
  /** Redacted (invariant 11). */
  readonly message: string;
}

/** What a preview or an update did or would do; no `same` resources, no values. */
export interface ChangeSet {
  /** Number of resources per op, `same` included. */
  readonly counts: { readonly [op: string]: number };
  readonly resources: readonly ResourceChange[];
  readonly diagnostics: readonly Diagnostic[];
  readonly engine: string;
  readonly providers: { readonly [name: string]: string };
  /** Milliseconds. */
  readonly duration: number;
}

/** Files that an operation would execute: compared before each start (invariant 6). */
export interface SourceDigest {
  readonly path: string;
  readonly sha256: string;
  /** Git commit, where there is one; `dirty` where the tree differs from it. */
  readonly commit?: string;
  readonly dirty?: boolean;
}

export interface OperationIntent {
  readonly operation: OperationId;
  readonly step: NodeId;
  readonly attempt: number;
  readonly verb: "up" | "destroy" | "refresh";
  /** Identity of the stack across checkouts: `<backend url>#<fully qualified name>`. */
  readonly stack: string;
  readonly source: SourceDigest;
  /** The recorded operation whose state the stack is put back to; `source` is then that one's. */
  readonly asOf?: OperationId;
}

/** How far a gate's target has come; what `gate.measured` keeps of the looks it does not list. */
export interface Counts {
  readonly pass: number;
  readonly fail: number;
  readonly inconclusive: number;
  readonly error: number;
}

export interface TargetReport {
  readonly target: string;
  readonly converged: boolean;
  readonly last?: Measurement;
  /** Since when the last verdict has stood, milliseconds since the epoch. */
  readonly since?: number;
  readonly counts: Counts;
}

export interface SampleDigest {
  readonly target: string;
  readonly from: number;
  readonly to: number;
  readonly sha256: string;
}

/** Why a run stands still. The words that exit codes follow from. */
export type HaltCause =
  | "operation-failed"
  | "operation-refused"
  | "operation-unresolved"
  | "stack-locked"
  | "gate-failed"
  | "gate-errored"
  | "gate-inconclusive"
  | "gate-timed-out"
  | "inconsistent"
  /** Something that evo did not do lies in the planned order (invariant 9). */
  | "departed"
  | "sources-changed"
  /** What would happen now is not what was approved. */
  | "approval-outdated";

/** The run that a recovery answers. */
export interface Answered {
  readonly run: RunId;
  readonly sequence: string;
  /** The recovery rule of its plan; absent where a person named the sequence. */
  readonly rule?: string;
  /** Why, where a person said that it may begin. */
  readonly reason?: string;
}

export type RunEvent = { readonly at: number } & (
  | {
      readonly type: "run.started";
      readonly plan: Plan;
      /** Folder that the plan's paths are relative to, on the machine that started it. */
      readonly root: string;
      /** The sequence module, relative to root. */
      readonly file: string;
      readonly sources: readonly SourceDigest[];
      /** Name of the world; absent in production. */
      readonly rehearsal?: string;
      /** A recovery says which run it answers. */
      readonly answers?: Answered;
      readonly parallel: number;
      readonly versions: { readonly evo: string; readonly node: string; readonly engine: string };
    }
  /** Somebody began to drive it (a start, a resume after a crash): streaks begin anew, clocks go on. */
  | {
      readonly type: "run.adopted";
      readonly holder: string;
      readonly token: string;
      /** Where the lease was another's: why that one could write nothing any more. */
      readonly proof?: string;
    }
  | ({ readonly type: "operation.intended" } & OperationIntent)
  | {
      readonly type: "operation.previewed";
      readonly operation: OperationId;
      readonly preview: ChangeSet;
      /** Digest of the engine's checkpoint that was previewed: what an update that never began leaves as it is. */
      readonly checkpoint?: string;
      readonly refusal?: string;
    }
  | {
      readonly type: "operation.succeeded";
      readonly operation: OperationId;
      readonly began: number;
      readonly ended: number;
      readonly changes: ChangeSet;
      readonly checkpoint?: string;
    }
  | {
      readonly type: "operation.failed";
      readonly operation: OperationId;
      readonly began: number;
      readonly ended: number;
      /** failed: the engine said so. refused: evo stopped it (invariant 10). cancelled: a person did. absent: it never started. locked: the engine found the stack locked. */
      readonly how: "failed" | "refused" | "cancelled" | "absent" | "locked";
      readonly reason: string;
      readonly changes?: ChangeSet;
      readonly checkpoint?: string;
    }
  | { readonly type: "operation.unresolved"; readonly operation: OperationId; readonly facts: readonly string[] }
  /** A person has found out how an unresolved operation ended, and signs for it. */
  | {
      readonly type: "operation.settled";
      readonly operation: OperationId;
      readonly as: "succeeded" | "failed";
      readonly reason: string;
    }
  | {
      readonly type: "gate.measured";
      readonly gate: GateId;
      readonly target: string;
      /** Operations that these looks prove. */
      readonly operations: readonly OperationId[];
      readonly measurements: readonly Measurement[];
      readonly counts: Counts;
    }
  | {
      readonly type: "gate.passed";
      readonly gate: GateId;
      readonly operations: readonly OperationId[];
      readonly targets: readonly TargetReport[];
      /** What lies beside the ledger: looks `from` to `to` of a target, and the digest over them (see run/samples.ts). */
      readonly samples: readonly SampleDigest[];
    }
  | {
      readonly type: "gate.failed" | "gate.errored" | "gate.inconclusive";
      readonly gate: GateId;
      readonly reason: string;
      readonly timedOut: boolean;
      readonly targets: readonly TargetReport[];
      /** The looks that it was judged by, as with `gate.passed`. */
      readonly samples: readonly SampleDigest[];
    }
  | { readonly type: "boundary.opened"; readonly node: NodeId }
  | { readonly type: "run.held"; readonly node: NodeId; readonly gate: GateId; readonly reason: string }
  | {
      readonly type: "run.halted";
      readonly cause: HaltCause;
      readonly node?: NodeId;
      readonly reason: string;
      /** Where the rule said `recover`: what is to answer it. */
      readonly recovery?: { readonly rule: string; readonly sequence: string; readonly start: RecoveryStart };
    }
  /** Another run has begun to answer this one. */
  | { readonly type: "recovery.started"; readonly recovery: RunId; readonly sequence: string; readonly rule?: string }
  /** The recovery has come to its end: the system is consistent again, and this run is over. */
  | { readonly type: "run.recovered"; readonly recovery: RunId }
  | { readonly type: "run.paused"; readonly reason: string }
  | {
      readonly type: "run.resumed";
      readonly reason: string;
      readonly acceptChangedCode: boolean;
      /** Only these are to be attempted again (`evo retry`); absent: whatever has failed. */
      readonly steps?: readonly NodeId[];
    }
  | { readonly type: "run.completed" }
  | { readonly type: "run.aborted"; readonly reason: string }
  | WordEvent
);

/** What a step would do, as it was shown to who approved it. */
export interface RequestedPreview {
  readonly step: NodeId;
  /** sha256 over the normalised change set: resources, ops, paths, replaces (run/difference.ts). */
  readonly digest: string;
  readonly changes: ChangeSet;
}

/** Where a system said it and evo only passed it on: whose signature was checked. */
interface PassedOn {
  readonly from?: string;
}

/**
 * What people say to a run's gates. Who said it is in the entry's own columns: words, and no proof of an identity beyond
 * the database's role.
 */
export type WordEvent =
  | ({
      readonly type: "acknowledgment.received";
      readonly gate: GateId;
      readonly targets: readonly string[];
      readonly reason: string;
    } & PassedOn)
  /** Made by evo: what an approval of this gate is for. An approval names this entry. */
  | {
      readonly type: "approval.requested";
      readonly gate: GateId;
      /** The frozen plan's digest. */
      readonly plan: string;
      /** Of the steps that it lets start; none where they have been updated already. */
      readonly previews: readonly RequestedPreview[];
    }
  | ({
      readonly type: "approval.given" | "approval.rejected";
      readonly gate: GateId;
      /** Number of the `approval.requested` that it answers. */
      readonly request: number;
      /** What it is bound to, said again: the digests of that request. */
      readonly plan: string;
      readonly previews: { readonly [step: NodeId]: string };
      readonly reason: string;
    } & PassedOn)
  /** The gate, or only these targets of it, hold nothing back for this attempt. */
  | ({
      readonly type: "gate.overridden";
      readonly gate: GateId;
      readonly targets?: readonly string[];
      /** What it overrode: what was last recorded of the targets that it excuses. */
      readonly overrode: readonly TargetReport[];
      readonly reason: string;
    } & PassedOn);

export type RunEventType = RunEvent["type"];

/** Every type of event, as values; the compiler demands each. */
export const RUN_EVENT_TYPES: { readonly [type in RunEventType]: true } = {
  "run.started": true,
  "run.adopted": true,
  "operation.intended": true,
  "operation.previewed": true,
  "operation.succeeded": true,
  "operation.failed": true,
  "operation.unresolved": true,
  "operation.settled": true,
  "gate.measured": true,
  "gate.passed": true,
  "gate.failed": true,
  "gate.errored": true,
  "gate.inconclusive": true,
  "boundary.opened": true,
  "run.held": true,
  "run.halted": true,
  "recovery.started": true,
  "run.recovered": true,
  "run.paused": true,
  "run.resumed": true,
  "run.completed": true,
  "run.aborted": true,
  "acknowledgment.received": true,
  "approval.requested": true,
  "approval.given": true,
  "approval.rejected": true,
  "gate.overridden": true,
};

/** A JSON body is all an entry carries of an event besides its type. */
export type EventBody = { readonly [key: string]: Json };
