/** What is written to a terminal so that lines stand where others stood. Pure: lines in, control sequences out. */
import { stripVTControlCharacters } from "node:util";
import { widthOf } from "../views/tree-width.js";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const ESC = "\u001b[";

export const HIDE_CURSOR = `${ESC}?25l`;
export const SHOW_CURSOR = `${ESC}?25h`;

/** Terminals that know it show a frame at once, others pass over it. https://gist.github.com/christianparpart/d8a62cc1ab659194337d73e399004036 */
const BEGIN = `${ESC}?2026h`;
const END = `${ESC}?2026l`;

const CLEAR_BELOW = `${ESC}J`;
const CLEAR_RIGHT = `${ESC}K`;

/**
 * One frame, to be written in one go. `before` stands on the screen now, with the cursor in the row below it; `above` is
 * text that is to stay in the scrollback, `lines` what is to stand below it. After a resize the rows are emptied first:
 * a row that was broken stays known to the terminal as one that goes on, whatever is written over it.
 */
export function frame(
  before: readonly string[],
  above: readonly string[],
  lines: readonly string[],
  size: Size,
  resized: boolean,
): string {
  const up = Math.min(rowsOf(before, size.columns), size.rows - 1);
  const back = up > 0 ? `\r${ESC}${up}A` : "\r";
  const clear = above.length > 0 || resized ? CLEAR_BELOW : "";
  const text = [...above, ...lines.map((line) => line + CLEAR_RIGHT)].map((line) => `${line}\n`).join("");
  return `${BEGIN}${back}${clear}${text}${CLEAR_BELOW}${END}`;
}

/** Rows that lines take now: a terminal that has become narrower has broken those that were wider. */
function rowsOf(lines: readonly string[], columns: number): number {
  const widths = lines.map((line) => widthOf(stripVTControlCharacters(line)));
  return widths.reduce((rows, width) => rows + Math.max(1, Math.ceil(width / columns)), 0);
}
