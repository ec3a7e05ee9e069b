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

const AGE = /^(\d+)(s|m|h|d)$/;
const UNITS: { readonly [unit: string]: number } = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 };

/** An ISO 8601 time, or an age such as `2h`, as ISO 8601. Errors: `usage` (exit 2). */
export function instant(option: string, text: string): string {
  const age = AGE.exec(text);
  const at = age === null ? Date.parse(text) : Date.now() - Number(age[1]) * (UNITS[age[2] ?? ""] ?? 0);
  if (Number.isNaN(at))
    throw new EvoError("usage", `${option} takes an ISO 8601 time or an age such as 30m, 2h, 7d; not ${text}`, {
      remedy: "give a time or an age",
    });
  return new Date(at).toISOString();
}
