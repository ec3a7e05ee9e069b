/**
 * Hands the plain text of secret configuration to the operation host, which keeps it in memory to blot it out of what
 * it writes (invariant 11). Only ever through a FIFO that somebody reads; never into a regular file.
 */
import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** What a FIFO takes in one write without a reader's help; more is not handed over. */
const LIMIT = 60_000;

/** The secret values of a configuration, and every text inside those that are JSON. */
export function secretValues(config: ReadonlyMap<string, string>, secretKeys: readonly string[]): string[] {
  const values = secretKeys.flatMap((key) => {
    const value = config.get(key);
    return value === undefined ? [] : [value, ...textsIn(value)];
  });
  return [...new Set(values)].filter((value) => value !== "");
}

function textsIn(value: string): string[] {
  if (!/^\s*[[{"]/.test(value)) return [];
  try {
    return leaves(JSON.parse(value));
  } catch {
    return [];
  }
}

function leaves(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [];
}

/** Writes one line, a JSON array, into `<directory>/secrets` if that is a FIFO with a reader; otherwise does nothing. */
export function handOver(directory: string, values: readonly string[]): void {
  const line = Buffer.from(`${JSON.stringify(values)}\n`);
  if (values.length === 0 || line.length > LIMIT) return;
  let file: number;
  try {
    file = openSync(join(directory, "secrets"), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return; // no FIFO, or nobody reads
  }
  try {
    if (fstatSync(file).isFIFO()) writeSync(file, line);
  } catch {
    // the reader left, or the FIFO is full
  } finally {
    closeSync(file);
  }
}
