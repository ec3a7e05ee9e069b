/** One line of the tree, drawn: columns aligned, cut to the width, in quiet colours. Pure. */
import { styleText } from "node:util";
import { describeHidden, type TreeLine } from "./tree-fit.js";
import type { Mark, TreeRow, TreeStyle } from "./tree-model.js";
import { clean, cutTo, padTo, widthOf } from "./tree-width.js";

type Format = Extract<Parameters<typeof styleText>[0], readonly unknown[]>;

/** A piece of a line with its colours. */
export interface Piece {
  readonly text: string;
  readonly as?: Format;
}

const MARKS: { readonly [mark in Mark]: { readonly sign: string; readonly ascii: string; readonly as: Format } } = {
  waiting: { sign: "○", ascii: ".", as: ["dim"] },
  working: { sign: "●", ascii: "*", as: ["cyan"] },
  settling: { sign: "◌", ascii: "~", as: ["cyan"] },
  done: { sign: "✓", ascii: "+", as: ["green"] },
  missing: { sign: "✗", ascii: "x", as: ["yellow"] },
  failed: { sign: "✗", ascii: "X", as: ["red"] },
  unsure: { sign: "?", ascii: "?", as: ["magenta"] },
  held: { sign: "‖", ascii: "=", as: ["yellow"] },
  none: { sign: "", ascii: "", as: [] },
};

export const BRANCHES = {
  unicode: { fork: "├─ ", last: "╰─ ", through: "│  ", none: "   " },
  ascii: { fork: "|- ", last: "`- ", through: "|  ", none: "   " },
} as const;

/** Widths of the columns; 0 for one that isn't there. */
export interface Columns {
  readonly name: number;
  readonly time: number;
  readonly usual: number;
}

/** Narrower terminals show no usual times, and still narrower ones no times at all. */
const LEAST_FOR_USUAL = 60;
const LEAST_FOR_TIME = 34;

/** The columns of all rows, hidden ones included, so that nothing moves when rows are left out. */
export function columnsOf(lines: readonly TreeLine[], { width, unicode }: TreeStyle): Columns {
  const rows = lines.flatMap((line) => (line.hidden === undefined ? [line] : []));
  const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(widthOf));
  const names = rows.filter(({ row }) => row.kind !== "target").map((line) => headOf(line.branches, line.row, unicode));
  return {
    name: Math.min(widest(names), Math.floor(width * 0.45)),
    time: width < LEAST_FOR_TIME ? 0 : widest(rows.map(({ row }) => row.time ?? "")),
    usual: width < LEAST_FOR_USUAL ? 0 : widest(rows.map(({ row }) => row.usual ?? "")),
  };
}

function headOf(branches: string, row: TreeRow, unicode: boolean): string {
  return `${branches}${signOf(row.mark, unicode)}${clean(row.name, unicode)}`;
}

function signOf(mark: Mark, unicode: boolean): string {
  if (mark === "none") return "";
  return `${unicode ? MARKS[mark].sign : MARKS[mark].ascii} `;
}

/** `names`: the width of the names beside a target's, for a column of their own. */
export function drawLine(line: TreeLine, columns: Columns, names: number, style: TreeStyle): string {
  if (line.hidden !== undefined) {
    const text = `${style.unicode ? "⋮" : ":"} ${describeHidden(line.hidden)}`;
    return paint(cutPieces([{ text, as: ["dim"] }], style), style);
  }
  const { branches, row } = line;
  const right = rightOf(row, columns, style);
  const room = Math.max(0, style.width - widthOf(right.map(({ text }) => text).join("")));
  const left = leftOf(branches, row, row.kind === "target" ? names : columns.name, room, style);
  return paint(cutPieces([...left, ...right], style), style).trimEnd();
}

const QUIET: readonly Mark[] = ["waiting", "done"];
const LOUD: { readonly [mark in Mark]?: Format } = { failed: ["red"], held: ["yellow"], unsure: ["magenta"] };

function leftOf(branches: string, row: TreeRow, column: number, room: number, style: TreeStyle): readonly Piece[] {
  const { unicode } = style;
  const sign = signOf(row.mark, unicode);
  const lead = row.kind === "target" ? branches.length + 2 : 0;
  const nameRoom = Math.max(1, (row.kind === "target" ? column + lead : column) - widthOf(branches + sign));
  const name = padTo(cutTo(clean(row.name, unicode), nameRoom, ellipsis(unicode)), nameRoom);
  const before = widthOf(branches + sign + name);
  const text = cutTo(clean(row.text, unicode), Math.max(0, room - before - 2), ellipsis(unicode));
  const bold = row.kind === "node" && !QUIET.includes(row.mark);
  const told = LOUD[row.mark] ?? (row.kind === "node" && QUIET.includes(row.mark) ? ["dim"] : []);
  return [
    { text: branches, as: ["dim"] },
    { text: sign, as: MARKS[row.mark].as },
    { text: name, as: row.mark === "waiting" ? ["dim"] : bold ? ["bold"] : [] },
    { text: "  " },
    { text: padTo(text, Math.max(0, room - before - 2)), as: told },
  ];
}

function rightOf(row: TreeRow, columns: Columns, { width, unicode }: TreeStyle): readonly Piece[] {
  const meter = row.meter === undefined || width < LEAST_FOR_USUAL ? [] : [{ text: `  ${clean(row.meter, unicode)}` }];
  const late: { as?: Format } = row.late === true ? { as: ["yellow"] } : {};
  const time = columns.time === 0 ? [] : [{ text: `  ${(row.time ?? "").padStart(columns.time)}`, ...late }];
  const usual: readonly Piece[] =
    columns.usual === 0 ? [] : [{ text: `  ${padTo(row.usual ?? "", columns.usual)}`, as: ["dim"] }];
  return [...meter, ...time, ...usual];
}

export function ellipsis(unicode: boolean): string {
  return unicode ? "…" : "...";
}

/** The guard behind all reckoning: no line is wider than it may be. */
export function cutPieces(pieces: readonly Piece[], { width, unicode }: TreeStyle): readonly Piece[] {
  let left = width;
  return pieces.map((piece) => {
    const text = cutTo(piece.text, left, left > 3 ? ellipsis(unicode) : "");
    left -= widthOf(text);
    return { ...piece, text };
  });
}

/** With colours, as far as they are wanted. */
export function paint(pieces: readonly Piece[], { colour }: TreeStyle): string {
  return pieces
    .map(({ text, as = [] }) =>
      colour && as.length > 0 && text.trim() !== "" ? styleText([...as], text, { validateStream: false }) : text,
    )
    .join("");
}
