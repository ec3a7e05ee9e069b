/** `evo ledger show` */
import { EvoError, EXIT } from "../errors.js";
import { withLedger } from "../evo/reading.js";
import { readSettings } from "../evo/settings.js";
import type { Entry } from "../run/ports.js";
import { entryData } from "./ledger-log.js";
import { wholeNumber } from "./options.js";
import { print, printJson, say } from "./output.js";

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
