/** What the ledger knows of a stack: a fold over its entries. Pure. */
import type { Json } from "../gates/model.js";
import type { Entry } from "../run/ports.js";
import type { Baseline, Departure, StackId, StackKnowledge } from "./model.js";

/** All of these are read of a stack. */
export const DEPARTURE_TYPES = [
  "stack.baselined",
  "update.observed",
  "departure.detected",
  "departure.closed",
  "departure.reopened",
  "departure.reconciled",
] as const;

/** Of these only the newest of each, and the newest that carries a checkpoint. */
export const OPERATION_TYPES = [
  "operation.intended",
  "operation.succeeded",
  "operation.failed",
  "operation.unresolved",
  "operation.settled",
] as const;

const STANDING: { readonly [type: string]: StackKnowledge["operation"] } = {
  "operation.intended": "open",
  "operation.unresolved": "unresolved",
  "operation.settled": "settled",
};

/** Of these the newest: how the live system was last looked at. */
export const SCAN_TYPES = ["drift.scanned"] as const;

interface Growing {
  lastLive?: number;
  baseline?: Baseline;
  liveBaseline?: { fingerprints: readonly string[]; entry: number };
  checkpoint?: string;
  checkpointEntry?: number;
  position?: string;
  operation: StackKnowledge["operation"];
  recorded: Set<string>;
}

/** Folds the entries of one stack, each given once, as they stand at `now`: an acceptance ends by itself. */
export function knowledgeOf(stack: StackId, entries: readonly Entry[], now: number): StackKnowledge {
  let known: Growing = { operation: "none", recorded: new Set() };
  for (const entry of inOrder(entries)) {
    // What was known of another life of the stack says nothing about this one.
    if (isAnew(entry)) known = { operation: "none", recorded: new Set() };
    take(known, entry);
  }
  const newest = Math.max(0, ...entries.map(({ number }) => number));
  return { stack, newest, ...known, departures: departuresOf(sinceAnew(entries), now) };
}

/** Drift of another life of the stack that looks the same is another departure. */
function sinceAnew(entries: readonly Entry[]): readonly Entry[] {
  const began = Math.max(0, ...entries.filter(isAnew).map(({ number }) => number));
  return entries.filter(({ number }) => number >= began);
}

function inOrder(entries: readonly Entry[]): readonly Entry[] {
  return [...entries].sort((a, b) => a.number - b.number);
}

function take(known: Growing, { type, number, body }: Entry): void {
  if (type.startsWith("operation.")) known.operation = STANDING[type] ?? "none";
  if (type === "stack.baselined" && body.of === "record") {
    known.baseline = baselineOf(number, body);
    // What a person settled is taken as it is found then.
    known.operation = "none";
    delete known.checkpoint;
  }
  if (type === "stack.baselined" && body.of === "live")
    known.liveBaseline = { fingerprints: texts(body.fingerprints), entry: number };
  if (type === "drift.scanned" && body.result !== "not assessed") known.lastLive = Number(body.at);
  if (typeof body.position === "string") {
    known.recorded.add(body.position);
    known.position = later(known.position, body.position);
  }
  if (typeof body.checkpoint !== "string") return;
  known.checkpoint = body.checkpoint;
  known.checkpointEntry = number;
}

/** Positions of one backend are of one length, or numbers. */
function later(a: string | undefined, b: string): string {
  return a === undefined || b.localeCompare(a, "en", { numeric: true }) > 0 ? b : a;
}

function baselineOf(entry: number, body: Entry["body"]): Baseline {
  const { at, exists, position } = body;
  return {
    entry,
    at: Number(at),
    exists: exists === true,
    ...(typeof position === "string" ? { position } : {}),
  };
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}

/** The departures that these entries tell of, in the order in which they were first seen, as they stand at `now`. */
export function departuresOf(entries: readonly Entry[], now: number): readonly Departure[] {
  const found = new Map<string, Departure>();
  for (const entry of inOrder(entries)) {
    if (isAnew(entry)) closeAll(found, entry);
    if (!entry.type.startsWith("departure.")) continue;
    const id = String(entry.body.id);
    const before = found.get(id);
    const after = before === undefined ? detectedBy(entry, id) : changedBy(before, entry, now);
    if (after !== undefined) found.set(id, after);
  }
  return [...found.values()];
}

/** The world that the stack is in began anew. */
function isAnew({ type, body }: Entry): boolean {
  return type === "stack.baselined" && body.anew === true;
}

function closeAll(found: Map<string, Departure>, { stack }: Entry): void {
  for (const [id, departure] of found)
    if (departure.stack === stack && departure.open)
      found.set(id, { ...departure, open: false, closed: "its world began anew" });
}

function detectedBy(entry: Entry, id: string): Departure | undefined {
  const { type, number, stack, rehearsal, body } = entry;
  if (type !== "departure.detected") return undefined;
  return {
    id,
    kind: body.kind as Departure["kind"],
    stack: stack ?? "",
    ...placeIn(entry),
    at: Number(body.at),
    detected: Number(body.at),
    entry: number,
    last: number,
    open: true,
    reopened: 0,
    rehearsal,
  };
}

/** Open, or there with a person's leave. */
export function isThere({ open, accepted }: Departure): boolean {
  return open || accepted !== undefined;
}

/** Where the change lies, as the look that found it said. */
function placeIn({ sequence, step, body }: Entry): Pick<Departure, "place" | "summary" | "rule" | "sequence" | "step"> {
  return {
    place: body.place as Departure["place"],
    summary: String(body.summary),
    rule: body.rule as Departure["rule"],
    ...(sequence === undefined ? {} : { sequence }),
    ...(step === undefined ? {} : { step }),
  };
}

function changedBy(departure: Departure, entry: Entry, now: number): Departure {
  const { type, number, body } = entry;
  // Of two looks that found it at the same moment, the first; where it had ended, another life of the stack's.
  if (type === "departure.detected")
    return isThere(departure) ? departure : (detectedBy(entry, departure.id) ?? departure);
  const at = Number(body.at);
  const { accepted: _, ...before } = { ...departure, last: number };
  if (type === "departure.reopened") {
    const { sequence: _, step: __, ...unplaced } = before;
    return { ...unplaced, ...placeIn(entry), at, open: true, reopened: before.reopened + 1 };
  }
  const how = String(body.how ?? "reconciled");
  const closed = typeof body.reason === "string" ? `${how}: ${body.reason}` : how;
  if (typeof body.until !== "string") return { ...before, at, open: false, closed };
  // Accepted: it is still there, and open again when its time has come.
  return { ...before, at, open: now >= Date.parse(body.until), closed, accepted: body.until };
}
