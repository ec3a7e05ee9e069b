/** The only ways out of the run machine. The loop performs actions through them; tests put fakes behind them. */
import type { Json, LiveProbe, Look, Measurement } from "../gates/model.js";
import type { GateId, NodeId, StepNode } from "../plan/model.js";
import type { ChangeSet, OperationId, OperationIntent, RunEvent, RunId, SourceDigest } from "./events.js";
import type { RunState } from "./state.js";

// ---------------------------------------------------------------------------------------------------------- Clock

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves at `at` or, early, when the signal aborts. */
  until(at: number, signal: AbortSignal): Promise<void>;
}

// --------------------------------------------------------------------------------------------------------- Ledger

export interface Cause {
  readonly number: number;
  readonly hash: string;
}

/** Who did it: as they say, and as the database knows them. */
export interface Actor {
  /** `user@host`, a git identity or a CI identity, as claimed by the client. */
  readonly claimed: string;
  /** The database role that was authenticated. */
  readonly authenticated: string;
}

/** A recorded entry. `text` is the canonical JSON (RFC 8785) that was hashed; `body` is that text, parsed. */
export interface Entry {
  readonly ledger: string;
  readonly number: number;
  /** ISO 8601 in UTC with microseconds, by the database's clock. */
  readonly time: string;
  readonly type: string;
  readonly version: number;
  readonly sequence?: string;
  readonly run?: RunId;
  readonly step?: NodeId;
  readonly operation?: OperationId;
  readonly stack?: string;
  readonly rehearsal: boolean;
  readonly actor: Actor;
  readonly causes: readonly Cause[];
  readonly body: { readonly [key: string]: Json };
  readonly text: string;
  readonly previous: string;
  readonly hash: string;
}

/** An entry to be appended. A cause is the number of an earlier entry, or the place (from 0) of one earlier in the same batch. */
export interface NewEntry {
  readonly type: string;
  readonly sequence?: string;
  readonly run?: RunId;
  readonly step?: NodeId;
  readonly operation?: OperationId;
  readonly stack?: string;
  readonly rehearsal?: boolean;
  readonly causes: readonly (number | { readonly batch: number })[];
  readonly body: { readonly [key: string]: Json };
}

/** A raw look, kept beside the ledger; the verdict's entry carries the digest over them. */
export interface Sample {
  readonly run: RunId;
  readonly gate: GateId;
  readonly target: string;
  readonly measurement: Measurement;
}

/** An exclusive right with a number that grows at each takeover; `token` is a decimal bigint. */
export interface Lease {
  readonly resource: string;
  readonly token: string;
}

export interface LeaseHolder {
  readonly resource: string;
  readonly token: string;
  /** Who holds it, as they described themselves: run, sequence, user, host, pid. */
  readonly holder: { readonly [key: string]: Json };
  readonly since: string;
  readonly expires: string;
  /** Neither given back nor expired. */
  readonly live: boolean;
}

export type Acquired =
  | { readonly acquired: true; readonly lease: Lease }
  | { readonly acquired: false; readonly by: LeaseHolder };

export interface AppendOptions {
  /** Made by the client, once for each logical append: a repeat returns what was recorded the first time. */
  readonly id: string;
  /** The number of this run's entries so far; anything else is refused (`ledger.conflict`). */
  readonly expected?: { readonly run: RunId; readonly version: number };
  /** Refused (`ledger.changed`) where an entry of these types about the stack is newer than the entry `after`. */
  readonly unchanged?: { readonly stack: string; readonly after: number; readonly types: readonly string[] };
  /** Every one is checked in the same transaction; a stale one refuses the append (`ledger.fenced`). */
  readonly leases: readonly Lease[];
}

/**
 * The append-only record. Errors: `ledger.unavailable` (exit 9), `ledger.conflict`, `ledger.changed`, `ledger.fenced`
 * (exit 6), `ledger.broken` (exit 10), `ledger.schema` (exit 9).
 */
export interface Ledger {
  append(entries: readonly NewEntry[], options: AppendOptions): Promise<readonly Entry[]>;
  /** The entries of one run, in order; with `after` only those with a greater number. */
  load(run: RunId, after?: number): Promise<readonly Entry[]>;
  sample(samples: readonly Sample[], leases: readonly Lease[]): Promise<void>;
  /** The number of the last raw look per gate and target of a run. */
  sampled(run: RunId): Promise<readonly { readonly gate: GateId; readonly target: string; readonly last: number }[]>;
  /** Takes what nobody holds, or says who does. An expired lease is held: see `takeOver`. */
  acquire(resource: string, holder: { readonly [key: string]: Json }, ttl: number): Promise<Acquired>;
  /** Takes a lease from the holder of this token, who is known to be dead or was overruled; or says who holds it now. */
  takeOver(lease: Lease, holder: { readonly [key: string]: Json }, ttl: number): Promise<Acquired>;
  /** Prolongs; false means lost. Also the check right before an engine is spawned (invariant 1). */
  renew(lease: Lease, ttl: number): Promise<boolean>;
  release(lease: Lease): Promise<void>;
}

// ------------------------------------------------------------------------------------------------------- Executor

/** What an operation reports while evo follows it. `progress` is for people and is never recorded. */
export type OperationReport =
  | {
      readonly kind: "progress";
      readonly phase: "starting" | "previewing" | "updating";
      readonly done: number;
      readonly planned?: number;
      readonly urn?: string;
    }
  /** The preview is complete and the engine waits: `accept` or `refuse` it. `refusal` says that invariant 10 forbids it. */
  | {
      readonly kind: "previewed";
      readonly preview: ChangeSet;
      /** Digest of the engine's checkpoint that was previewed, where it can be told. */
      readonly checkpoint?: string;
      readonly refusal?: string;
    }
  | { readonly kind: "ended"; readonly outcome: OperationOutcome };

export type OperationOutcome =
  | {
      readonly status: "succeeded";
      readonly began: number;
      readonly ended: number;
      readonly changes: ChangeSet;
      readonly checkpoint?: string;
    }
  | {
      readonly status: "failed" | "refused" | "cancelled" | "absent" | "locked";
      readonly began: number;
      readonly ended: number;
      readonly reason: string;
      readonly changes?: ChangeSet;
      readonly checkpoint?: string;
    }
  /** It began and nobody can say how it ended; a person decides. */
  | { readonly status: "unresolved"; readonly facts: readonly string[] };

export interface StackIdentity {
  /** `<backend url>#<fully qualified name>`: what leases and ledger entries name. */
  readonly stack: string;
  readonly source: SourceDigest;
}

/** Everything that an operation host needs to run one attempt of a step. */
export interface OperationRequest {
  readonly intent: OperationIntent;
  readonly run: RunId;
  readonly node: StepNode;
  /** Absolute folder that the plan's paths are relative to. */
  readonly root: string;
  /** How far the record says that an earlier driver had come: its preview, and the checkpoint that was previewed. */
  readonly previewed?: { readonly checkpoint?: string };
}

export interface Executor {
  /** Where the step's stack is and what would run there now. Errors: missing folder, project, stack; login. */
  identify(node: StepNode, root: string): Promise<StackIdentity>;
  /**
   * What the step's operation would change now. Has no effect and takes no lease: with a file backend it runs on a copy.
   * Errors: `stack.missing`, `stack.preview`, those of looking its references up.
   */
  preview(node: StepNode, root: string, signal: AbortSignal): Promise<ChangeSet>;
  /**
   * Starts the engine, detached, after the intent is durable. It returns when the operation host lives; the rest comes
   * through `follow`. Never called twice for one operation.
   */
  start(request: OperationRequest): Promise<void>;
  /**
   * Follows an operation, whether it was started by this process, by a dead one, or never: `absent` is certain that
   * nothing was started. A report may repeat after a restart; `previewed` is repeated while the engine waits.
   */
  follow(request: OperationRequest, signal: AbortSignal): AsyncIterable<OperationReport>;
  accept(operation: OperationId): Promise<void>;
  refuse(operation: OperationId, reason: string): Promise<void>;
  /** Asks the engine to stop at its next safe point (one SIGINT). The outcome comes through `follow`. */
  cancel(operation: OperationId): Promise<void>;
}

// ----------------------------------------------------------------------------------------------------- Departures

/** Something that evo did not do, as far as a run must halt for it. */
export interface Departed {
  /** The ledger's entry that tells of it. */
  readonly entry: number;
  readonly summary: string;
}

/** The watch for what happens to a run's stacks behind evo's back (invariant 9). */
export interface Departures {
  /** Looks, records what it finds, and answers what the run must halt for before anything else is started. */
  before(state: RunState): Promise<readonly Departed[]>;
}

// ---------------------------------------------------------------------------------------------------------- Probe

export interface LookRequest {
  readonly run: RunId;
  readonly gate: GateId;
  readonly target: string;
  readonly probe: LiveProbe;
  /** Milliseconds; the probe answers `error` when it runs out. */
  readonly timeout: number;
}

/** Looks once. Never throws: what could not be looked at is an `error` look. */
export interface Probe {
  look(request: LookRequest, signal: AbortSignal): Promise<Look>;
}

// ------------------------------------------------------------------------------------------------------- Notifier

/** What a person may want to see at once. Recorded entries and passing news alike; a notifier never throws or blocks. */
export type News =
  | { readonly kind: "recorded"; readonly entry: Entry; readonly event: RunEvent }
  | { readonly kind: "looked"; readonly gate: GateId; readonly target: string; readonly measurement: Measurement }
  | {
      readonly kind: "progress";
      readonly operation: OperationId;
      readonly report: OperationReport & { readonly kind: "progress" };
    }
  | { readonly kind: "waiting"; readonly node: NodeId; readonly lease: LeaseHolder }
  /** The ledger can't be reached since then, or can be again (milliseconds since the epoch): nothing is started meanwhile. */
  | { readonly kind: "ledger"; readonly available: boolean; readonly since: number; readonly reason: string };

export interface Notifier {
  tell(news: News): void;
}
