/** `evo history <stack>`: how a stack came to its state. */
import { EvoError, EXIT } from "../errors.js";
import { historyOf } from "../evo/evolution.js";
import { withLedger } from "../evo/reading.js";
import { readSettings } from "../evo/settings.js";
import type { KnownStack } from "../ledger/index.js";
import { describeHistory } from "../views/evolution.js";
import { instant, wholeNumber } from "./options.js";
import { columns, print, printJson, say } from "./output.js";

export interface HistoryOptions {
  readonly since?: string;
  readonly until?: string;
  readonly rehearsals?: boolean;
  readonly limit: string;
  readonly json?: boolean;
}

/** Every stack that is named so; those of rehearsals only where asked for, or where there is no other. Errors: `stack.unknown` (exit 2). */
export async function history(named: string, options: HistoryOptions): Promise<void> {
  const { since, until, rehearsals, json } = options;
  const question = {
    limit: wholeNumber("--limit", options.limit, 1),
    ...(since === undefined ? {} : { since: instant("--since", since) }),
    ...(until === undefined ? {} : { until: instant("--until", until) }),
  };
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    const stacks = chosen(await ledger.stacks(named), rehearsals === true);
    if (stacks.length === 0) throw unknown(named);
    const histories = await Promise.all(stacks.map((stack) => historyOf(ledger, stack, question)));
    if (json) return printJson(histories);
    histories.forEach((one, at) => {
      print([...(at > 0 ? [""] : []), ...describeHistory(one, columns())]);
    });
  });
}

/** Rehearsals have stacks of their own. */
function chosen(stacks: readonly KnownStack[], rehearsals: boolean): readonly KnownStack[] {
  const real = stacks.filter(({ rehearsal }) => !rehearsal);
  return rehearsals || real.length === 0 ? stacks.filter(({ rehearsal }) => rehearsal) : real;
}

function unknown(named: string): EvoError {
  return new EvoError("stack.unknown", `the ledger knows no stack ${named}`, {
    exit: EXIT.usage,
    remedy:
      "name it as in its sequence's folder and stack (app/prod), or by its whole identity (evo ledger log --json)",
  });
}
