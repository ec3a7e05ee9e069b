/** The board of stacks and their departures, as people and programs want to see it. Pure. */
import type { Drifted } from "../departures/drift.js";
import { departuresOf } from "../departures/known.js";
import type { Departure, StackId } from "../departures/model.js";
import { shortName } from "../departures/words.js";
import type { Json } from "../gates/model.js";
import type { Entry } from "../run/ports.js";
import { duration, shown, table, wrap } from "./text.js";

/** How a stack stands. stale: clean once, but too long ago. unscanned: nobody has looked at its live system yet. */
export type BoardState = "clean" | "drifted" | "departed" | "not assessed" | "stale" | "unscanned";

/** One line of the board. Times are milliseconds since the epoch. */
export interface BoardRow {
  readonly stack: StackId;
  readonly rehearsal: boolean;
  readonly state: BoardState;
  /** Why the newest look could say nothing. */
  readonly why?: string;
  /** The newest look, whatever it came to, and the newest that could say something. */
  readonly scanned?: number;
  readonly assessed?: number;
  /** When the oldest open departure was first seen, and how many are open. */
  readonly firstSeen?: number;
  readonly open: number;
  /** How many are there with a person's leave, for a time that is not over. */
  readonly accepted: number;
  /** Properties and resources that rules left out of the newest look. */
  readonly ignored: number;
}

/**
 * The rows of every stack that the ledger knows, from its entries of departures and its newest scans. `maxAgeOf`:
 * milliseconds after which a clean look at a stack is stale.
 */
export function boardOf(
  entries: readonly Entry[],
  now: number,
  maxAgeOf: (stack: StackId) => number,
): readonly BoardRow[] {
  const stacks = [...new Set(entries.flatMap(({ stack }) => stack ?? []))].sort();
  return stacks.map((stack) =>
    rowOf(
      stack,
      entries.filter((entry) => entry.stack === stack),
      now,
      maxAgeOf(stack),
    ),
  );
}

function rowOf(stack: StackId, entries: readonly Entry[], now: number, maxAge: number): BoardRow {
  const scans = entries.filter(({ type }) => type === "drift.scanned").sort((a, b) => a.number - b.number);
  const newest = scans.at(-1);
  const assessed = scans.findLast(({ body }) => body.result !== "not assessed");
  const departures = departuresOf(entries, now);
  const open = departures.filter((departure) => departure.open);
  const seen = open.map(({ detected }) => detected);
  return {
    stack,
    rehearsal: entries.at(-1)?.rehearsal ?? false,
    state: stateOf(open, newest, assessed, now, maxAge),
    ...(typeof newest?.body.why === "string" ? { why: newest.body.why } : {}),
    ...(newest === undefined ? {} : { scanned: Number(newest.body.at) }),
    ...(assessed === undefined ? {} : { assessed: Number(assessed.body.at) }),
    ...(seen.length === 0 ? {} : { firstSeen: Math.min(...seen) }),
    open: open.length,
    accepted: departures.filter((departure) => !departure.open && departure.accepted !== undefined).length,
    ignored: ignoredIn(assessed?.body.ignored),
  };
}

/** What is wrong goes before what isn't known, and that before what is well. */
function stateOf(
  open: readonly Departure[],
  newest: Entry | undefined,
  assessed: Entry | undefined,
  now: number,
  maxAge: number,
): BoardState {
  if (open.some(({ kind }) => kind === "drift")) return "drifted";
  if (open.length > 0) return "departed";
  if (newest === undefined) return "unscanned";
  if (newest.body.result === "not assessed") return "not assessed";
  if (now - Number(assessed?.body.at) > maxAge) return "stale";
  // What had drifted before evo first looked is no departure, but it isn't clean either.
  return newest.body.result === "clean" ? "clean" : "drifted";
}

function ignoredIn(list: Json | undefined): number {
  if (!Array.isArray(list)) return 0;
  return list.reduce((sum: number, one) => sum + Number((one as { count: number }).count), 0);
}

/** The board as a table. */
export function describeBoard(rows: readonly BoardRow[], now: number, width: number): readonly string[] {
  if (rows.length === 0) return ["no stack has been looked at yet"];
  const ago = (at: number | undefined): string => (at === undefined ? "never" : `${duration(now - at)} ago`);
  const cells = rows.map((row) => [
    `${shortName(row.stack)}${row.rehearsal ? " (rehearsal)" : ""}`,
    row.state,
    ago(row.assessed),
    row.firstSeen === undefined ? "-" : ago(row.firstSeen),
    String(row.open),
    row.why?.split("\n")[0] ?? leftOut(row),
  ]);
  return table([["STACK", "STATE", "ASSESSED", "FIRST SEEN", "OPEN", ""], ...cells], width);
}

function leftOut({ accepted, ignored }: BoardRow): string {
  return [...(accepted > 0 ? [`${accepted} accepted`] : []), ...(ignored > 0 ? [`${ignored} ignored`] : [])].join(", ");
}

/** A departure, whole, with what differs. */
export function describeDeparture(
  departure: Departure,
  entry: Entry | undefined,
  now: number,
  width: number,
): readonly string[] {
  const { id, open, closed, place, summary, detected, reopened } = departure;
  const state = open ? "open" : `closed: ${closed}`;
  const again = reopened === 0 ? "" : `, back ${reopened === 1 ? "once" : `${reopened} times`}`;
  const drifted = entry?.body.drifted as Drifted | undefined;
  const properties = (drifted?.properties ?? []).map(
    ({ path, declared, live }) => `  ${path}: declared ${shown(declared ?? null)}, live ${shown(live ?? null)}`,
  );
  const head = `${id}  ${state}  ${place}  first seen ${duration(now - detected)} ago${again} (entry ${departure.entry})`;
  return [head, `  ${summary}`, ...properties].flatMap((line) => wrap(line, width, "    "));
}

/** `departures:` and a line for each; nothing without any. */
export function describeDepartures(departures: readonly Departure[], width: number): readonly string[] {
  if (departures.length === 0) return [];
  const lines = departures.map(
    ({ id, open, closed, summary }) => `  ${id}  ${open ? "open" : `closed (${closed})`}  ${summary}`,
  );
  return ["", "departures:", ...lines.flatMap((line) => wrap(line, width, "    "))];
}
