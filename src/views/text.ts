/** Small pieces of text: durations, times, tables. Pure. */
import type { Json } from "../gates/model.js";

/** `850 ms`, `3.2 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return pair(minutes, "min", Math.floor(seconds % 60), "s");
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? pair(hours, "h", minutes % 60, "min") : pair(Math.floor(hours / 24), "d", hours % 24, "h");
}

function pair(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
}

/** Local wall-clock time, `14:03:07`. */
export function clockTime(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

/** In UTC, `2026-11-20T14:03:07Z`: for logs and files, which are read elsewhere and later. */
export function utcTime(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** The engine's words for what it does, as words for what it has done. */
const DONE: { readonly [op: string]: string } = {
  create: "created",
  update: "updated",
  delete: "deleted",
  replace: "replaced",
  refresh: "refreshed",
  import: "imported",
  discard: "discarded",
};

/** `3 created, 1 updated`: what an update did, from the engine's counts; `no change` where it did nothing. */
export function counted(counts: { readonly [op: string]: number }): string {
  return listed(counts, (op) => DONE[op] ?? op);
}

/** `3 to create, 1 to update`: what a preview shows. */
export function planned(counts: { readonly [op: string]: number }): string {
  return listed(counts, (op) => `to ${op}`);
}

function listed(counts: { readonly [op: string]: number }, word: (op: string) => string): string {
  const parts = Object.entries(counts).filter(([op, count]) => op !== "same" && count > 0);
  return parts.length === 0 ? "no change" : parts.map(([op, count]) => `${count} ${word(op)}`).join(", ");
}

/** A stored value as one short word: strings bare, the rest as JSON. */
export function shown(value: Json): string {
  if (typeof value === "string") return value;
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    // As stored, the keys are in the order of the alphabet; a status says most.
    return Object.entries(value)
      .sort(([a], [b]) => Number(b === "status") - Number(a === "status"))
      .map(([key, part]) =>
        key === "status" && typeof part !== "object" ? shown(part as Json) : `${key} ${shown(part as Json)}`,
      )
      .join(", ");
  }
  return JSON.stringify(value);
}

/** Columns padded to their widest cell; the last one is not padded. `width` cuts lines with an ellipsis. */
export function table(rows: readonly (readonly string[])[], width = Number.POSITIVE_INFINITY): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    cut(
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
      width,
    ),
  );
}

/** Breaks a line between words so that it fits; what continues is indented. A word longer than the line stays whole. */
export function wrap(line: string, width: number, indent: string): readonly string[] {
  if (line.length <= width) return [line];
  const from = line.length - line.trimStart().length;
  const before = line.lastIndexOf(" ", width);
  const end = before > Math.max(from, indent.length) ? before : line.indexOf(" ", Math.max(width, from + 1));
  return end < 0
    ? [line]
    : [line.slice(0, end).trimEnd(), ...wrap(indent + line.slice(end).trimStart(), width, indent)];
}

/** At most `width` characters. */
export function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}
