/**
 * The plan: a sequence compiled to nodes and edges, as pure, versioned, hashable data. It is frozen at a run's start
 * (invariant 6). Groups exist only here, for people to read; `decide` sees nodes and edges.
 */
import type { GatePolicy, OnFailure, Target, Value } from "../gates/model.js";

export type NodeId = string;
export type GateId = string;

export type StepVerb = "up" | "destroy" | "refresh";
export type GroupKind = "independent" | "lockstep" | "serial";

/** A Pulumi stack as `pulumi up` would take it. */
export interface StackRef {
  /** Folder with the `Pulumi.yaml`, relative to the plan's root; POSIX separators. */
  readonly dir: string;
  /** The stack's name, as given to `pulumi --stack` (`dev`, or `org/project/dev`). */
  readonly stack: string;
}

/** The state before the run that a recovery answers, or that of an operation: `<run>.<step>.<attempt>.up`. */
export type AsOf = "before-run" | `${string}.${string}.${number}.up`;

/**
 * A state of a stack that the ledger knows: what an operation had applied when it succeeded. Frozen at a run's start; the
 * step's `config`, `secretConfig` and `env` are then those of that operation, as they were declared.
 */
export interface RecordedState {
  readonly operation: string;
  /** The entry that says that it succeeded, and when: ISO 8601, by the ledger's clock. */
  readonly entry: number;
  readonly time: string;
  /** Folder with the `Pulumi.yaml` at that commit, relative to the plan's root; POSIX separators. */
  readonly dir: string;
  /** Git commit, and the digest over the program that ran: the proof that it is the same one. */
  readonly commit: string;
  readonly sha256: string;
  /** Stacks whose outputs its values are looked up in, by the names that they give their steps. */
  readonly reads: { readonly [step: NodeId]: StackRef };
}

/** What users of `pulumi up` expect to be able to pass on. */
export interface StepOptions {
  /** Puts the stack to a recorded state: the program of that operation's commit, with its config. */
  readonly asOf?: AsOf;
  /** Plain config, applied by `--config`, never written into the project's files. Values are references or literals. */
  readonly config?: { readonly [key: string]: Value };
  readonly secretConfig?: { readonly [key: string]: Value };
  readonly env?: { readonly [name: string]: Value };
  readonly targets?: readonly string[];
  readonly targetDependents?: boolean;
  readonly replace?: readonly string[];
  readonly parallel?: number;
  readonly refresh?: boolean;
  readonly policyPacks?: readonly string[];
  readonly expectNoChanges?: boolean;
  /** An update that would delete or replace a resource is refused at its preview. */
  readonly expectNoDeletes?: boolean;
  /** Make the stack if it does not exist yet. Default false: a missing stack is an error. */
  readonly createStack?: boolean;
  /** `own`: evo's Node language host where it fits; `engine`: the engine's own host. Default own. */
  readonly host?: "own" | "engine";
  /** Skip type checks of TypeScript programs, as PULUMI_NODEJS_TRANSPILE_ONLY does. */
  readonly transpileOnly?: boolean;
}

export interface RetryRule {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  /** Milliseconds before the next attempt. */
  readonly backoff: number;
}

/** halt: nothing new starts. record: it stays open, and the run goes on. adopt: it is recorded and closed at once. */
export type OutOfBand = "halt" | "record" | "adopt";

/** Updates by a known writer are recorded, not flagged. Every condition that is given must hold. */
export interface Writer {
  readonly name: string;
  /** What the engine noted of the update, e.g. `{"ci.system": "GitHub Actions"}`; at least one. */
  readonly noted: { readonly [name: string]: string };
  /** Ends of stack names (`app/prod`, `prod`); default: every stack of the sequence. */
  readonly stacks?: readonly string[];
  /** ISO 8601; from (inclusive) and until (exclusive) when. */
  readonly from?: string;
  readonly until?: string;
  readonly reason: string;
}

/** Drift that is of no interest. What is given must match; a `*` at the end of type and property matches the rest. */
export interface IgnoreRule {
  readonly type?: string;
  /** The resource's name in the program, or its whole URN. */
  readonly resource?: string;
  readonly property?: string;
  readonly reason: string;
  /** ISO 8601, exclusive; for ever without it. */
  readonly until?: string;
}

/** What a sequence says about changes that evo did not make. Default: halt on all that lie in a planned order. */
export interface SequencePolicy {
  /** What to do about a change that lies in a planned order. Default halt. */
  readonly departures?: OutOfBand;
  /** About one that lies in none. Default record. */
  readonly unrelated?: OutOfBand;
  readonly writers?: readonly Writer[];
  readonly ignore?: readonly IgnoreRule[];
}

/** Why a run may halt so that a recovery answers it. What nobody knows yet, and what evo refused, a person answers. */
export const RECOVERABLE = [
  "operation-failed",
  "gate-failed",
  "gate-errored",
  "gate-inconclusive",
  "gate-timed-out",
  "inconsistent",
] as const;
export type Recoverable = (typeof RECOVERABLE)[number];

/** When a recovery is meant; every condition that is given must hold. */
export interface RecoveryWhen {
  /** Where the run halted: one of these steps or groups, or something within them. */
  readonly at?: readonly NodeId[];
  readonly cause?: readonly Recoverable[];
  /** One of these targets had not converged. */
  readonly targets?: readonly string[];
  /** The updates of all of these have succeeded. */
  readonly applied?: readonly NodeId[];
  /** None of these can have had an effect. */
  readonly notApplied?: readonly NodeId[];
}

/** at-once: whoever drives the run goes on with the recovery. approved: it waits for a person's `evo recover`. */
export type RecoveryStart = "at-once" | "approved";

/** The sequence that answers a failure, chosen by what failed and how far the run had come. The first that fits counts. */
export interface RecoveryRule {
  readonly name: string;
  readonly when: RecoveryWhen;
  /** The recovery's sequence file, relative to the plan's root; POSIX separators. */
  readonly sequence: string;
  readonly start: RecoveryStart;
}

export interface PlanGate {
  readonly id: GateId;
  readonly name: string;
  readonly phase: "ready" | "converged" | "consistent";
  /** The step or group whose author wrote it; a lockstep group judges the gates of its members. */
  readonly declaredOn: NodeId | "sequence";
  readonly targets: readonly Target[];
  readonly policy: GatePolicy;
  /** Steps whose updates it proves: it is measurable once they all have succeeded, and only later looks count (inv. 3). */
  readonly proves: readonly NodeId[];
}

interface NodeBase {
  readonly id: NodeId;
  /** Gates that must hold when it starts. */
  readonly ready: readonly PlanGate[];
  /** Gates that must hold, all within one window, for its boundary to open. */
  readonly converged: readonly PlanGate[];
  /** Milliseconds: how far apart the deciding looks of its gates may lie. */
  readonly window: number;
  /** The node whose boundary this one is part of; itself, but for members of a lockstep group. */
  readonly boundary: NodeId;
  readonly parent?: NodeId;
}

export interface StepNode extends NodeBase {
  readonly kind: "step";
  readonly verb: StepVerb;
  readonly stack: StackRef;
  readonly options: StepOptions;
  /** What `options.asOf` was found to mean; a step with the one runs only with the other. */
  readonly earlier?: RecordedState;
  readonly onFailure: OnFailure;
  readonly retry?: RetryRule;
}

export interface GroupNode extends NodeBase {
  readonly kind: "group";
  readonly group: GroupKind;
  readonly members: readonly NodeId[];
}

export type PlanNode = StepNode | GroupNode;

/**
 * `to` may not start (or open) before `from` is admitted, applied or opened.
 * admitted: may start. applied: its update has succeeded (a step) or all below it have (a group). opened: converged.
 */
export interface Edge {
  readonly from: NodeId;
  readonly is: "admitted" | "applied" | "opened";
  readonly to: NodeId;
  readonly before: "start" | "open";
}

/** What a webhook may be told of: its sequence's runs, and what evo did not do on its stacks. */
export const NOTICES = ["halted", "held", "approval", "recovered", "completed", "departure"] as const;
export type Notice = (typeof NOTICES)[number];

/** A webhook. Its key is no part of any plan, only where it is found; so may its address be, which is often a secret too. */
export interface NotifyRule {
  readonly url: string | { readonly $env: string };
  readonly secret: { readonly $env: string };
  readonly on: readonly Notice[];
  /** Milliseconds that a hold lasts before it is told. */
  readonly heldFor: number;
}

export interface Plan {
  readonly version: 1;
  readonly sequence: { readonly name: string; readonly owner?: string; readonly digest: string };
  readonly nodes: readonly PlanNode[];
  readonly edges: readonly Edge[];
  /** Judged together at the end of each run. */
  readonly consistent: readonly PlanGate[];
  /** Absent: the defaults. */
  readonly outOfBand?: SequencePolicy;
  readonly recovery?: readonly RecoveryRule[];
  readonly notify?: readonly NotifyRule[];
  /** sha256 over the RFC 8785 form of all the above. */
  readonly digest: string;
}
