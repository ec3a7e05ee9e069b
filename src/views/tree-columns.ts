/** Where what stands in a tree: how wide it spreads, and where its columns are. Pure. */
import type { TreeLine } from "./tree-fit.js";
import type { Mark, TreeRow, TreeStyle } from "./tree-model.js";
import { clean, padTo, widthOf } from "./tree-width.js";

/** Widths of the columns; 0 for one that isn't there. */
export interface Columns {
  readonly name: number;
  readonly time: number;
  readonly usual: number;
}

export interface Layout {
  readonly columns: Columns;
  /** For each target, the width of the widest name beside it. */
  readonly names: ReadonlyMap<TreeRow, number>;
  /** The style asked for, as wide as the tree spreads. */
  readonly style: TreeStyle;
}

/**
 * Columns that a tree takes where it can: as on a terminal of 80. It spreads where its texts need more, but not so far
 * that the eye would lose the line between a step and its time. A tree that doesn't spread isn't broken when a wide
 * terminal becomes narrower.
 */
const BOOK = 79;
const WIDEST = 100;

/** Narrower terminals show no usual times, and still narrower ones no times at all. */
const LEAST_FOR_USUAL = 60;
const LEAST_FOR_TIME = 34;

const SIGNS: { readonly [mark in Mark]: readonly [sign: string, ascii: string] } = {
  waiting: ["○", "."],
  working: ["●", "*"],
  settling: ["◌", "~"],
  done: ["✓", "+"],
  missing: ["✗", "x"],
  failed: ["✗", "X"],
  unsure: ["?", "?"],
  held: ["‖", "="],
  none: ["", ""],
};

/** A mark with the blank behind it. */
export function signOf(mark: Mark, unicode: boolean): string {
  const sign = SIGNS[mark][unicode ? 0 : 1];
  return sign === "" ? "" : `${sign} `;
}

/** The layout of all rows, those included that will be left out, so that nothing moves when they are. */
export function layoutOf(lines: readonly TreeLine[], style: TreeStyle): Layout {
  const rows = lines.filter(isRow);
  const widest = { ...style, width: Math.min(style.width, WIDEST) };
  const names = targetWidths(lines, style.unicode);
  const columns = columnsOf(rows, widest);
  const needed = Math.max(0, ...rows.map((line) => neededBy(line, columns, names.get(line.row) ?? 0, widest)));
  return { columns, names, style: { ...style, width: Math.min(widest.width, Math.max(needed, BOOK)) } };
}

type RowLine = TreeLine & { readonly row: TreeRow };

function isRow(line: TreeLine): line is RowLine {
  return line.hidden === undefined;
}

function columnsOf(rows: readonly RowLine[], { width, unicode }: TreeStyle): Columns {
  const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(widthOf));
  const heads = rows
    .filter(({ row }) => row.kind !== "target")
    .map(({ branches, row }) => `${branches}${signOf(row.mark, unicode)}${clean(row.name, unicode)}`);
  return {
    name: Math.min(widest(heads), Math.floor(Math.min(width, BOOK + 1) * 0.45)),
    time: width < LEAST_FOR_TIME ? 0 : widest(rows.map(({ row }) => row.time ?? "")),
    usual: width < LEAST_FOR_USUAL ? 0 : widest(rows.map(({ row }) => row.usual ?? "")),
  };
}

/** Columns that a row takes when nothing of its text is cut off. */
function neededBy({ branches, row }: RowLine, columns: Columns, names: number, style: TreeStyle): number {
  const head = row.kind === "target" ? branches.length + 2 + names : columns.name;
  return head + 2 + widthOf(clean(row.text, style.unicode)) + widthOf(rightOf(row, columns, style).join(""));
}

/** What stands at the right edge: meter, time, usual time; an empty text for each that has no column. */
export function rightOf(row: TreeRow, columns: Columns, { width, unicode }: TreeStyle): readonly string[] {
  return [
    row.meter === undefined || width < LEAST_FOR_USUAL ? "" : `  ${clean(row.meter, unicode)}`,
    columns.time === 0 ? "" : `  ${(row.time ?? "").padStart(columns.time)}`,
    columns.usual === 0 ? "" : `  ${padTo(row.usual ?? "", columns.usual)}`,
  ];
}

/** Targets of one gate stand side by side: for each, the width of the widest name among them. */
function targetWidths(lines: readonly TreeLine[], unicode: boolean): ReadonlyMap<TreeRow, number> {
  const widths = new Map<TreeRow, number>();
  let together: TreeRow[] = [];
  const close = (): void => {
    const widest = Math.max(0, ...together.map((row) => widthOf(clean(row.name, unicode))));
    for (const row of together) widths.set(row, widest);
    together = [];
  };
  for (const { row } of lines.filter(isRow)) {
    if (row.kind === "target") together.push(row);
    else close();
  }
  close();
  return widths;
}
