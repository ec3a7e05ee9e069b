/**
 * How wide a text stands on a terminal, and how it is cut to fit. Where terminals disagree (emoji, joiners) the greater
 * width is taken: a line may be a little short, never too long. Pure.
 */

/** Zero columns: marks that stand on the letter before, and the later parts of a Hangul syllable. */
const NOTHING = /[\p{M}\u1160-\u11ff\u200d]/u;

/** Two columns: Unicode's East Asian Width W and F (UAX #11) by block, and emoji; U+FE0F makes an emoji of what is before. */
const WIDE =
  /[\p{Emoji_Presentation}\u1100-\u115f\u231a\u231b\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1b000}-\u{1b2ff}\u{1f000}-\u{1f02f}\u{1f200}-\u{1f2ff}\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** What would move the cursor, change the order of letters or break the line: a tree's rows are one line each. */
const UNFIT = /(?!\u200d)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;

const PLAIN = /^[\x20-\x7e]*$/;

/** Columns that a text takes; it must have been made fit by `clean`. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const letter of text) width += letterWidth(letter);
  return width;
}

function letterWidth(letter: string): number {
  if (letter === "\ufe0f") return 1;
  if (NOTHING.test(letter)) return 0;
  return WIDE.test(letter) ? 2 : 1;
}

/** One line without control characters; where the terminal knows only ASCII, what it doesn't know is a `?`. */
export function clean(text: string, unicode: boolean): string {
  const line = PLAIN.test(text) ? text : text.replace(UNFIT, " ");
  return unicode ? line : line.replace(/[^\x20-\x7e]/gu, "?");
}

/** At most `width` columns; what is cut off is marked, where there is room for the mark. */
export function cutTo(text: string, width: number, mark = "…"): string {
  if (widthOf(text) <= width) return text;
  const room = width - widthOf(mark);
  if (room < 0) return "";
  let taken = 0;
  let end = 0;
  for (const letter of text) {
    taken += letterWidth(letter);
    if (taken > room) break;
    end += letter.length;
  }
  return text.slice(0, end).trimEnd() + mark;
}

/** Filled up with blanks to `width` columns. */
export function padTo(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}
