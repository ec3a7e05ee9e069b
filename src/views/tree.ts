/**
 * The live tree: a run at one moment as lines that fit a terminal. Pure: what is known and the time in, text out; the
 * same moment gives the same lines, so that a painter writes only when something has changed.
 */
import { BRANCHES, columnsOf, cutPieces, drawLine, paint } from "./tree-draw.js";
import { linesOf, type TreeLine, within } from "./tree-fit.js";
import { footOf, headOf } from "./tree-head.js";
import type { TreeInput, TreeStyle } from "./tree-model.js";
import { rowsOf } from "./tree-rows.js";
import { clean, widthOf } from "./tree-width.js";

export { type EngineProgress, NOTHING_USUAL, type TreeInput, type TreeStyle, type Usual } from "./tree-model.js";

/** Columns beyond which rows don't spread: the eye would lose the line between a step and its time. */
const WIDEST = 100;

/** The tree, at most `style.height` lines of at most `style.width` columns each. */
export function drawTree(input: TreeInput, style: TreeStyle): readonly string[] {
  const head = paint(cutPieces(headOf(input, Math.min(style.width, WIDEST), style.unicode), style), style).trimEnd();
  const foot = footOf(input, style.width).map((piece) =>
    paint(cutPieces([{ ...piece, text: clean(piece.text, style.unicode) }], style), style),
  );
  const lines = linesOf(rowsOf(input), style.unicode ? BRANCHES.unicode : BRANCHES.ascii);
  const room = style.height - 1 - foot.length;
  const gaps = room - lines.length;
  const narrow = { ...style, width: Math.min(style.width, WIDEST) };
  const columns = columnsOf(lines, narrow);
  const widths = targetWidths(lines, style.unicode);
  const body = within(lines, Math.max(1, room)).map((line) =>
    drawLine(line, columns, line.hidden === undefined ? (widths.get(line) ?? 0) : 0, narrow),
  );
  const under = foot.length > 0 && gaps > 1 ? ["", ...foot] : foot;
  return [...(gaps > 2 ? [""] : []), head, ...(gaps > 0 ? [""] : []), ...body, ...under].slice(
    0,
    Math.max(1, style.height),
  );
}

/** Targets of one gate stand side by side: for each, the width of the widest name among them. */
function targetWidths(lines: readonly TreeLine[], unicode: boolean): ReadonlyMap<TreeLine, number> {
  const widths = new Map<TreeLine, number>();
  let together: TreeLine[] = [];
  const close = (): void => {
    const widest = Math.max(
      0,
      ...together.map((line) => (line.hidden === undefined ? widthOf(clean(line.row.name, unicode)) : 0)),
    );
    for (const line of together) widths.set(line, widest);
    together = [];
  };
  for (const line of lines) {
    if (line.hidden === undefined && line.row.kind === "target") together.push(line);
    else close();
  }
  close();
  return widths;
}
