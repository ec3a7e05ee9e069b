/** A run's news as plain lines on stderr, or as ndjson on stdout; and how a command ends. */
import { describeEntry } from "../departures/words.js";
import { eventOf } from "../run/entries.js";
import { evolve } from "../run/evolve.js";
import type { Entry, News, Notifier } from "../run/ports.js";
import { gatesOf, type RunState } from "../run/state.js";
import { describeDetails, describeEvent, describeHolder, describeLedger, describeLook } from "../views/lines.js";
import { describeRun, viewRun } from "../views/status.js";
import { describeWaits, waitsOf } from "../views/waits.js";
import { group, onGitHub } from "./github.js";
import { columns, print, printJson, printLine, sayAt, sayCommands, timestamp } from "./output.js";
import { createSights } from "./sights.js";

export interface OutputOptions {
  readonly json?: boolean;
  readonly output?: "text" | "ndjson";
}

/** Tells until it is closed. */
export interface Teller extends Notifier {
  close(): void;
}

/** Where plain lines go, and what time it is. */
export interface Lines {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls once after so many milliseconds, unless the answer is called before. Never keeps the process alive. */
  after(milliseconds: number, call: () => void): () => void;
  say(line: string): void;
  /** A line with others that belong to it, which may be left out or folded away. */
  sayFolded(line: string, details: readonly string[]): void;
}

/** Lines for people, as they come. */
export const STDERR: Lines = {
  now: Date.now,
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds).unref();
    return () => clearTimeout(timer);
  },
  say: sayAt,
  sayFolded(line, details) {
    if (details.length === 0 || !onGitHub(process.env)) return sayAt(line);
    const [title = "", ...rest] = line.split("\n");
    sayCommands(group(`${timestamp()}  ${title}`, [...rest, ...details]));
  },
};

/**
 * Tells news, beginning with the entries that were recorded before anybody could listen. `state` is the one that they
 * led to; without it nothing is known to be waited for, and there is no heartbeat.
 */
export function newsTeller(before: readonly Entry[], options: OutputOptions, state?: RunState): Teller {
  const teller = options.output === "ndjson" ? { tell: tellLine, close: () => undefined } : lineTeller(STDERR, state);
  for (const entry of before) teller.tell({ kind: "recorded", entry, event: eventOf(entry).event });
  return teller;
}

/** News as a line of ndjson on stdout. */
function tellLine(news: News): void {
  printLine(lineOf(news));
}

/** The same where several runs are told of: each line names its own. */
export function tellLineOf(run: string): Teller {
  return { tell: (news) => printLine({ run, ...(lineOf(news) as object) }), close: () => undefined };
}

function lineOf(news: News): unknown {
  if (news.kind !== "recorded") return news;
  const { text: _, ...entry } = news.entry;
  return { kind: "recorded", entry };
}

/** Milliseconds between heartbeats, at first and in the long run: less than the silence that any CI takes for death. */
const HEARTBEAT = 60_000;
const LATER_HEARTBEAT = 300_000;
/** So many at the first pace. */
const EARLY = 10;

/** One line for each thing that has happened, and now and then one for what has not. */
export function lineTeller(lines: Lines, known: RunState | undefined): Teller {
  let state = known;
  let beats = 0;
  const sights = createSights();
  const beat = (): void => {
    beats += 1;
    const waits = state === undefined ? [] : waitsOf(state, sights);
    const line = describeWaits(waits, lines.now());
    if (line !== undefined) lines.say(line);
    sights.afterHeartbeat();
    stop = lines.after(beats < EARLY ? HEARTBEAT : LATER_HEARTBEAT, beat);
  };
  let stop = lines.after(HEARTBEAT, beat);
  return {
    tell(news) {
      const { line, details } = describeNews(news, sights.note(news, lines.now()));
      if (line !== undefined) lines.sayFolded(line, details);
      if (news.kind !== "recorded" || state === undefined || news.entry.number <= state.last) return;
      state = evolve(state, { number: news.entry.number, event: news.event, actor: news.entry.actor });
      if (news.event.type === "operation.intended") sights.forget(provedBy(state, news.event.step));
    },
    close: () => stop(),
  };
}

function provedBy(state: RunState, step: string): readonly string[] {
  return gatesOf(state.started.plan).flatMap(({ id, proves }) => (proves.includes(step) ? [id] : []));
}

/** `isNew`: whether it has not been said already. */
function describeNews(
  news: News,
  isNew: boolean,
): { readonly line?: string | undefined; readonly details: readonly string[] } {
  if (!isNew) return { details: [] };
  switch (news.kind) {
    case "recorded":
      return {
        line: describeEvent(news.event, news.entry.run, news.entry.actor.claimed) ?? describeEntry(news.entry),
        details: describeDetails(news.event),
      };
    case "looked":
      return { line: describeLook(news.gate, news.target, news.measurement, news.measurement.began), details: [] };
    case "waiting":
      return { line: `${news.node}: waits: ${describeHolder(news.lease)}`, details: [] };
    case "ledger":
      return { line: describeLedger(news, Date.now()), details: [] };
    case "progress":
      return { details: [] };
  }
}

/** The final table on stderr and, with `--json`, the whole view on stdout; with ndjson it is the last line. */
export function showOutcome(state: RunState, options: OutputOptions): void {
  const view = viewRun(state);
  if (options.output === "ndjson") printLine({ kind: "outcome", run: view });
  else if (options.json) printJson(view);
  else print(["", ...describeRun(view, Date.now(), columns())]);
}
