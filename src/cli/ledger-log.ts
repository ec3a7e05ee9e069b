/** `evo ledger log`: lists of entries, and what comes. */
import { setTimeout as sleep } from "node:timers/promises";
import { EvoError } from "../errors.js";
import { withLedger } from "../evo/reading.js";
import { readSettings } from "../evo/settings.js";
import type { EntryFilter, OpenLedger } from "../ledger/index.js";
import type { Entry } from "../run/ports.js";
import { describeEntry } from "../views/entry-line.js";
import { wrap } from "../views/text.js";
import { instant, wholeNumber } from "./options.js";
import { columns, isRead, print, printData, say } from "./output.js";

export interface LogOptions {
  readonly run?: string;
  readonly sequence?: string;
  readonly stack?: string;
  readonly type?: string;
  readonly actor?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
  readonly follow?: boolean;
  readonly json?: boolean;
  readonly output?: "text" | "ndjson";
}

/** Entries, oldest first, as they come from the database: a long record streams, also as JSON (an array, an entry a line). */
export async function log(options: LogOptions): Promise<void> {
  const { json, output, follow, ...rest } = options;
  if (follow && (json || options.until !== undefined))
    throw new EvoError("usage", `--follow has no end, and ${json ? "a JSON document" : "--until"} has one`, {
      remedy: "evo ledger log --follow --output ndjson gives an entry a line",
    });
  const filter = filterOf(rest);
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    const lines = output === "ndjson" ? asLines : json ? asArray : asText(options.run === undefined);
    const entries = follow ? following(ledger, filter) : ledger.entries(filter);
    for await (const line of lines(entries)) {
      if (!isRead()) return;
      if (output === "ndjson" || json) printData(line);
      else print(line);
    }
  });
}

function filterOf({ limit, since, until, ...words }: Omit<LogOptions, "json" | "output" | "follow">): EntryFilter {
  return {
    ...words,
    ...(since === undefined ? {} : { since: instant("--since", since) }),
    ...(until === undefined ? {} : { until: instant("--until", until) }),
    ...(limit === undefined ? {} : { last: wholeNumber("--limit", limit, 1) }),
  };
}

type Entries = AsyncIterable<Entry>;

/** Milliseconds between looks for new entries: one walk along an index each, which no pooler breaks. */
const LOOK = 500;

/** What there is, then what comes, until Ctrl-C. */
async function* following(ledger: OpenLedger, filter: EntryFilter): AsyncGenerator<Entry> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  try {
    let after = filter.after ?? 0;
    for (let asked = filter; !stop.signal.aborted && isRead(); asked = behind(filter, after)) {
      for await (const entry of ledger.entries(asked)) {
        yield entry;
        after = Math.max(after, entry.number);
      }
      await sleep(LOOK, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

function behind({ last: _, ...filter }: EntryFilter, after: number): EntryFilter {
  return { ...filter, after };
}

async function* asLines(entries: Entries): AsyncGenerator<string> {
  for await (const entry of entries) yield JSON.stringify(entryData(entry));
}

/** One JSON document, each entry on a line of its own; the comma is known only when the next one has come. */
async function* asArray(entries: Entries): AsyncGenerator<string> {
  let before: string | undefined;
  for await (const entry of entries) {
    yield before === undefined ? "[" : `${before},`;
    before = JSON.stringify(entryData(entry));
  }
  yield before === undefined ? "[]" : `${before}\n]`;
}

function asText(withRun: boolean): (entries: Entries) => AsyncGenerator<string> {
  return async function* (entries) {
    for await (const entry of entries) yield wrap(entryLine(entry, withRun), columns(), BESIDE).join("\n");
  };
}

/** A long line goes on below its time. */
const BESIDE = " ".repeat(7);

/** An entry as JSON: all but the text, which its body is. */
export function entryData({ text: _, ...entry }: Entry) {
  return entry;
}

/** Times are UTC, to the second, as `--since` takes them. */
function entryLine(entry: Entry, withRun: boolean): string {
  return [
    String(entry.number).padStart(5),
    `${entry.time.slice(0, 19)}Z`,
    entry.type.padEnd(20),
    ...(withRun ? [entry.run ?? entry.sequence ?? "-"] : []),
    describeEntry(entry),
  ]
    .join("  ")
    .trimEnd();
}
