/** `evo ledger why`: what led to an entry, a step's update, a stack's state; or what followed. */
import { EvoError, EXIT } from "../errors.js";
import { withLedger } from "../evo/reading.js";
import { readSettings } from "../evo/settings.js";
import type { OpenLedger } from "../ledger/index.js";
import type { Entry } from "../run/ports.js";
import { describeWhy, type Why, whyData } from "../views/why.js";
import { wholeNumber } from "./options.js";
import { columns, print, printJson, say } from "./output.js";

export interface WhyOptions {
  readonly forward?: boolean;
  readonly run?: string;
  readonly limit: string;
  readonly json?: boolean;
}

/** Errors: `ledger.no-entry` (exit 2) for what names neither an entry nor a step nor a stack. */
export async function why(target: string, options: WhyOptions): Promise<void> {
  const limit = wholeNumber("--limit", options.limit, 1);
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    const focus = await focusOf(ledger, target, options);
    const direction = options.forward ? "effects" : "causes";
    const found = await ledger.related(focus.number, direction, limit + 1);
    const entries = direction === "causes" ? found.slice(-limit) : found.slice(0, limit);
    const answer: Why = { focus, direction, entries, cut: found.length > limit };
    if (options.json) return printJson(whyData(answer));
    print(describeWhy(answer, columns()));
  });
}

/** An entry's number, a step's newest update (or a group's opening), a stack's newest change: the first that fits. */
async function focusOf(ledger: OpenLedger, target: string, { run, forward }: WhyOptions): Promise<Entry> {
  if (/^\d+$/.test(target)) return numbered(ledger, wholeNumber("<entry>", target, 1));
  const step = await ledger.newestOf(target, run);
  if (step !== undefined) return forward ? step.start : (step.outcome ?? step.start);
  const stacks = await ledger.stacks(target);
  const governed = stacks.some(({ rehearsal }) => !rehearsal) ? stacks.filter(({ rehearsal }) => !rehearsal) : stacks;
  const [stack] = governed;
  if (stack === undefined || run !== undefined) throw unknown(target, run);
  if (governed.length > 1)
    throw new EvoError("ledger.ambiguous", `${target} names ${governed.length} stacks`, {
      exit: EXIT.usage,
      remedy: `give one of ${governed.map((known) => known.stack).join(", ")}`,
    });
  const [row] = await ledger.history({ stacks: [stack.stack], limit: 1 });
  return numbered(ledger, row?.number ?? stack.number);
}

async function numbered(ledger: OpenLedger, number: number): Promise<Entry> {
  const entry = await ledger.entry(number);
  if (entry === undefined) throw unknown(String(number), undefined);
  return entry;
}

function unknown(target: string, run: string | undefined): EvoError {
  const where = run === undefined ? "" : ` in run ${run}`;
  return new EvoError("ledger.no-entry", `${target} is no entry, no step that was started and no stack${where}`, {
    exit: EXIT.usage,
    remedy: "see evo ledger log",
  });
}
