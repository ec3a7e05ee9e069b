/**
 * The live tree: a run at one moment as lines that fit a terminal. Pure: what is known and the time in, text out; the
 * same moment gives the same lines, so that a painter writes only when something has changed.
 */
import { layoutOf } from "./tree-columns.js";
import { BRANCHES, cutPieces, drawLine, paint } from "./tree-draw.js";
import { linesOf, within } from "./tree-fit.js";
import { footOf, headOf } from "./tree-head.js";
import type { TreeInput, TreeStyle } from "./tree-model.js";
import { rowsOf } from "./tree-rows.js";
import { clean } from "./tree-width.js";

export { type EngineProgress, NOTHING_USUAL, type TreeInput, type TreeStyle, type Usual } from "./tree-model.js";

/** The tree, at most `style.height` lines of at most `style.width` columns each. */
export function drawTree(input: TreeInput, style: TreeStyle): readonly string[] {
  const lines = linesOf(rowsOf(input), style.unicode ? BRANCHES.unicode : BRANCHES.ascii);
  const layout = layoutOf(lines, style);
  const { width } = layout.style;
  const head = paint(cutPieces(headOf(input, width, style.unicode), style), style).trimEnd();
  const foot = footOf(input, style.width).map((piece) =>
    paint(cutPieces([{ ...piece, text: clean(piece.text, style.unicode) }], style), style),
  );
  const room = style.height - 1 - foot.length;
  const gaps = room - lines.length;
  const body = within(lines, Math.max(1, room)).map((line) => drawLine(line, layout));
  const under = foot.length > 0 && gaps > 1 ? ["", ...foot] : foot;
  return [...(gaps > 2 ? [""] : []), head, ...(gaps > 0 ? [""] : []), ...body, ...under].slice(
    0,
    Math.max(1, style.height),
  );
}
