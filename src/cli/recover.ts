/** `evo recover [run]` */
import { EvoError } from "../errors.js";
import { exitOf } from "../evo/exit.js";
import { loadRun } from "../evo/load-run.js";
import { withLedger } from "../evo/reading.js";
import { chooseRecovery, plannedRecovery, type Recovery } from "../evo/recover.js";
import { chooseUnfinished } from "../evo/resume.js";
import { readSettings } from "../evo/settings.js";
import type { Plan } from "../plan/model.js";
import type { RunState } from "../run/state.js";
import { describePlan } from "../views/plan.js";
import { type DriveOptions, recover as drive } from "./drive.js";
import { showEnd } from "./explain.js";
import { print, printJson, sayAt } from "./output.js";

export interface RecoverOptions extends DriveOptions {
  readonly sequence?: string;
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly engine?: string;
}

/** Answers a run that stands still, by its rules or by the sequence that is named; its recovery's end sets the exit code. */
export async function recover(named: string | undefined, options: RecoverOptions): Promise<void> {
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const { state, recovery, plan } = await withLedger(settings, sayAt, async (ledger) => {
    const state = await loadRun(ledger, await chooseUnfinished(ledger, named));
    const recovery = await chooseRecovery(settings, ledger, state, options.sequence);
    const wanted = options.dryRun === true;
    const plan = wanted ? await plannedRecovery(settings, ledger, state, recovery, sayAt) : undefined;
    return { state, recovery, plan };
  });
  if (plan !== undefined) return show(state, recovery, plan, options);
  if (options.reason === undefined)
    throw new EvoError("usage", "a recovery is started by a person's word, and a word is signed with a reason", {
      remedy: "add --reason '...', or --dry-run to see what it would do",
    });
  const ended = await drive({ settings, options }, state, recovery, options.reason);
  if (ended === undefined) return;
  showEnd(ended, options);
  process.exitCode = exitOf(ended.state);
}

function show(state: RunState, { loaded, rule }: Recovery, plan: Plan, { json }: RecoverOptions): void {
  if (json) {
    printJson({ answers: state.run, ...(rule === undefined ? {} : { rule }), plan });
    return;
  }
  const why = rule === undefined ? "as named" : `by rule ${rule.name}`;
  print([`${loaded.sequence.name} would answer ${state.run}, ${why}`, "", ...describePlan(plan, new Map())]);
}
