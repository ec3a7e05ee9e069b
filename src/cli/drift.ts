/** `evo drift scan | list | show` and `evo declare` */
import { departuresOf } from "../departures/known.js";
import { describeEntry, shortName } from "../departures/words.js";
import { EvoError, EXIT } from "../errors.js";
import type { ScanResult } from "../evo/departures/live.js";
import { boardEntries, stackCalled } from "../evo/departures/reading.js";
import { declare as declareAhead, scan, withdraw } from "../evo/departures/scan.js";
import { findTargets } from "../evo/departures/targets.js";
import { withLedger } from "../evo/reading.js";
import { scheduledAges } from "../evo/schedules/standing.js";
import { readSettings } from "../evo/settings.js";
import { parseDuration } from "../sequence/duration.js";
import { loadSequence } from "../sequence/load.js";
import { boardOf, describeBoard, describeDeparture, describeDepartures } from "../views/drift.js";
import { table } from "../views/text.js";
import { wholeNumber } from "./options.js";
import { columns, print, printJson, say, sayAt } from "./output.js";

interface Common {
  readonly json?: boolean;
  readonly rehearse?: boolean;
  readonly ephemeralLedger?: boolean;
  readonly engine?: string;
}

export interface ScanCommand extends Common {
  readonly all?: boolean;
  readonly fail?: boolean;
  readonly parallel?: string;
}

const STOPPED = new EvoError("drift.stopped", "stopped; what had been looked at is recorded", {
  exit: EXIT.awaitsPerson,
});

/** Looks at the live system behind stacks. With `--fail`, exit 7 where anything departed or could not be assessed. */
export async function driftScan(words: readonly string[], options: ScanCommand): Promise<void> {
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const parallel = options.parallel === undefined ? {} : { parallel: wholeNumber("--parallel", options.parallel, 1) };
  const rehearse = options.rehearse === true;
  const targets = await findTargets(words, options.all === true, settings.cwd, rehearse);
  const stopped = new AbortController();
  process.once("SIGINT", () => stopped.abort(STOPPED));
  const results = await scan(settings, {
    targets,
    rehearse,
    ephemeralLedger: options.ephemeralLedger ?? false,
    ...parallel,
    signal: stopped.signal,
    say: sayAt,
    told: (result) => tell(result),
  });
  if (options.json) printJson(results.map(({ entries: _, ...result }) => result));
  else print(table([["STACK", "RESULT", "DRIFTED", "IGNORED", ""], ...results.map(cells)], columns()));
  if (options.fail && results.some(isFinding)) process.exitCode = EXIT.departures;
}

/** What a look recorded besides itself, as it comes. */
function tell({ entries }: ScanResult): void {
  for (const entry of entries) if (entry.type !== "drift.scanned") sayAt(describeEntry(entry) ?? entry.type);
}

function cells({ stack, result, drifted, before, accepted, ignored, why }: ScanResult): readonly string[] {
  const known = [
    ...(before > 0 ? [`${before} of them since before the first look`] : []),
    ...(accepted > 0 ? [`${accepted} of them accepted`] : []),
  ].join(", ");
  return [shortName(stack), result, String(drifted), String(ignored), why?.split("\n")[0] ?? known];
}

/** Drift that was there before evo first looked is known, and what was accepted, too: neither is a finding. */
function isFinding({ result, drifted, before, accepted, entries }: ScanResult): boolean {
  const foreign = entries.some(({ type, body }) => type === "departure.detected" && body.kind !== "drift");
  return result === "not assessed" || drifted > before + accepted || foreign;
}

/** The board: every stack that evo has looked at. */
export async function driftList(options: { readonly json?: boolean; readonly maxAge: string }): Promise<void> {
  const maxAge = parseDuration(options.maxAge) ?? wholeNumber("--max-age", options.maxAge, 1);
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    const ages = await scheduledAges(ledger);
    const rows = boardOf(await boardEntries(ledger), Date.now(), (stack) => ages.get(stack) ?? maxAge);
    if (options.json) return printJson(rows);
    print(describeBoard(rows, Date.now(), columns()));
  });
}

/** A stack's departures, with what differs. */
export async function driftShow(name: string, options: { readonly json?: boolean }): Promise<void> {
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    const all = await boardEntries(ledger);
    const stack = stackCalled(name, all);
    const entries = all.filter((entry) => entry.stack === stack);
    const departures = departuresOf(entries, Date.now());
    const [row] = boardOf(entries, Date.now(), () => Number.POSITIVE_INFINITY);
    const detailed = departures.map((departure) => ({
      departure,
      entry: entries.findLast(({ type, body }) => /detected|reopened/.test(type) && body.id === departure.id),
    }));
    if (options.json)
      return printJson({
        ...row,
        departures: detailed.map(({ departure, entry }) => ({ ...departure, body: entry?.body })),
      });
    print([
      stack,
      ...describeBoard(row === undefined ? [] : [row], Date.now(), columns()),
      ...detailed.flatMap(({ departure, entry }) => [
        "",
        ...describeDeparture(departure, entry, Date.now(), columns()),
      ]),
    ]);
  });
}

export interface DeclareOptions extends Common {
  readonly withdraw?: string;
}

/** Records the intent to run a sequence, ahead of its run; or takes it back. */
export async function declare(reference: string, options: DeclareOptions): Promise<void> {
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const loaded = await loadSequence(reference, settings.cwd, settings.cache);
  const rehearse = options.rehearse === true;
  if (options.withdraw !== undefined) {
    const reason = options.withdraw;
    const entry = await withLedger(settings, say, (ledger) => withdraw(ledger, loaded.sequence.name, rehearse, reason));
    return options.json
      ? printJson({ entry })
      : print(`${loaded.sequence.name} is no longer declared (entry ${entry})`);
  }
  const request = { rehearse, ephemeralLedger: options.ephemeralLedger ?? false, say: sayAt };
  const { entry, departed } = await declareAhead(settings, loaded, request);
  if (options.json)
    return printJson({ entry: entry.number, sequence: entry.sequence, digest: loaded.digest, departed });
  print([
    `${loaded.sequence.name} is declared (entry ${entry.number}): what changes its stacks before their turn is early`,
    ...describeDepartures(departed, columns()),
  ]);
}
