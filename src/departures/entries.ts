/** The ledger entries of departures: what is recorded, with which causes, and never a secret (invariant 11). Pure. */
import { digest } from "../canonical.js";
import type { Json } from "../gates/model.js";
import type { SequencePolicy, Writer } from "../plan/model.js";
import type { RunId } from "../run/events.js";
import type { NewEntry } from "../run/ports.js";
import { type Drifted, type DriftNews, idOf, type Kept } from "./drift.js";
import { type Foreign, originOf } from "./foreign.js";
import type { BackendView, Changed, Departure, PlannedOrder, StackId, StackKnowledge } from "./model.js";
import { type Moment, type Placed, placeOf } from "./order.js";
import { ruleFor, writerOf } from "./policy.js";
import { changedText, shortName, summaryOf } from "./words.js";

type Body = { readonly [key: string]: Json };

/** What every entry of one look at one stack shares. */
export interface Look {
  readonly known: StackKnowledge;
  readonly now: number;
  readonly rehearsal: boolean;
  readonly orders: readonly PlannedOrder[];
  /** Of the sequence that is looked for; an order that names the stack comes with its own. */
  readonly policy?: SequencePolicy | undefined;
  /** The run that looks. */
  readonly run?: RunId | undefined;
  /** The entry of the scheduled scan that this look is part of. */
  readonly order?: number | undefined;
  /** Drift that another governed stack caused, by the resource's URN. */
  readonly ours?: ReadonlyMap<string, Ours> | undefined;
}

/** A drift's cause where it was evo itself: the operation that changed the same live resource through another stack. */
export interface Ours {
  readonly stack: StackId;
  readonly run: RunId;
  /** That tells of the operation's success. */
  readonly entry: number;
}

/** Most resources that an entry lists; how many there were is always said. */
const LISTED = 100;

function entry(look: Look, type: string, body: Body, more: Partial<NewEntry> = {}): NewEntry {
  const run = look.run === undefined ? {} : { run: look.run };
  return {
    type,
    stack: look.known.stack,
    rehearsal: look.rehearsal,
    causes: [],
    ...run,
    ...more,
    body: { at: look.now, ...body },
  };
}

/** First contact with a stack. `anew`: its world began anew, and whatever was known of it is void. */
export function baselined(look: Look, view: BackendView, anew = false): NewEntry {
  const position = view.updates.at(-1)?.position;
  return entry(look, "stack.baselined", {
    of: "record",
    exists: view.exists,
    ...(anew ? { anew } : {}),
    ...(position === undefined ? {} : { position }),
    ...(view.checkpoint === undefined ? {} : { checkpoint: view.checkpoint }),
  });
}

/** A foreign change and which resources it touched; `undefined`: that can't be known. */
export interface ForeignChange {
  readonly foreign: Foreign;
  readonly changed: readonly Changed[] | undefined;
}

/** What foreign changes become: departures, or updates by a declared writer. The last one moves the known checkpoint. */
export function foreignEntries(look: Look, view: BackendView, changes: readonly ForeignChange[]): readonly NewEntry[] {
  const made: NewEntry[] = [];
  changes.forEach((change, at) => {
    const last = at === changes.length - 1;
    const checkpoint = change.foreign.kind === "edit" ? change.foreign.to : last ? view.checkpoint : undefined;
    made.push(...foreignEntry(look, change, checkpoint === undefined ? {} : { checkpoint }, made.length));
  });
  return made;
}

function foreignEntry(
  look: Look,
  { foreign, changed }: ForeignChange,
  moved: Body,
  place: number,
): readonly NewEntry[] {
  const placed = placeOf(look.known.stack, foreign.moment, look.orders);
  const policy = placed.order?.policy ?? look.policy;
  const body = { ...(foreign.kind === "update" ? updateBody(foreign) : { edit: foreign.to }), ...moved };
  const writer = foreign.kind === "update" ? writerOf(policy, look.known.stack, foreign.update) : undefined;
  if (writer !== undefined) return [entry(look, "update.observed", { ...body, ...writerBody(writer) })];
  const id = idOf(
    digest({
      stack: look.known.stack,
      change: foreign.kind === "update" ? foreign.update.position : [foreign.to, foreign.moment.to],
    }),
  );
  const origin = originOf(foreign);
  const what = `${foreign.kind === "update" ? foreign.update.kind : foreign.to === "gone" ? "the stack was removed" : "its state was edited"}: ${changedText(changed)}`;
  const said = {
    kind: foreign.kind,
    summary: summaryOf(look.known.stack, placed, origin, what),
    origin: origin as unknown as Json,
  };
  const detected = placedEntry(
    look,
    "departure.detected",
    id,
    placed,
    foreign.moment,
    { ...said, ...changedBody(changed), ...body },
    known(look),
  );
  if (ruleFor(policy, placed.place) !== "adopt") return [detected];
  return [
    detected,
    entry(look, "departure.closed", { id, how: "adopted by the sequence's policy" }, { causes: [{ batch: place }] }),
  ];
}

/** What was known of the stack before. */
function known({ known: { checkpointEntry, baseline } }: Look): NewEntry["causes"] {
  const before = checkpointEntry ?? baseline?.entry;
  return before === undefined ? [] : [before];
}

function updateBody({ update }: Foreign & { readonly kind: "update" }): Body {
  const { position, kind, result, began, ended, counts } = update;
  return { position, update: { kind, result, began, ended, counts } };
}

function writerBody({ name, reason }: Writer): Body {
  return { writer: name, reason };
}

function changedBody(changed: readonly Changed[] | undefined): Body {
  if (changed === undefined) return { changed: null };
  return { changed: changed.slice(0, LISTED) as unknown as Json, resources: changed.length };
}

function placedEntry(
  look: Look,
  news: "departure.detected" | "departure.reopened",
  id: string,
  placed: Placed,
  moment: Moment,
  body: Body,
  causes: NewEntry["causes"],
): NewEntry {
  const { order, step, place } = placed;
  const declared = ruleFor(order?.policy ?? look.policy, place);
  // Live drift can't be adopted in passing: that takes a refresh, which is previewed and leased.
  const rule = declared === "adopt" && body.kind === "drift" ? "halt" : declared;
  const where = order === undefined ? {} : { sequence: order.sequence };
  return entry(
    look,
    news,
    { id, place, rule, changedFrom: moment.from, changedTo: moment.to, ...body },
    { ...where, ...(step === undefined ? {} : { step: step.step }), causes },
  );
}

// ---------------------------------------------------------------------------------------------------------- drift

/** What a look at the live system came to: what was found, or why nothing can be said. */
export type Assessed =
  | { readonly found: Kept; readonly why?: undefined }
  | { readonly found?: undefined; readonly why: string };

/** How a look at the live system went. */
export type Scan = Assessed & {
  /** Names one `drift scan`, or the run whose start looked. */
  readonly scan: string;
  /** Milliseconds. */
  readonly took: number;
};

/** A scan's entry, and those of the departures that it detects, reopens and closes; the scan is their cause. */
export function scanEntries(look: Look, scan: Scan, news: DriftNews | undefined, since: number): readonly NewEntry[] {
  const common = { scan: scan.scan, took: scan.took };
  const ordered = { causes: look.order === undefined ? [] : [look.order] };
  if (news === undefined || scan.found === undefined)
    return [entry(look, "drift.scanned", { ...common, result: "not assessed", why: scan.why ?? "unknown" }, ordered)];
  const { drifted, ignored } = scan.found;
  const counts = { drifted: drifted.length, before: news.before, ignored: ignored as unknown as Json };
  const result = drifted.length === 0 ? "clean" : "drifted";
  const scanned = entry(look, "drift.scanned", { ...common, ...counts, result }, ordered);
  const caused = { causes: [{ batch: 0 }] };
  const moment = { from: since, to: look.now };
  return [
    scanned,
    ...(news.baseline === undefined
      ? []
      : [entry(look, "stack.baselined", { of: "live", fingerprints: news.baseline }, caused)]),
    ...news.detected.map(({ id, drifted }) => driftEntry(look, "departure.detected", id, drifted, moment)),
    ...news.reopened.map(({ departure, drifted }) =>
      departure.accepted === undefined
        ? driftEntry(look, "departure.reopened", departure.id, drifted, moment)
        : leftEntry(look, departure, drifted, caused),
    ),
    ...news.closed.map(({ id }) =>
      entry(
        look,
        "departure.closed",
        { id, how: "gone: the live system is as declared, or a rule ignores it" },
        caused,
      ),
    ),
  ];
}

/** Drift that is new, or back after it had been gone: another change, which has its own place in the order. */
function driftEntry(
  look: Look,
  news: "departure.detected" | "departure.reopened",
  id: string,
  drifted: Drifted,
  moment: Moment,
): NewEntry {
  const placed = placeOf(look.known.stack, moment, look.orders);
  const { urn, type, op, properties } = drifted;
  const paths = properties.map(({ path }) => path);
  const what = `drift: ${changedText([{ urn, type, op: op === "gone" ? "gone:" : "live differs:", paths }])}`;
  const ours = look.ours?.get(urn);
  const origin = { ...driftOrigin(ours), noted: {} };
  const summary = summaryOf(look.known.stack, placed, origin, what);
  const body = {
    kind: "drift",
    summary,
    origin,
    ...driftBody(drifted),
    ...(ours === undefined ? {} : { ours: { ...ours } }),
  };
  return placedEntry(look, news, id, placed, moment, body, [{ batch: 0 }, ...(ours === undefined ? [] : [ours.entry])]);
}

/** Drift that was left for a time that is over: the change is the one that was accepted, and keeps its place. */
function leftEntry(
  look: Look,
  { id, place, rule, summary, sequence, step }: Departure,
  drifted: Drifted,
  { causes }: Pick<NewEntry, "causes">,
): NewEntry {
  return entry(
    look,
    "departure.reopened",
    { id, place, rule, summary, ...driftBody(drifted) },
    { ...(sequence === undefined ? {} : { sequence }), ...(step === undefined ? {} : { step }), causes },
  );
}

/** Who changed a live resource no provider tells; evo knows what it did itself. */
function driftOrigin(ours: Ours | undefined): { readonly by: string; readonly from: string } {
  if (ours === undefined) return { by: "unknown", from: "unknown" };
  return { by: `evo itself, run ${ours.run}`, from: `stack ${shortName(ours.stack)}, which holds the same resource` };
}

function driftBody(drifted: Drifted): Body {
  return { drifted: drifted as unknown as Json };
}
