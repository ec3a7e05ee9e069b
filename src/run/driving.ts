/** What the performers of a run's actions share. */
import type { GateId } from "../plan/model.js";
import type { Evidence, GateEvidence } from "./gates.js";
import type { HeldLeases } from "./leases.js";
import type { Clock, Departures, Executor, Ledger, Notifier, Probe, Sample } from "./ports.js";
import type { Recorder } from "./recorder.js";

export interface Ports {
  readonly ledger: Ledger;
  readonly executor: Executor;
  readonly probe: Probe;
  readonly clock: Clock;
  readonly notifier: Notifier;
  /** Absent where nobody else can reach the stacks. */
  readonly departures?: Departures;
}

export interface Driving {
  readonly ports: Ports;
  readonly recorder: Recorder;
  readonly leases: HeldLeases;
  evidence(): Evidence;
  /** Aborts when the driver lets go (an error, the end); engines go on. */
  readonly signal: AbortSignal;
  /** Aborts when nothing new may start or be looked at. */
  readonly active: AbortSignal;
}

/** What this process has seen, and the raw looks that are still to be written beside the ledger. */
export interface Seen {
  evidence(): Evidence;
  keep(gate: GateId, evidence: GateEvidence): void;
  /** Numbers looks per gate and target, going on after those that are recorded. */
  nextNumber(gate: GateId, target: string): number;
  /** Takes a raw look; writes them out once enough are waiting. */
  sample(sample: Sample): Promise<void>;
}
