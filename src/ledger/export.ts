/** Writes a record as an export: everything that somebody needs to verify it without the database (export-source.ts). */

import type { EntryRow } from "./entry-row.js";
import { EXPORT_FORMAT, type ExportedEntry, type ExportLine } from "./export-source.js";
import type { Head } from "./memory.js";
import type { Source } from "./source.js";

/** The lines of an export up to a head, without line ends; `notes` are the checkpoints that go with it. */
export async function* exportLines(source: Source, head: Head, notes: readonly string[]): AsyncGenerator<string> {
  const line = (value: ExportLine) => JSON.stringify(value);
  const { ledger: id, number, hash } = head;
  yield line({ ledger: { format: EXPORT_FORMAT, id, number, hash } });
  for (const key of await source.keys()) if (key.entry <= number) yield line({ key });
  for (const checkpoint of notes) yield line({ checkpoint });
  for await (const rows of source.pages(0, number)) for (const row of rows) yield line({ entry: toExported(row) });
  for await (const rows of source.samples()) for (const sample of rows) yield line({ sample });
}

function toExported(row: EntryRow): ExportedEntry {
  const { ledger: _, number, cause_numbers, ...rest } = row;
  return { ...withoutDerived(rest), number: Number(number), cause_numbers: cause_numbers.map(Number) };
}

function withoutDerived<T extends object>(row: T): Omit<T, "derived"> {
  const { derived: _, ...rest } = row as T & { readonly derived?: boolean };
  return rest;
}
