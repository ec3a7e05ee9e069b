/** Places in JSON in dotted form: `status.regions[0].state`, `urls.eu-west`, `labels["app.kubernetes.io/name"]`. */
import type { Json } from "../model.js";
import { cannotLook } from "./context.js";

export type Found = { readonly found: true; readonly value: Json } | { readonly found: false };

const SEGMENT = /\.?([^.[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/y;

/** The segments of a path. Errors: cannot-look on one that is malformed. */
export function parsePath(path: string): readonly string[] {
  const segments: string[] = [];
  SEGMENT.lastIndex = 0;
  for (let at = 0; at < path.length; at = SEGMENT.lastIndex) {
    const match = SEGMENT.exec(path);
    if (match === null || (at === 0 && path.startsWith("."))) throw cannotLook(`"${path}" is no path`);
    segments.push(match[1] ?? match[2] ?? (JSON.parse(`"${match[3]}"`) as string));
  }
  return segments;
}

/** What lies at a path; only what the JSON itself has, nothing inherited. */
export function read(value: Json, segments: readonly string[]): Found {
  const [first, ...rest] = segments;
  if (first === undefined) return { found: true, value };
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, first)) return { found: false };
  if (Array.isArray(value) && first === "length") return { found: false };
  return read((value as { readonly [key: string]: Json })[first] as Json, rest);
}
