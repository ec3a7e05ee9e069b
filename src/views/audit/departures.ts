/**
 * What evo did not do, as the entries tell it. An entry `departure.detected` begins one; later `departure.*` entries about
 * it name it among their causes or by its id, and the newest says how it stands. Bodies are read by the few fields that
 * say what happened; what no entry says is `unknown`. Pure.
 */
import type { Json } from "../../gates/model.js";
import type { DepartureRow } from "./model.js";
import { deedOf } from "./people.js";
import { type Told, textOf, wordsOf } from "./reading.js";

/** Every departure of these entries, oldest first. */
export function departuresOf(entries: readonly Told[]): readonly DepartureRow[] {
  const about = entries.filter((entry) => wordsOf(entry).noun === "departure");
  return about.filter((entry) => isFirst(entry, about)).map((first) => rowOf(first, about));
}

/** A detection; or the first that is known of one that was detected elsewhere. */
function isFirst(entry: Told, about: readonly Told[]): boolean {
  return !about.some((other) => other.number < entry.number && isAbout(entry, other));
}

function isAbout(entry: Told, first: Told): boolean {
  const id = idOf(entry);
  return (id !== undefined && id === idOf(first)) || entry.causes.some(({ number }) => number === first.number);
}

function idOf(entry: Told): string | undefined {
  return textOf(entry, "departure", "id");
}

function rowOf(first: Told, about: readonly Told[]): DepartureRow {
  const newest = about.filter((entry) => entry === first || isAbout(entry, first)).at(-1) ?? first;
  const id = idOf(first);
  // Drift that came back is another change, with its own place in the order.
  const placed = about.findLast((entry) => isAbout(entry, first) && OPEN.has(wordsOf(entry).verb)) ?? first;
  const place = textOf(placed, "place");
  const step = placed.step ?? textOf(placed, "step");
  const standing = wordsOf(newest).verb;
  const deed = OPEN.has(standing) ? undefined : deedOf(newest);
  const how = OPEN.has(standing) ? undefined : textOf(newest, "how");
  return {
    entry: first.number,
    last: newest.number,
    time: first.time,
    summary:
      textOf(placed, "summary", "reason") ?? `changed outside of evo (${textOf(placed, "kind") ?? "unknown how"})`,
    by: textOf(placed, "by") ?? originOf(placed) ?? originOf(first) ?? "unknown",
    standing,
    ...(id === undefined ? {} : { id }),
    ...(placed.sequence === undefined ? {} : { sequence: placed.sequence }),
    ...(first.stack === undefined ? {} : { stack: first.stack }),
    ...(step === undefined ? {} : { step }),
    ...(place === undefined ? {} : { place }),
    ...(deed === undefined ? {} : { closed: deed }),
    ...(how === undefined ? {} : { how }),
  };
}

/** Where it came from, as far as the backend knew it. */
function originOf({ body: { origin } }: Told): string | undefined {
  const by = isObject(origin) ? origin.by : undefined;
  return typeof by === "string" && by !== "" ? by : undefined;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** Departures that stood or were found while a run was on its way: not those that had ended before its entry `first`. */
export function during(departures: readonly DepartureRow[], first: number): readonly DepartureRow[] {
  return departures.filter((row) => isOpen(row) || row.last > first);
}

const OPEN: ReadonlySet<string> = new Set(["detected", "reopened"]);

/** Neither reconciled nor found gone, as far as these entries go. */
export function isOpen({ standing }: DepartureRow): boolean {
  return OPEN.has(standing);
}
