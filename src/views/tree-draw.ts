/** One line of the tree, drawn: columns aligned, cut to the width, in quiet colours. Pure. */
import { styleText } from "node:util";
import { type Layout, rightOf, signOf } from "./tree-columns.js";
import { describeHidden, type TreeLine } from "./tree-fit.js";
import type { Mark, TreeRow, TreeStyle } from "./tree-model.js";
import { clean, cutTo, padTo, widthOf } from "./tree-width.js";

type Format = Extract<Parameters<typeof styleText>[0], readonly unknown[]>;

/** A piece of a line with its colours. */
export interface Piece {
  readonly text: string;
  readonly as?: Format;
}

const COLOURS: { readonly [mark in Mark]: Format } = {
  waiting: ["dim"],
  working: ["cyan"],
  settling: ["cyan"],
  done: ["green"],
  missing: ["yellow"],
  failed: ["red"],
  unsure: ["magenta"],
  held: ["yellow"],
  none: [],
};

export const BRANCHES = {
  unicode: { fork: "├─ ", last: "╰─ ", through: "│  ", none: "   " },
  ascii: { fork: "|- ", last: "`- ", through: "|  ", none: "   " },
} as const;

/** A row in its columns, or the line that stands for rows left out. */
export function drawLine(line: TreeLine, { columns, names, style }: Layout): string {
  if (line.hidden !== undefined) {
    const text = `${style.unicode ? "⋮" : ":"} ${describeHidden(line.hidden)}`;
    return paint(cutPieces([{ text, as: ["dim"] }], style), style);
  }
  const { branches, row } = line;
  const right = rightOf(row, columns, style).map((text, at): Piece => ({ text, ...rightStyle(row, at) }));
  const room = Math.max(0, style.width - widthOf(right.map(({ text }) => text).join("")));
  const left = leftOf(branches, row, row.kind === "target" ? (names.get(row) ?? 0) : columns.name, room, style);
  return paint(cutPieces([...left, ...right], style), style).trimEnd();
}

/** Meter, time, usual time. */
function rightStyle(row: TreeRow, at: number): { readonly as?: Format } {
  if (at === 1 && row.late === true) return { as: ["yellow"] };
  return at === 2 ? { as: ["dim"] } : {};
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
    { text: sign, as: COLOURS[row.mark] },
    { text: name, as: row.mark === "waiting" ? ["dim"] : bold ? ["bold"] : [] },
    { text: "  " },
    { text: padTo(text, Math.max(0, room - before - 2)), as: told },
  ];
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
