/** What several verbs read from their options. Nothing heavy is loaded for it: short commands start fast. */
import { EvoError } from "../errors.js";

/** Errors: `usage` (exit 2) on anything that is no whole number of at least `least`. */
export function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new EvoError("usage", `${option} takes a whole number of at least ${least}, not ${text}`, {
      remedy: "give a whole number",
    });
  return value;
}
