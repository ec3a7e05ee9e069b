/** Judges one observed value, and shows it in a form that is fit to be stored (invariant 11). */
import { canonical } from "../../canonical.js";
import type { Json, Matcher } from "../model.js";
import { cannotLook } from "./context.js";
import type { Found } from "./path.js";

/** Characters of a revealed value that are stored. */
const LONGEST_REVEALED = 200;

/** Whether a value meets every condition of the matcher. Missing data meets none but `exists: false` (invariant 2). */
export function matches(matcher: Matcher, found: Found): boolean {
  const conditions = conditionsOf(matcher);
  if (conditions.length === 0) throw cannotLook("the expectation has no condition");
  return conditions.every((holds) => holds(found));
}

type Condition = (found: Found) => boolean;

function conditionsOf({ equals, oneOf, matches, exists, atLeast, atMost }: Matcher): readonly Condition[] {
  return [
    ...(equals === undefined ? [] : [value((given) => same(given, equals))]),
    ...(oneOf === undefined ? [] : [value((given) => oneOf.some((option) => same(given, option)))]),
    ...(matches === undefined ? [] : [value((given) => typeof given === "string" && pattern(matches).test(given))]),
    ...(atLeast === undefined ? [] : [value((given) => typeof given === "number" && given >= atLeast)]),
    ...(atMost === undefined ? [] : [value((given) => typeof given === "number" && given <= atMost)]),
    ...(exists === undefined ? [] : [(found: Found) => found.found === exists]),
  ];
}

function value(holds: (given: Json) => boolean): Condition {
  return (found) => found.found && holds(found.value);
}

function same(a: Json, b: Json): boolean {
  return canonical(a) === canonical(b);
}

function pattern(source: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch {
    throw cannotLook(`/${source}/ is no regular expression`);
  }
}

/** What was expected, as a reader takes it in at once: the value itself, else the conditions. */
export function expectedOf({ equals, oneOf, matches, exists, atLeast, atMost }: Matcher): Json {
  if (equals !== undefined) return equals;
  return {
    ...(oneOf === undefined ? {} : { oneOf }),
    ...(matches === undefined ? {} : { matches }),
    ...(exists === undefined ? {} : { exists }),
    ...(atLeast === undefined ? {} : { atLeast }),
    ...(atMost === undefined ? {} : { atMost }),
  };
}

/**
 * An observed value for the ledger. A text is shown only where it is one that the plan names, or where the author has
 * said `reveal`: what a system answers may be somebody's secret.
 */
export function shown(matcher: Matcher & { readonly reveal?: boolean }, found: Found): Json {
  if (!found.found) return "absent";
  const { value } = found;
  if (value === null || typeof value === "boolean" || typeof value === "number") return value;
  const named = matcher.equals !== undefined || matcher.oneOf !== undefined;
  const { equals, oneOf } = matcher;
  const isNamed = named && [...(equals === undefined ? [] : [equals]), ...(oneOf ?? [])].some((it) => same(it, value));
  if (isNamed) return value;
  return matcher.reveal === true ? revealed(value) : outline(value);
}

function revealed(value: Json): Json {
  if (typeof value === "string") return value.slice(0, LONGEST_REVEALED);
  return canonical(value).length <= LONGEST_REVEALED ? value : outline(value);
}

/** The kind and size of a value, without its content. */
export function outline(value: Json): string {
  if (typeof value === "string") return `string, ${value.length} characters`;
  if (Array.isArray(value)) return `array, ${value.length} items`;
  if (value !== null && typeof value === "object") return `object, ${Object.keys(value).length} keys`;
  return typeof value;
}
