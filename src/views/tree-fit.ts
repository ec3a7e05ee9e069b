/** Rows as lines of a tree that has no more of them than a terminal has: what is over goes first, and is counted. Pure. */
import type { TreeRow } from "./tree-model.js";

/** A row with the branches before it, or the place of rows that were left out. */
export type TreeLine =
  | { readonly branches: string; readonly row: TreeRow; readonly hidden?: undefined }
  | { readonly branches: string; readonly hidden: readonly TreeRow[] };

export interface Branches {
  readonly fork: string;
  readonly last: string;
  readonly through: string;
  readonly none: string;
}

/** One line a row. Entries of the sequence stand side by side; what is below one hangs on branches. */
export function linesOf(rows: readonly TreeRow[], branches: Branches): readonly TreeLine[] {
  return rows.flatMap((row) => [{ branches: "", row }, ...below(row, "", branches)]);
}

function below({ children }: TreeRow, before: string, branches: Branches): readonly TreeLine[] {
  return children.flatMap((row, at): readonly TreeLine[] => {
    const last = at === children.length - 1;
    const here = row.kind === "target" ? "" : last ? branches.last : branches.fork;
    const further = last ? branches.none : branches.through;
    return [{ branches: before + here, row }, ...below(row, before + further, branches)];
  });
}

/** At most `height` lines: whole rows are left out, those that say least first, and a line says how many. */
export function within(lines: readonly TreeLine[], height: number): readonly TreeLine[] {
  const order = leaving(lines);
  const gone = new Set<number>();
  for (const at of order) {
    if (shownLines(lines, gone) <= height) break;
    gone.add(at);
  }
  const fitting = collapse(lines, gone);
  if (fitting.length <= height) return fitting;
  const gathered = gather(fitting);
  return gathered.length <= height ? gathered : cutAt(gathered, height);
}

/** What comes long after now is left out from the end, everything else from the beginning. */
function leaving(lines: readonly TreeLine[]): readonly number[] {
  const places = lines.flatMap((line, at) => (line.hidden === undefined && line.row.spare > 0 ? [at] : []));
  const spareAt = (at: number): number => (lines[at]?.hidden === undefined ? (lines[at]?.row.spare ?? 0) : 0);
  return places.sort((a, b) => spareAt(b) - spareAt(a) || (spareAt(a) === 2 ? b - a : a - b));
}

function shownLines(lines: readonly TreeLine[], gone: ReadonlySet<number>): number {
  let shown = 0;
  for (let at = 0; at < lines.length; at += 1) if (!gone.has(at) || !gone.has(at - 1)) shown += 1;
  return shown;
}

/** Each run of rows that are left out is one line; a single one would win nothing and stays. */
function collapse(lines: readonly TreeLine[], gone: ReadonlySet<number>): readonly TreeLine[] {
  const shown: TreeLine[] = [];
  for (let at = 0; at < lines.length; ) {
    let end = at;
    while (gone.has(end)) end += 1;
    const [first] = lines.slice(at, end);
    if (first !== undefined && end - at > 1)
      shown.push({
        branches: first.branches,
        hidden: lines.slice(at, end).flatMap((line) => line.hidden ?? [line.row]),
      });
    else shown.push(...lines.slice(at, Math.max(end, at + 1)));
    at = Math.max(end, at + 1);
  }
  return shown;
}

/** Gates that are left out need no line below each of their steps: they are counted where more is left out. */
function gather(lines: readonly TreeLine[]): readonly TreeLine[] {
  const shown: TreeLine[] = [];
  let details: readonly TreeRow[] = [];
  for (const line of lines) {
    if (line.hidden === undefined) {
      shown.push(line);
      continue;
    }
    details = [...details, ...line.hidden];
    if (line.hidden.every(({ kind }) => kind !== "node")) continue;
    shown.push({ ...line, hidden: details });
    details = [];
  }
  return details.length === 0 ? shown : [...shown, { branches: "", hidden: details }];
}

/** More goes on than there are lines: the first of what is left, and how many are missing. */
function cutAt(lines: readonly TreeLine[], height: number): readonly TreeLine[] {
  if (height < 1) return [];
  const rest = lines.slice(height - 1).flatMap((line) => line.hidden ?? [line.row]);
  return [...lines.slice(0, height - 1), { branches: "", hidden: rest }];
}

const WORDS: readonly (readonly [word: string, marks: readonly TreeRow["mark"][]])[] = [
  ["converged", ["done"]],
  ["under way", ["working", "settling", "missing", "none"]],
  ["waiting", ["waiting"]],
  ["in trouble", ["failed", "unsure", "held"]],
];

/** `12 more lines: 9 converged, 3 waiting`. */
export function describeHidden(rows: readonly TreeRow[]): string {
  const counts = WORDS.map(([word, marks]) => ({
    word,
    count: rows.filter(({ mark }) => marks.includes(mark)).length,
  }));
  const parts = counts.filter(({ count }) => count > 0).map(({ word, count }) => `${count} ${word}`);
  return `${rows.length} hidden: ${parts.join(", ")}`;
}
