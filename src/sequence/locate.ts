/** From a place in the data to a place in the author's file, for error messages. */
import { readFileSync } from "node:fs";
import type { SourceLocation } from "../errors.js";
import { whereOf } from "./location.js";
import { findCall, findInJson, findKey, findString, locationOf } from "./scan.js";

export type Path = readonly PropertyKey[];

/** Where the data at `path` stands in the file; nearer to `word`, a key or a text in it, where that is found. */
export type Locate = (path: Path, word?: string) => SourceLocation;

/** For a JSON file. */
export function locateInJson(file: string, text: string): Locate {
  return (path, word) => {
    const offset = findInJson(text, path);
    const nearer = word === undefined ? undefined : (findKey(text, offset, word) ?? findString(text, offset, word));
    return locationOf(file, text, nearer ?? offset);
  };
}

/** For a module's default export: from the nearest builder call around the data, which may stand in another file. */
export function locateInModule(file: string, exported: unknown): Locate {
  return (path, word) => {
    const { where, data, rest } = nearestCall(exported, path);
    const at = where ?? { file };
    const text = readText(at.file);
    if (text === undefined) return at;
    const start = at.line === undefined ? 0 : findCall(text, at.line, builderOf(data), nameOf(data));
    const wanted = [word, ...rest.filter((key) => typeof key === "string").reverse()];
    const nearer = wanted
      .map((one) => (one === undefined ? undefined : (findKey(text, start, one) ?? findString(text, start, one))))
      .find((offset) => offset !== undefined);
    return at.line === undefined && nearer === undefined ? at : locationOf(at.file, text, nearer ?? start);
  };
}

interface Call {
  readonly where: SourceLocation | undefined;
  readonly data: unknown;
  readonly rest: Path;
}

function nearestCall(exported: unknown, path: Path): Call {
  let nearest: Call = { where: whereOf(exported), data: exported, rest: path };
  let data = exported;
  for (const [at, key] of path.entries()) {
    data = (data as Record<PropertyKey, unknown> | undefined)?.[key];
    const where = whereOf(data);
    if (where !== undefined) nearest = { where, data, rest: path.slice(at + 1) };
  }
  return nearest;
}

/** The builder that made the data, as an author calls it; custom probes are made by functions with names of their own. */
function builderOf(data: unknown): string {
  if (typeof data !== "object" || data === null) return "defineSequence";
  const { kind, type } = data as { kind?: unknown; type?: unknown };
  if (typeof kind === "string") return kind;
  if (typeof type === "string") return type;
  return "targets" in data ? "gate" : "defineSequence";
}

function nameOf(data: unknown): string | undefined {
  const { name } = Object(data) as { name?: unknown };
  return typeof name === "string" ? name : undefined;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
