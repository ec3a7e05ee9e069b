/** One entry as one line for people: known types in their own words, any other by what it carries. Pure. */
import { describeEntry as describeDeparture } from "../departures/words.js";
import type { Json, Measurement } from "../gates/model.js";
import type { RunEvent } from "../run/events.js";
import type { Told } from "./audit/reading.js";
import { describeEvent, describeSight } from "./lines.js";

/** `gateway: converged`; with who did it where the entry is a person's word. */
export function describeEntry(entry: Told): string {
  return `${sentence(entry).replaceAll("\n", " ")}${WORDS.has(entry.type) ? `, by ${entry.actor.claimed}` : ""}`;
}

const WORDS: ReadonlySet<string> = new Set([
  "sequence.declared",
  "run.started",
  "run.paused",
  "run.resumed",
  "run.aborted",
  "operation.settled",
]);

function sentence(entry: Told): string {
  if (entry.type === "gate.measured") return measured(entry);
  if (entry.type === "sequence.declared") return declared(entry);
  const event = { type: entry.type, ...entry.body } as unknown as RunEvent;
  return (
    describeEvent(event, undefined, entry.actor.claimed) ??
    describeDeparture(entry) ??
    describeMessage(entry) ??
    strange(entry)
  );
}

/** Webhooks, both ways. */
function describeMessage({ type, body }: Told): string | undefined {
  const about = `${String(body.notice)}, entry ${String(body.entry)}, to ${String(body.to)}`;
  switch (type) {
    case "notification.sent":
      return `told: ${about}`;
    case "notification.failed":
      return `not told: ${about}: ${String(body.reason)}`;
    case "webhook.received":
      return `${String(body.from)} says over HTTP: ${String(body.type)} ${String(body.gate)} of ${String(body.run)}`;
    case "acknowledgment.refused":
      return `a word over HTTP was refused: ${String(body.from ?? body.peer)}: ${String(body.why)}`;
    default:
      return undefined;
  }
}

function declared({ sequence, body: { file, digest } }: Told): string {
  return `sequence ${sequence} declared: ${String(file)}, digest ${String(digest).slice(0, 12)}`;
}

function measured({ body }: Told): string {
  const looks = (body.measurements ?? []) as unknown as readonly Measurement[];
  const last = looks.at(-1);
  const many = looks.length > 1 ? `${looks.length} looks, last ` : "";
  return `${String(body.gate)} ${String(body.target)}: ${many}${last === undefined ? "no look" : describeSight(last)}`;
}

/** Of a type that has no words here: the type, what it is about, and what it says. */
function strange({ type, step, stack, body, actor }: Told): string {
  const about = [body.gate, body.node, step, stack?.split("#").at(-1)].find(isText);
  const says = [body.summary, body.reason, body.how, body.result].find(isText);
  const parts = [type, ...(about === undefined ? [] : [about])].join(" ");
  return `${parts}${says === undefined ? "" : `: ${says}`}, by ${actor.claimed}`;
}

function isText(value: Json | undefined): value is string {
  return typeof value === "string" && value !== "";
}
