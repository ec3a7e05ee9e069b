/** What probes are given to look with. They know nothing of the run, the engine or the ledger. */
import { EvoError } from "../../errors.js";
import type { Redactor } from "../../redact.js";
import type { CustomLook } from "../../sequence/model.js";
import type { Json } from "../model.js";

/** The outputs of a stack, by name. A secret one is compared but never shown (invariant 11). */
export interface StackOutputs {
  readonly [name: string]: { readonly value: Json; readonly secret: boolean };
}

export interface ProbeContext {
  /** Absolute folder that the plan's paths are relative to. */
  readonly root: string;
  /** The sequence file, absolute or relative to root; commands run in its folder. */
  readonly sequenceFile: string;
  /** The environment that `$env` reads and that commands get. */
  readonly env: { readonly [name: string]: string };
  /** Learns every secret that a probe looks up, before it is used. */
  readonly redactor: Redactor;
  /** A rehearsal: only loopback addresses are spoken to (invariant 13). */
  readonly loopbackOnly: boolean;
  /** A rehearsal: what stands in for an origin that is asked (`https://api.example.com`); undefined: nothing does. */
  standIn?(origin: string): string | undefined;
  readonly customs: ReadonlyMap<string, CustomLook>;
  /** Milliseconds; measures latencies. */
  now(): number;
  /** The outputs of a step's stack, as its last update left them. */
  outputs(step: string, signal: AbortSignal): Promise<StackOutputs>;
  /** How many changes a refresh preview of a step's stack shows. */
  settled(step: string, signal: AbortSignal): Promise<{ readonly changes: number; readonly summary: string }>;
}

/** One look: its target, and the signal that ends it at its time-out or when the run stops. */
export interface Looking {
  readonly target: string;
  readonly signal: AbortSignal;
  readonly context: ProbeContext;
}

/** Thrown inside a probe where it could not look: becomes a look with the verdict `error`, which is no `fail`. */
export function cannotLook(message: string, cause?: unknown): EvoError {
  return new EvoError("gate.cannot-look", message, { cause });
}
