/** `evo drift schedule add | list | remove` */

import { EvoError } from "../errors.js";
import { withLedger } from "../evo/reading.js";
import { standing } from "../evo/schedules/standing.js";
import { nextOf } from "../evo/schedules/times.js";
import { addSchedule, removeSchedule } from "../evo/schedules/words.js";
import { readSettings } from "../evo/settings.js";
import type { OpenLedger } from "../ledger/index.js";
import { DURATION_EXAMPLES, parseDuration } from "../sequence/duration.js";
import { describeSchedules, type ScheduleRow } from "../views/schedules.js";
import { columns, print, printJson, say } from "./output.js";

export interface AddOptions {
  readonly cron: string;
  readonly tz: string;
  readonly all?: boolean;
  readonly jitter: string;
  readonly maxAge?: string;
  readonly timeLimit: string;
  readonly rehearse?: boolean;
  readonly json?: boolean;
}

/** Adds a schedule to the ledger; whoever serves it scans by it. */
export async function scheduleAdd(name: string, what: readonly string[], options: AddOptions): Promise<void> {
  if ((what.length === 0) !== (options.all === true))
    throw new EvoError("usage", "name what to scan, stacks or a sequence, or give --all", { remedy: "add --all" });
  const settings = readSettings(process.env, process.cwd());
  const maxAge = options.maxAge === undefined ? {} : { maxAge: milliseconds("--max-age", options.maxAge) };
  const spec = {
    name,
    cron: options.cron,
    timezone: options.tz,
    what,
    root: settings.cwd,
    rehearse: options.rehearse === true,
    jitter: milliseconds("--jitter", options.jitter),
    timeLimit: Math.max(1, milliseconds("--time-limit", options.timeLimit)),
    ...maxAge,
  };
  const entry = await withLedger(settings, say, (ledger) => addSchedule(ledger, spec));
  if (options.json) return printJson({ entry, ...spec });
  const next = nextOf(spec, Date.now());
  const when = next === undefined ? "" : `, next at ${new Date(next).toISOString()}`;
  print(`${name} is a schedule (entry ${entry})${when}; evo serve scans by it`);
}

function milliseconds(option: string, text: string): number {
  const value = parseDuration(text);
  if (value !== undefined) return value;
  throw new EvoError("usage", `${option} takes ${DURATION_EXAMPLES}; not ${text}`, { remedy: `${option} 5m` });
}

/** What stands, when it comes next, and how far the last scan has come. */
export async function scheduleList(options: { readonly json?: boolean }): Promise<void> {
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    const now = Date.now();
    const rows = await rowsOf(ledger, now);
    if (options.json) return printJson(rows);
    print(describeSchedules(rows, now, columns()));
  });
}

async function rowsOf(ledger: OpenLedger, now: number): Promise<readonly ScheduleRow[]> {
  const rows: ScheduleRow[] = [];
  for (const { schedule, last } of await standing(ledger)) {
    const next = nextOf(schedule, now);
    const done = last === undefined ? 0 : (await ledger.scannedFor(last.entry)).size;
    rows.push({
      ...schedule,
      ...(next === undefined ? {} : { next }),
      ...(last === undefined ? {} : { last: { due: last.due, entry: last.entry, stacks: last.stacks.length, done } }),
    });
  }
  return rows;
}

/** Ends a schedule. */
export async function scheduleRemove(
  name: string,
  options: { readonly reason?: string; readonly json?: boolean },
): Promise<void> {
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    const entry = await removeSchedule(ledger, name, options.reason);
    if (options.json) return printJson({ entry, name });
    print(`${name} is no longer a schedule (entry ${entry})`);
  });
}
