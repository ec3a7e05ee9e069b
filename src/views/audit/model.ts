/**
 * The audit of a run: what was declared beside what happened, who had a part in it, and a verdict for each thing that a
 * governed evolution promises. A plain value, made from ledger entries alone; JSON as it stands. Times are ISO 8601 by
 * the database's clock unless said otherwise.
 */
import type { Json, Verdict } from "../../gates/model.js";
import type { Entry } from "../../run/ports.js";
import type { PutBack } from "../put-back.js";

export const AUDIT_SCHEMA = "evo.audit/1";

/** What an audit is made from: the entries that `evo.readable_audit` gives, and what is known of their chain. */
export interface AuditInput {
  /** The run's own entries in order; looks aside. */
  readonly own: readonly Entry[];
  /** The looks that passes of its gates name. */
  readonly evidence: readonly Entry[];
  /** What its start names as its causes. */
  readonly origins: readonly Entry[];
  /** Entries of other runs that name one of its `run.*` entries. */
  readonly answers: readonly Entry[];
  /** Departures on its stacks, and in its sequence's order, that were recorded outside of the run and before its end. */
  readonly departures: readonly Entry[];
  readonly integrity: Integrity;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Whether the stretch of the chain from the run's first to its last entry holds together. */
export interface Integrity {
  readonly first: number;
  readonly last: number;
  /** The first entry of it that is wrong. */
  readonly broken?: { readonly number: number; readonly reason: string };
  /** The signed checkpoint behind the run that the chain was followed to; absent: none is known here. */
  readonly anchored?: { readonly number: number; readonly by: string };
}

/** Who did something by their own word. */
export interface Deed {
  /** declared, started, drove, paused, resumed, settled, overrode, acknowledged, approved, rejected, reconciled, aborted. */
  readonly did: string;
  /** The gate, boundary, step, operation or departure that it was about; absent: the run. */
  readonly what?: string;
  readonly entry: number;
  readonly time: string;
  /** As they said, and as the database knows them. */
  readonly claimed: string;
  readonly authenticated: string;
  readonly reason?: string;
}

/** One attempt of a step, or a step that was never attempted. */
export interface OrderRow {
  /** Its place in the declaration, as `evo plan` numbers it: `3`; in a group `3a` or, where it is serial, `3.1`. */
  readonly declared: string;
  /** Which start of all it was, from 1; absent: never started. */
  readonly actual?: number;
  readonly step: string;
  readonly stack?: string;
  readonly attempt?: number;
  /** The recorded state that it was put to. */
  readonly asOf?: PutBack;
  readonly started?: { readonly entry: number; readonly time: string };
  readonly ended?: {
    readonly entry: number;
    readonly time: string;
    readonly how: string;
    readonly reason?: string;
    readonly counts?: { readonly [op: string]: number };
  };
  /** Where it started although something that it waits for had not come: what. */
  readonly early: readonly string[];
}

/** What was seen of one target when its gate passed. */
export interface EvidenceRow {
  readonly target: string;
  readonly converged: boolean;
  /** Entries with the looks. */
  readonly entries: readonly number[];
  /** Looks that those entries list. */
  readonly looks: number;
  readonly last?: {
    readonly number: number;
    readonly verdict: Verdict;
    readonly observed: Json;
    readonly expected: Json;
    /** By evo's clock. */
    readonly began: string;
    readonly ended: string;
  };
}

export type GateOutcome = "passed" | "overridden" | "not passed" | "dry run";

export interface GateReport {
  readonly gate: string;
  readonly phase: "ready" | "converged" | "consistent";
  readonly outcome: GateOutcome;
  /** The entry of the pass or of the override. */
  readonly entry?: number;
  readonly evidence: readonly EvidenceRow[];
  /** What its pass lacks as a proof; empty where it proves what it says. */
  readonly lacks: readonly string[];
  /** Verdicts against it, in order. */
  readonly against: readonly { readonly entry: number; readonly time: string; readonly reason: string }[];
}

export type BoundaryState = "confirmed" | "overridden" | "not confirmed" | "not reached";

/** A boundary: was convergence confirmed before what follows began? */
export interface BoundaryReport {
  /** The step or group; `the end` for what must hold when the run completes. */
  readonly node: string;
  readonly state: BoundaryState;
  readonly opened?: { readonly entry: number; readonly time: string };
  /** The first start that waited for it. */
  readonly next?: { readonly step: string; readonly entry: number; readonly time: string };
  readonly gates: readonly GateReport[];
  /** Why it is not confirmed. */
  readonly lacks: readonly string[];
}

/** Something that evo did not do, as the entries tell it. */
export interface DepartureRow {
  readonly id?: string;
  readonly entry: number;
  /** The newest entry about it. */
  readonly last: number;
  /** In whose order it lies. */
  readonly sequence?: string;
  readonly time: string;
  readonly stack?: string;
  readonly step?: string;
  /** early, concurrent, after, unrelated; absent where no entry says so. */
  readonly place?: string;
  readonly summary: string;
  readonly by: string;
  /** The verb of the newest entry about it: detected, reconciled, … */
  readonly standing: string;
  /** How it ended, where an entry says so. */
  readonly how?: string;
  /** Who reconciled it and why, where that was. */
  readonly closed?: Deed;
}

/** yes; no; overridden: a person signed for the difference; not yet: the run has not come so far. */
export type Holds = "yes" | "no" | "overridden" | "not yet";

export interface Requirement {
  readonly holds: Holds;
  /** Sentences, each naming its entries. */
  readonly because: readonly string[];
}

export interface AuditReport {
  readonly schema: typeof AUDIT_SCHEMA;
  readonly run: string;
  readonly sequence: { readonly name: string; readonly digest: string; readonly owner?: string };
  readonly plan: string;
  /** The world; such a run is no evidence of what happened in production (invariant 13). */
  readonly rehearsal?: string;
  /** The verb of its newest `run.*` entry: running, halted, paused, completed, aborted, … */
  readonly standing: string;
  readonly started: string;
  readonly ended?: string;
  readonly reported: string;
  readonly verdicts: {
    readonly ordered: Requirement;
    readonly converged: Requirement;
    readonly complete: Requirement;
    readonly unmodified: Requirement;
  };
  readonly people: readonly Deed[];
  readonly order: readonly OrderRow[];
  readonly boundaries: readonly BoundaryReport[];
  readonly departures: readonly DepartureRow[];
  readonly halts: readonly {
    readonly entry: number;
    readonly time: string;
    readonly cause: string;
    readonly node?: string;
    readonly reason: string;
  }[];
  /** The run that this one answers: it is a recovery. */
  readonly answersTo?: {
    readonly run: string;
    readonly sequence: string;
    /** The rule of that run's plan, or a person's reason. */
    readonly rule?: string;
    readonly reason?: string;
  };
  /** Runs that were started because of this one: recoveries. */
  readonly answers: readonly {
    readonly run: string;
    readonly entry: number;
    readonly sequence?: string;
    readonly time: string;
    readonly claimed: string;
  }[];
  /** Entries of types that are no part of a run's order: listed, not judged. */
  readonly unknown: readonly { readonly type: string; readonly entries: readonly number[] }[];
  readonly ledger: Integrity & { readonly id: string };
}
