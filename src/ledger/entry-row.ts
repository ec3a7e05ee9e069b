/** An entry as the database answers it. Numbers come as text, because a bigint does. */

/** A row of `evo.readable_entries`. */
export interface EntryRow {
  readonly ledger: string;
  readonly number: string;
  readonly time: string;
  readonly type: string;
  readonly version: number;
  readonly sequence: string | null;
  readonly run: string | null;
  readonly step: string | null;
  readonly operation: string | null;
  readonly stack: string | null;
  readonly rehearsal: boolean;
  readonly claimed: string;
  readonly authenticated: string;
  readonly cause_numbers: readonly string[];
  readonly cause_hashes: readonly string[];
  readonly text: string;
  readonly previous: string;
  readonly hash: string;
}

/** What is read of an entry: all that was hashed, and not what was derived from it. */
export const ENTRY_COLUMNS = `ledger, number, time, type, version, sequence, run, step, operation, stack, rehearsal,
  claimed, authenticated, cause_numbers, cause_hashes, text, previous, hash`;
