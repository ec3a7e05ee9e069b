/** What an explanation is made from. Types only. */
import type { Departure } from "../../departures/model.js";
import type { NodeId, RecoveryRule } from "../../plan/model.js";
import type { RunId } from "../../run/events.js";
import type { Entry, LeaseHolder } from "../../run/ports.js";
import type { RunState } from "../../run/state.js";
import type { ConvergenceTimes } from "../gates-times.js";

/** An entry as far as an explanation reads it. */
export type Evidence = Pick<
  Entry,
  "number" | "time" | "type" | "sequence" | "run" | "step" | "operation" | "stack" | "rehearsal" | "actor" | "body"
> & { readonly causes: readonly { readonly number: number }[] };

export interface ExplainInput {
  readonly state: RunState;
  /** The run's entries and those outside of it that they name as causes, by number. */
  readonly entries: readonly Evidence[];
  readonly departures: readonly Departure[];
  /** Over earlier runs of the sequence; of rehearsals for a rehearsal (invariant 13). */
  readonly times: readonly ConvergenceTimes[];
  /** For each step the steps that are known to read its stack's outputs. */
  readonly readers: { readonly [step: NodeId]: readonly NodeId[] };
  /** Who drives it. elsewhere: its driver is on another machine and late; nobody can see from here whether it lives. */
  readonly driver: { readonly is: "driving" | "elsewhere"; readonly lease: LeaseHolder } | undefined;
  /** What evo would accept now, by the checks that the commands make. */
  readonly accepts: Accepted;
  /** The recovery that answers it, while that is under way: until then the run is left alone. */
  readonly recovering: RunId | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface Accepted {
  /** Steps that `evo retry` would take. */
  readonly retry: readonly NodeId[];
  /** Whether `evo recover` would take the run, and what the rules of its plan choose then. */
  readonly recover: { readonly accepted: boolean; readonly rule?: RecoveryRule };
}
