/** `evo explain [run]`, and what `evo up` says of a run that came to a stand. */
import { explainRun } from "../evo/explain.js";
import { withLedger } from "../evo/reading.js";
import { dueRecovery } from "../evo/recover.js";
import { readSettings } from "../evo/settings.js";
import type { OpenLedger } from "../ledger/index.js";
import type { RunState } from "../run/state.js";
import type { Explanation } from "../views/explain/model.js";
import { describeExplanation, describeStanding } from "../views/explain/text.js";
import { describeRun, viewRun } from "../views/status.js";
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

/** How a driven run came out, and for people why, where it stands still. */
export interface Ended {
  readonly state: RunState;
  readonly explanation?: Explanation;
}

/** Asks for the explanation while the ledger is open; one that does not answer keeps nobody from the outcome. */
export async function endedWith(ledger: OpenLedger, state: RunState, options: OutputOptions): Promise<Ended> {
  const stands = state.status === "halted" || state.status === "paused";
  if (!stands || options.json || options.output === "ndjson") return { state };
  const explanation = await explainRun(ledger, state.run).catch(() => undefined);
  return explanation === undefined ? { state } : { state, explanation: dueAtOnce(state, explanation) };
}

/** A recovery that starts at once leaves nobody a choice: what was one a moment ago would be refused. */
function dueAtOnce(state: RunState, explanation: Explanation): Explanation {
  if (!dueRecovery(state)) return explanation;
  const rule = state.halt?.recovery?.rule ?? "";
  return {
    ...explanation,
    conditions: [`the recovery by rule ${rule}, which starts now, comes to its end`],
    choices: [],
  };
}

/** Its table and how it ended; where it stands still also why and what can be done, instead of signals and commands alone. */
export function showEnd({ state, explanation }: Ended, options: OutputOptions): void {
  if (explanation === undefined) {
    showOutcome(state, options);
    return;
  }
  const view = { ...viewRun(state), missing: [], next: [] };
  print(["", ...describeRun(view, Date.now(), columns()), ...describeStanding(explanation, columns())]);
}
