/** The end of a program's output, in bounded memory. */
import type { Readable } from "node:stream";
import { stripVTControlCharacters } from "node:util";

/** Bytes that are kept. */
const KEPT = 4096;

export interface Tail {
  readonly text: string;
  /** There was more before it: its first line is only the rest of one. */
  readonly cut: boolean;
}

/** Keeps the end of what a stream gives; the returned function says what that is. */
export function collectTail(stream: Readable | null): () => Tail {
  let kept = Buffer.alloc(0);
  let cut = false;
  stream?.on("data", (chunk: Buffer) => {
    const all = Buffer.concat([kept, chunk]);
    cut ||= all.length > KEPT;
    kept = all.subarray(-KEPT);
  });
  // A pipe that breaks is the program's end, which is reported as such.
  stream?.on("error", () => undefined);
  return () => ({ text: kept.toString("utf8"), cut });
}

/** The last line that is not empty, without control characters. Half a line is not given: it may begin within a secret. */
export function lastLine({ text, cut }: Tail): string | undefined {
  const lines = text.split(/[\r\n]+/);
  const whole = cut ? lines.slice(1) : lines;
  const printable = whole.map((line) =>
    stripVTControlCharacters(line)
      .replace(/\p{Cc}/gu, " ")
      .trim(),
  );
  return printable.filter((line) => line !== "").at(-1) ?? (cut ? "(a very long line)" : undefined);
}
