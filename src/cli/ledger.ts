/** `evo ledger log | show` */
import { EvoError, EXIT } from "../errors.js";
import { withLedger } from "../evo/reading.js";
import { readSettings } from "../evo/settings.js";
import { eventOf } from "../run/entries.js";
import type { Entry } from "../run/ports.js";
import { describeEvent } from "../views/lines.js";
import { shown, wrap } from "../views/text.js";
import { wholeNumber } from "./options.js";
import { columns, isRead, print, printData, printJson, say } from "./output.js";

export interface LogOptions {
  readonly run?: string;
  readonly sequence?: string;
  readonly stack?: string;
  readonly type?: string;
  readonly actor?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
  readonly json?: boolean;
  readonly output?: "text" | "ndjson";
}

/** Entries, oldest first, as they come from the database: a long record streams, also as JSON (an array, an entry a line). */
export async function log(options: LogOptions): Promise<void> {
  const { json, output, limit, since, until, ...words } = options;
  const times = {
    ...(since === undefined ? {} : { since: instant("--since", since) }),
    ...(until === undefined ? {} : { until: instant("--until", until) }),
  };
  const most = limit === undefined ? {} : { last: wholeNumber("--limit", limit, 1) };
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    const lines = output === "ndjson" ? asLines : json ? asArray : asText(options.run === undefined);
    for await (const line of lines(ledger.entries({ ...words, ...times, ...most }))) {
      if (!isRead()) return;
      if (output === "ndjson" || json) printData(line);
      else print(line);
    }
  });
}

type Entries = AsyncIterable<Entry>;

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

/** One entry, whole. */
export async function show(number: string, options: { readonly json?: boolean }): Promise<void> {
  const wanted = wholeNumber("<number>", number, 1);
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    const entry = await ledger.entry(wanted);
    if (entry === undefined)
      throw new EvoError("ledger.no-entry", `the ledger has no entry ${wanted}`, {
        exit: EXIT.usage,
        remedy: "see evo ledger log",
      });
    if (options.json) return printJson(entryData(entry));
    print(describeEntry(entry));
  });
}

function entryData({ text: _, ...entry }: Entry) {
  return entry;
}

/** Times are UTC, to the second, as `--since` takes them. */
function entryLine(entry: Entry, withRun: boolean): string {
  const said = entry.run === undefined ? undefined : describeEvent(eventOf(entry).event);
  return [
    String(entry.number).padStart(5),
    `${entry.time.slice(0, 19)}Z`,
    entry.type.padEnd(20),
    ...(withRun ? [entry.run ?? entry.sequence ?? "-"] : []),
    (said ?? summary(entry)).replaceAll("\n", " "),
  ]
    .join("  ")
    .trimEnd();
}

/** For entries that have no sentence of their own. */
function summary(entry: Entry): string {
  const { gate, target, measurements, digest, file } = entry.body;
  if (entry.type === "sequence.declared") return `${String(file)}, digest ${String(digest).slice(0, 12)}`;
  if (!Array.isArray(measurements)) return "";
  const looks = measurements as unknown as readonly { verdict: string; observed: never }[];
  const last = looks.at(-1);
  return last === undefined
    ? ""
    : `${String(gate)} ${String(target)}: ${looks.length > 1 ? `${looks.length} looks, last ` : ""}${last.verdict}, ${shown(last.observed)}`;
}

function describeEntry(entry: Entry): readonly string[] {
  const columns_ = {
    time: entry.time,
    type: entry.type,
    sequence: entry.sequence,
    run: entry.run,
    step: entry.step,
    operation: entry.operation,
    stack: entry.stack,
  };
  const known = Object.entries(columns_).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name.padEnd(10)} ${value}`],
  );
  const causes = entry.causes.map((cause) => `${cause.number} (${cause.hash.slice(0, 12)})`).join(", ");
  return [
    `entry      ${entry.number} of ledger ${entry.ledger}${entry.rehearsal ? " (rehearsal)" : ""}`,
    ...known,
    `actor      ${entry.actor.claimed}, authenticated as ${entry.actor.authenticated}`,
    `causes     ${causes || "none"}`,
    `hash       ${entry.hash}`,
    `previous   ${entry.previous}`,
    JSON.stringify(entry.body, null, 2),
  ];
}

const AGE = /^(\d+)(s|m|h|d)$/;
const UNITS: { readonly [unit: string]: number } = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 };

/** An ISO 8601 time, or an age such as `2h`, as ISO 8601. */
function instant(option: string, text: string): string {
  const age = AGE.exec(text);
  const at = age === null ? Date.parse(text) : Date.now() - Number(age[1]) * (UNITS[age[2] ?? ""] ?? 0);
  if (Number.isNaN(at))
    throw new EvoError("usage", `${option} takes an ISO 8601 time or an age such as 30m, 2h, 7d; not ${text}`, {
      exit: EXIT.usage,
    });
  return new Date(at).toISOString();
}
