/** What all cells of a matrix have in common, and how each opens its world, engine and ledger. */
import type { HostLauncher } from "../../executor/index.js";
import type { LoadedSequence } from "../../sequence/load.js";
import { impatientPlan, rehearsalOf } from "../rehearsal.js";
import { openSession, type Session, type Subject } from "../session.js";
import type { Settings } from "../settings.js";
import type { Place } from "./place.js";

export interface MatrixSettings {
  /** The world's seed and the factor for its delays. */
  readonly seed: number;
  readonly pace: number;
  /** Milliseconds after which gates time out at the latest. */
  readonly patience: number;
  /** Milliseconds that a cell may take. */
  readonly limit: number;
}

export interface Bench extends MatrixSettings {
  readonly settings: Settings;
  readonly loaded: LoadedSequence;
  /** Of all cells: a host that has done with one goes on with another. */
  readonly launcher: HostLauncher;
  /** Aborts when a person wants the matrix to end. */
  readonly stop: AbortSignal;
  readonly say: (line: string) => void;
}

export type Rehearsed = Subject & { readonly loaded: LoadedSequence };

/** A sequence with its hurried plan. */
export function rehearsedSubject(loaded: LoadedSequence, patience: number): Rehearsed {
  return { plan: impatientPlan(loaded.sequence, patience), root: loaded.root, loaded };
}

/** This machine as a place sees it: its own home and an embedded ledger there, whatever the user's is. */
export function settingsIn({ settings }: Pick<Bench, "settings">, { home }: Place): Settings {
  const { ledgerUrl: _, ...rest } = settings;
  // A key for signing checkpoints would be worth nothing: the ledger goes with the place.
  return { ...rest, home, ephemeral: true };
}

/** Opens what a run needs in a place. Errors: those of `openSession`. */
export async function openIn(bench: Bench, place: Place, subject: Rehearsed): Promise<Session> {
  const { seed, pace, launcher } = bench;
  const rehearsal = { ...rehearsalOf(subject.loaded), fresh: false, faults: [], seed, pace };
  return openSession(
    settingsIn(bench, place),
    { ephemeralLedger: true, rehearsal, launcher },
    subject,
    () => undefined,
  );
}
