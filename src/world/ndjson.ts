/** Files that grow by whole lines of JSON. A last line without its end was cut off by a crash and was never believed. */
import { appendFileSync, existsSync, readFileSync, truncateSync } from "node:fs";
import type { Json } from "./model.js";

/** The values of a file; none where there is no file. */
export function readLines(file: string): readonly Json[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Json);
}

/** A function that appends values, after what was cut off has been taken away. Readable by its owner only. */
export function appender(file: string): (value: unknown) => void {
  if (existsSync(file)) truncateSync(file, readFileSync(file).lastIndexOf("\n") + 1);
  return (value) => appendFileSync(file, `${JSON.stringify(value)}\n`, { mode: 0o600 });
}
