/** `evo status [run]` and `evo runs` */
import { EvoError, EXIT } from "../errors.js";
import { departuresFor } from "../evo/departures/reading.js";
import { loadRun } from "../evo/load-run.js";
import { withLedger } from "../evo/reading.js";
import { readSettings } from "../evo/settings.js";
import { isDriving } from "../evo/take-over.js";
import type { OpenLedger, RunSummary } from "../ledger/index.js";
import { describeDepartures } from "../views/drift.js";
import { describeRun, viewRun } from "../views/status.js";
import { table } from "../views/text.js";
import { describeDriver, driverOf } from "./live-driver.js";
import { wholeNumber } from "./options.js";
import { columns, print, printJson, say } from "./output.js";

export interface StatusOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
}

/** Where a run stands; the newest one where none is named. */
export async function status(named: string | undefined, options: StatusOptions): Promise<void> {
  if (options.watch && options.json)
    throw new EvoError("usage", "--watch shows a run to people, and --json is for programs", {
      remedy: "evo up <sequence> --output ndjson tells a program; evo status --json says where a run stands now",
    });
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    const run = named ?? (await newest(ledger));
    if (options.watch) return (await import("./live-watch.js")).watchRun(ledger, run);
    const state = await loadRun(ledger, run);
    const view = viewRun(state);
    const driver = await driverOf(ledger, run);
    const departures = await departuresFor(ledger, state);
    if (options.json) return printJson({ ...view, departures, driver: driver ?? null });
    print(describeRun(view, Date.now(), columns()));
    if (departures.length > 0) print(describeDepartures(departures, columns()));
    if (view.ended === undefined) print(driver === undefined ? "nobody drives it" : describeDriver(driver));
  });
}

/** The newest run. Errors: `run.none` (exit 2). */
export async function newest(ledger: OpenLedger): Promise<string> {
  const [row] = await ledger.runs({ limit: 1 });
  if (row === undefined)
    throw new EvoError("run.none", "the ledger knows no run yet", { exit: EXIT.usage, remedy: "evo up <sequence>" });
  return row.run;
}

/** The runs that the ledger knows, newest first. */
export async function runs(options: {
  readonly json?: boolean;
  readonly sequence?: string;
  readonly limit: string;
}): Promise<void> {
  const limit = wholeNumber("--limit", options.limit, 1);
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    const rows = await ledger.runs({
      limit,
      ...(options.sequence === undefined ? {} : { sequence: options.sequence }),
    });
    const driven = new Set((await ledger.leases()).filter(isDriving).map(({ holder }) => holder.run));
    const known = await Promise.all(rows.map(async (row) => ({ ...row, ...(await standing(ledger, row, driven)) })));
    if (options.json) return printJson(known);
    if (known.length === 0) return print("no runs yet");
    const cells = known.map((row) => [
      row.run,
      `${row.status}${row.status === "running" && !row.driven ? ", nobody drives it" : ""}${row.rehearsal ? " (rehearsal)" : ""}`,
      row.started.slice(0, 19).replace("T", " "),
      String(row.version),
    ]);
    print(table([["RUN", "STATE", "STARTED (UTC)", "ENTRIES"], ...cells], columns()));
  });
}

/** An ended run's last entry says so; where another stands is a fold over all of its entries. */
async function standing(ledger: OpenLedger, { run, last }: RunSummary, driven: ReadonlySet<unknown>) {
  const ended = { "run.completed": "completed", "run.aborted": "aborted", "run.recovered": "recovered" }[last.type];
  return { status: ended ?? viewRun(await loadRun(ledger, run)).status, driven: driven.has(run) };
}
