/** The painter on a stream that keeps what is written: how often, how much, and what is left of it at the end. */
import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { frame, HIDE_CURSOR, SHOW_CURSOR } from "../../src/cli/live-frame.js";
import { createPainter, type PaintStream } from "../../src/cli/live-painter.js";
import { showsTree, showsUnicode } from "../../src/cli/terminal.js";

const SIZE = { columns: 80, rows: 24 };

interface Screen extends EventEmitter {
  columns: number;
  rows: number;
  readonly written: string[];
}

function screen(): Screen & PaintStream {
  const written: string[] = [];
  const write = (text: string): boolean => written.push(text) > 0;
  return Object.assign(new EventEmitter(), { ...SIZE, written, write }) as unknown as Screen & PaintStream;
}

describe("a frame", () => {
  it("goes up as many rows as stand there, overwrites them and clears what is left", () => {
    const text = frame(["one", "two"], [], ["eins"], SIZE, false);
    expect(text).toBe("\u001b[?2026h\r\u001b[2Aeins\u001b[K\n\u001b[J\u001b[?2026l");
  });

  it("puts what is to stay above, after clearing", () => {
    const text = frame(["one"], ["news"], ["one"], SIZE, false);
    expect(text).toBe("\u001b[?2026h\r\u001b[1A\u001b[Jnews\none\u001b[K\n\u001b[J\u001b[?2026l");
  });

  it("counts the rows that a narrower terminal has made of a line, and never goes above the screen", () => {
    expect(frame(["x".repeat(79)], [], [], { columns: 30, rows: 24 }, true)).toContain("\u001b[3A");
    expect(frame(["\u001b[32mx\u001b[39m"], [], [], { columns: 1, rows: 24 }, true)).toContain("\u001b[1A");
    expect(frame(Array(50).fill("x"), [], [], SIZE, true)).toContain("\u001b[23A");
  });
});

describe("the painter", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("writes one frame for many changes, at most ten a second, and none where nothing has changed", () => {
    const stream = screen();
    let count = 0;
    const painter = createPainter(stream, () => [`seen ${count}`]);
    const before = stream.written.length;
    for (let at = 0; at < 1_000; at += 1) {
      count += 1;
      painter.changed();
      vi.advanceTimersByTime(1);
    }
    expect(stream.written.length - before).toBeLessThanOrEqual(11);
    const settled = stream.written.length;
    vi.advanceTimersByTime(10_000);
    expect(stream.written.length).toBeLessThanOrEqual(settled + 1);
    painter.close("away");
  });

  it("says what is above exactly once, also what came last, and gives the cursor back", () => {
    const stream = screen();
    const painter = createPainter(stream, () => ["tree"]);
    painter.above("first\nsecond");
    vi.advanceTimersByTime(200);
    painter.above("last");
    painter.close("away");
    const all = stream.written.join("");
    for (const line of ["first\n", "second\n", "last\n"]) expect(all.split(line)).toHaveLength(2);
    expect(all.startsWith(HIDE_CURSOR)).toBe(true);
    expect(all.endsWith(SHOW_CURSOR)).toBe(true);
    expect(stream.listenerCount("resize") + stream.listenerCount("error")).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("lets nothing that is said move the cursor", () => {
    const stream = screen();
    const painter = createPainter(stream, () => ["tree"]);
    painter.above("an answer: \u001b[2J\u001b[31mgone\u0007");
    painter.close("away");
    expect(stream.written.join("")).toContain("an answer:  [2J [31mgone \n");
  });

  it("draws anew for another size", () => {
    const stream = screen();
    const sizes: string[] = [];
    const painter = createPainter(stream, (columns, rows) => [sizes.push(`${columns}x${rows}`) > 0 ? "tree" : ""]);
    vi.advanceTimersByTime(1_000);
    Object.assign(stream, { columns: 120, rows: 40 });
    stream.emit("resize");
    vi.advanceTimersByTime(100);
    expect(sizes.at(-1)).toBe("120x40");
    painter.close("stay");
  });

  it("writes nothing more to a terminal that is gone", () => {
    const stream = screen();
    const painter = createPainter(stream, () => [String(Date.now())]);
    stream.emit("error", Object.assign(new Error("write EIO"), { code: "EIO" }));
    const before = stream.written.length;
    painter.above("news");
    vi.advanceTimersByTime(5_000);
    painter.close("away");
    expect(stream.written).toHaveLength(before);
  });

  it("outlives a drawing that fails, and says so once", () => {
    const stream = screen();
    const painter = createPainter(stream, () => {
      throw new Error("no such row");
    });
    vi.advanceTimersByTime(3_000);
    painter.above("news");
    painter.close("away");
    const all = stream.written.join("");
    expect(all.split("the tree can't be drawn (a bug in evo): no such row")).toHaveLength(2);
    expect(all).toContain("news\n");
  });
});

describe("a terminal", () => {
  const tty = { isTTY: true, columns: 80 } as NodeJS.WriteStream;

  it.each([
    [{ TERM: "xterm" }, tty, true],
    [{ TERM: "dumb" }, tty, false],
    [{}, tty, false],
    [{ TERM: "xterm", CI: "true" }, tty, false],
    [{ TERM: "xterm", CI: "false" }, tty, true],
    [{ TERM: "xterm", GITHUB_ACTIONS: "true" }, tty, false],
    [{ TERM: "xterm" }, { isTTY: false } as unknown as NodeJS.WriteStream, false],
    [{ TERM: "xterm" }, { isTTY: true, columns: 0 } as NodeJS.WriteStream, false],
  ])("%j shows a tree: %#", (env, stream, expected) => {
    expect(showsTree(stream, env)).toBe(expected);
  });

  it.each([
    [{ LANG: "en_GB.UTF-8" }, "linux", true],
    [{ LANG: "en_GB.UTF-8", LC_ALL: "C" }, "linux", false],
    [{ LANG: "C", LC_CTYPE: "C.utf8" }, "linux", true],
    [{ LANG: "C" }, "linux", false],
    [{}, "linux", false],
    [{}, "darwin", true],
    [{ LANG: "en_GB.UTF-8", TERM: "linux" }, "linux", false],
  ] as const)("%j on %s shows Unicode: %s", (env, platform, expected) => {
    expect(showsUnicode(env, platform)).toBe(expected);
  });
});
