/** What several verbs read from their options. Nothing heavy is loaded for it: short commands start fast. */
import { resolve } from "node:path";
import { EvoError } from "../errors.js";
import type { LoadedSequence } from "../sequence/load.js";

/** The world that a sequence names. Errors: `rehearsal.no-world` (exit 2). */
export function rehearsalOf(loaded: Pick<LoadedSequence, "file" | "world">): { readonly module: string } {
  if (loaded.world === undefined) {
    throw new EvoError("rehearsal.no-world", "the sequence names no world to rehearse in", {
      at: { file: loaded.file },
      remedy: 'add world: "./worlds/<name>.ts" to defineSequence',
    });
  }
  return { module: resolve(loaded.world) };
}

/** Errors: `usage` (exit 2) on anything that is no whole number of at least `least`. */
export function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new EvoError("usage", `${option} takes a whole number of at least ${least}, not ${text}`, {
      remedy: "give a whole number",
    });
  return value;
}
