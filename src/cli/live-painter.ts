/**
 * Keeps lines standing at the bottom of a terminal. No alternate screen: what is said goes above them into the scrollback.
 * At most ten frames a second, each one write, and none where nothing has changed. A terminal that is gone, or a drawing
 * that fails, ends the painting and nothing else: a run is never disturbed by who watches it.
 */
import type { WriteStream } from "node:tty";
import { clean } from "../views/tree-width.js";
import { frame, HIDE_CURSOR, SHOW_CURSOR } from "./live-frame.js";

/** Milliseconds between two frames; of a tree that takes long to draw, so many times as long. */
const FRAME = 100;
const RESPITE = 10;
/** Milliseconds after which the clocks in the lines have moved. */
const TICK = 1_000;

export interface Painter {
  /** Text to stay above the lines, without control sequences; it is written with the next frame, at the latest when the painter is closed. */
  above(text: string): void;
  /** Something in the lines may have changed. */
  changed(): void;
  /** Gives the terminal back: the lines are taken away, or left where they stand. */
  close(lines: "away" | "stay"): void;
}

export type PaintStream = Pick<WriteStream, "write" | "columns" | "rows" | "on" | "off">;

/** `draw` answers the lines for a terminal of that many columns and rows. */
export function createPainter(
  stream: PaintStream,
  draw: (columns: number, rows: number) => readonly string[],
): Painter {
  let standing: readonly string[] = [];
  let waiting: string[] = [];
  let last = { columns: stream.columns, rows: stream.rows };
  let painted = 0;
  let pause = FRAME;
  let next: NodeJS.Timeout | undefined;
  let gone = false;

  function write(lines: readonly string[]): void {
    const size = { columns: stream.columns, rows: stream.rows };
    const resized = size.columns !== last.columns || size.rows !== last.rows;
    const text = frame(standing, waiting, lines, size, resized);
    const same =
      !resized &&
      waiting.length === 0 &&
      lines.length === standing.length &&
      lines.every((line, at) => line === standing[at]);
    waiting = [];
    standing = lines;
    last = size;
    if (!same && !gone) stream.write(text);
  }

  function paint(): void {
    next = undefined;
    const began = Date.now();
    write(drawn());
    painted = Date.now();
    pause = Math.max(FRAME, RESPITE * (painted - began));
  }

  /** Where the drawing fails, news goes on being said above nothing. */
  function drawn(): readonly string[] {
    try {
      return draw(stream.columns, stream.rows);
    } catch (error) {
      waiting.push(`the tree can't be drawn (a bug in evo): ${(error as Error).message}`);
      draw = () => [];
      return [];
    }
  }

  function changed(): void {
    next ??= setTimeout(paint, Math.max(0, painted + pause - Date.now())).unref();
  }

  const lost = (): void => {
    gone = true;
  };
  const clock = setInterval(changed, TICK).unref();
  const leave = onLeaving(stream, () => {
    standing = [];
    changed();
  });
  stream.on("resize", changed);
  stream.on("error", lost);
  stream.write(HIDE_CURSOR);

  return {
    above(text) {
      waiting.push(...text.split("\n").map((line) => clean(line, true)));
      changed();
    },
    changed,
    close(lines) {
      clearInterval(clock);
      clearTimeout(next);
      write(lines === "away" ? [] : drawn());
      leave();
      stream.off("resize", changed);
      stream.off("error", lost);
      if (!gone) stream.write(SHOW_CURSOR);
    },
  };
}

/** The cursor comes back also where the process ends by an error, and while a person has stopped it (Ctrl-Z). */
function onLeaving(stream: PaintStream, back: () => void): () => void {
  const restore = (): void => void stream.write(SHOW_CURSOR);
  const stopped = (): void => {
    restore();
    process.kill(process.pid, "SIGSTOP");
  };
  const continued = (): void => {
    stream.write(HIDE_CURSOR);
    back();
  };
  process.once("exit", restore);
  process.on("SIGTSTP", stopped);
  process.on("SIGCONT", continued);
  return () => {
    process.off("exit", restore);
    process.off("SIGTSTP", stopped);
    process.off("SIGCONT", continued);
  };
}
