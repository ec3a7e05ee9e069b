/** The summary of a GitHub job's step: Markdown that is added to the file which the runner names. */
import { appendFileSync, statSync } from "node:fs";

/** Bytes that a step's summary may have; the runner drops all of a longer one (docs.github.com, workflow commands). */
const MOST = 1024 * 1024;

const CUT = "\n\n*Cut here: a step's summary can't be longer. `--report-file` has all of it.*\n";

/** Adds Markdown; what doesn't fit is cut at the end of a line. Throws what the file system says. */
export function addSummary(file: string, markdown: string): void {
  const room = MOST - (statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  const text = fitting(`${markdown}\n`, room);
  if (text === undefined) throw new Error("there is no room left in this step's summary");
  appendFileSync(file, text);
}

/** At most so many bytes of a text, or nothing where not even a line fits. */
export function fitting(text: string, room: number): string | undefined {
  if (Buffer.byteLength(text) <= room) return text;
  const kept = Buffer.from(text).subarray(0, Math.max(0, room - Buffer.byteLength(CUT)));
  const end = kept.lastIndexOf("\n");
  return end <= 0 ? undefined : kept.subarray(0, end).toString() + CUT;
}
