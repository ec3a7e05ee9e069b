/**
 * Where in an author's file a builder was called. It travels with the data under a symbol, which JSON, digests and the
 * schema don't see and which a spread (`{ ...gate }`) keeps.
 */
import { fileURLToPath } from "node:url";
import type { SourceLocation } from "../errors.js";

const WHERE: unique symbol = Symbol.for("evo.where");

// `at name (file:line:column)` or `at file:line:column`; files as paths or as file: URLs.
const FRAME = /(?:\(|at (?:async )?)((?:file:\/\/|[A-Za-z]:[\\/]|\/)[^()]*?):(\d+):(\d+)\)?$/m;

/** The first place outside evo in an error's stack; undefined where the stack names no file. */
export function firstFrame(stack: string): SourceLocation | undefined {
  const found = FRAME.exec(stack);
  if (found === null) return undefined;
  const name = found[1]!;
  const file = name.startsWith("file:") ? fileURLToPath(name) : name;
  return { file, line: Number(found[2]), column: Number(found[3]) };
}

/** Marks data with the place where `builder` was called. */
export function located<T extends object>(data: T, builder: (...rest: never[]) => unknown): T {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, builder);
  return Object.assign(data, { [WHERE]: firstFrame(holder.stack ?? "") });
}

/** Where the data was built, if a builder built it. */
export function whereOf(data: unknown): SourceLocation | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  return (data as { [WHERE]?: SourceLocation })[WHERE];
}
