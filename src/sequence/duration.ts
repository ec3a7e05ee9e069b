/** Durations as people write them, and as evo keeps them: milliseconds. */

type Part<Unit extends string> = `${number}${Unit}`;

/**
 * `"500ms"`, `"10s"`, `"2m"`, `"1h30m"`, or a number of milliseconds. Units go from large to small: `d h m s ms`.
 * The type covers what people write; the parser takes every combination.
 */
export type Duration =
  | number
  | Part<"ms" | "s" | "m" | "h" | "d">
  | `${Part<"d">}${Part<"h" | "m">}`
  | `${Part<"h">}${Part<"m" | "s">}`
  | `${Part<"h">}${Part<"m">}${Part<"s">}`
  | `${Part<"m">}${Part<"s">}`
  | `${Part<"s">}${Part<"ms">}`;

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const NUMBER = "(\\d+(?:\\.\\d+)?)";
const SHAPE = new RegExp(`^(?:${NUMBER}d)?(?:${NUMBER}h)?(?:${NUMBER}m(?!s))?(?:${NUMBER}s)?(?:${NUMBER}ms)?$`);

/** What a duration looks like, for error messages. */
export const DURATION_EXAMPLES = 'a duration such as "500ms", "10s", "2m", "1h30m", or a number of milliseconds';

/** Milliseconds, rounded to whole ones; undefined where the text is no duration or the number is negative or infinite. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) && value >= 0 ? Math.round(value) : undefined;
  if (typeof value !== "string" || value === "") return undefined;
  const found = SHAPE.exec(value);
  if (found === null) return undefined;
  const sizes = Object.values(UNITS);
  return Math.round(sizes.reduce((sum, size, at) => sum + Number(found[at + 1] ?? 0) * size, 0));
}

/** The shortest text that `parseDuration` reads back: 90000 is `1m30s`. */
export function showDuration(milliseconds: number): string {
  let rest = milliseconds;
  let text = "";
  for (const [unit, size] of Object.entries(UNITS)) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === "" ? "0s" : text;
}
