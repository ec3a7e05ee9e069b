/** `evo explain [run]`, and what `evo up` says of a run that came to a stand. */
import { explainRun } from "../evo/explain.js";
import { withLedger } from "../evo/reading.js";
import { readSettings } from "../evo/settings.js";
import type { OpenLedger } from "../ledger/index.js";
import type { RunState } from "../run/state.js";
import { describeExplanation, describeStanding } from "../views/explain/text.js";
import { describeSteps, viewRun } from "../views/status.js";
import { type OutputOptions, showOutcome } from "./news.js";
import { columns, print, printJson, say } from "./output.js";
import { newest } from "./status.js";

/** Why a run stands where it stands; the newest one where none is named. */
export async function explain(named: string | undefined, options: { readonly json?: boolean }): Promise<void> {
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    const explanation = await explainRun(ledger, named ?? (await newest(ledger)));
    if (options.json) return printJson(explanation);
    print(describeExplanation(explanation, columns()));
  });
}

/** How a driven run came out: its table, and where it stands still also why and what can be done. */
export async function showEnd(ledger: OpenLedger, state: RunState, options: OutputOptions): Promise<void> {
  const stands = state.status === "halted" || state.status === "paused";
  if (!stands || options.json || options.output === "ndjson") return showOutcome(state, options);
  const explanation = await explainRun(ledger, state.run);
  const view = viewRun(state);
  print(["", ...describeSteps(view, Date.now(), columns()), ...describeStanding(explanation, columns())]);
}
