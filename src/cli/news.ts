/** A run's news as plain lines on stderr, or as ndjson on stdout; and how a command ends. */
import type { Measurement } from "../gates/model.js";
import { eventOf } from "../run/entries.js";
import type { Entry, News, Notifier } from "../run/ports.js";
import type { RunState } from "../run/state.js";
import { describeEvent, describeHolder, describeLook } from "../views/lines.js";
import { describeRun, viewRun } from "../views/status.js";
import { columns, print, printJson, sayAt } from "./output.js";

export interface OutputOptions {
  readonly json?: boolean;
  readonly output?: "text" | "ndjson";
}

/** A wait that does not change is said again after this many milliseconds. */
const HEARTBEAT = 30_000;

/** Tells news, beginning with the entries that were recorded before anybody could listen. */
export function newsTeller(before: readonly Entry[], options: OutputOptions): Notifier {
  const waits = new Map<string, Wait>();
  const tell = (news: News): void => {
    const line = options.output === "ndjson" ? undefined : describeNews(news, waits);
    if (options.output === "ndjson") print(JSON.stringify(lineOf(news)));
    else if (line !== undefined) sayAt(line);
  };
  for (const entry of before) tell({ kind: "recorded", entry, event: eventOf(entry).event });
  return { tell };
}

interface Wait {
  readonly said: string;
  readonly at: number;
  readonly since: number;
}

function describeNews(news: News, waits: Map<string, Wait>): string | undefined {
  switch (news.kind) {
    case "recorded":
      return describeEvent(news.event, news.entry.run);
    case "looked":
      return describeWait(news.gate, news.target, news.measurement, waits);
    case "waiting":
      return `${news.node}: waits: ${describeHolder(news.lease)}`;
    case "progress":
      return undefined;
  }
}

/** A look is said when it says something new, and every now and then. */
function describeWait(gate: string, target: string, look: Measurement, waits: Map<string, Wait>): string | undefined {
  const key = `${gate}\n${target}`;
  const said = `${look.verdict} ${JSON.stringify(look.observed)}`;
  const before = waits.get(key);
  if (before?.said === said && look.ended - before.at < HEARTBEAT) return undefined;
  const since = before?.said === said ? before.since : look.began;
  waits.set(key, { said, at: look.ended, since });
  return before?.said === said && look.verdict === "pass" ? undefined : describeLook(gate, target, look, since);
}

function lineOf(news: News): unknown {
  if (news.kind !== "recorded") return news;
  const { text: _, ...entry } = news.entry;
  return { kind: "recorded", entry };
}

/** The final table on stderr and, with `--json`, the whole view on stdout; with ndjson it is the last line. */
export function showOutcome(state: RunState, options: OutputOptions): void {
  const view = viewRun(state);
  if (options.output === "ndjson") print(JSON.stringify({ kind: "outcome", run: view }));
  else if (options.json) printJson(view);
  else print(["", ...describeRun(view, Date.now(), columns())]);
}
