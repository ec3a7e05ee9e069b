/** The evolution of a system and the history of a stack, read from the ledger. */
import type { HistoryRow, KnownStack, OpenLedger } from "../ledger/index.js";
import type { OperationIntent } from "../run/events.js";
import type { Entry } from "../run/ports.js";
import { departuresOf } from "../views/audit/departures.js";
import type { Told } from "../views/audit/reading.js";
import { describeEntry } from "../views/entry-line.js";
import type { Evolution, GovernedChange, StackHistory } from "../views/evolution.js";

export interface EvolutionQuestion {
  /** ISO 8601: from, and before. */
  readonly since?: string;
  readonly until?: string;
  readonly owner?: string;
  /** Of stacks with this name. */
  readonly stack?: string;
  readonly rehearsal: boolean;
  /** The newest so many runs. */
  readonly limit: number;
}

/** Runs and departures of a time, an owner, a stack. An owner's departures are those on the stacks of the owner's runs. */
export async function evolutionOf(ledger: OpenLedger, question: EvolutionQuestion): Promise<Evolution> {
  const { since, until, owner, stack, rehearsal, limit } = question;
  const times = { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
  const named = stack === undefined ? undefined : (await ledger.stacks(stack)).map((known) => known.stack);
  const found = await ledger.evolution({
    ...times,
    rehearsal,
    limit: limit + 1,
    ...(owner === undefined ? {} : { owner }),
    ...(named === undefined ? {} : { stacks: named }),
  });
  const cut = found.length > limit;
  const runs = cut ? found.slice(1) : found;
  const wanted = named ?? (owner === undefined ? undefined : runs.flatMap(({ stacks }) => stacks));
  const foreign = await collect(ledger.entries({ ...times, rehearsal, type: "departure.*" }), wanted);
  const first = cut ? (runs[0]?.first ?? 0) : 0;
  return { runs, departures: departuresOf(foreign).filter(({ entry }) => entry >= first), cut };
}

async function collect(
  entries: AsyncIterable<Entry>,
  stacks: readonly string[] | undefined,
): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  for await (const entry of entries) if (stacks === undefined || stacks.includes(entry.stack ?? "")) found.push(entry);
  return found;
}

/** How a stack came to its state; the newest `limit` entries about it. */
export async function historyOf(
  ledger: OpenLedger,
  { stack, rehearsal }: KnownStack,
  question: { readonly since?: string; readonly until?: string; readonly limit: number },
): Promise<StackHistory> {
  const rows = await ledger.history({ ...question, stacks: [stack], limit: question.limit + 1 });
  const cut = rows.length > question.limit;
  const shown = cut ? rows.slice(1) : rows;
  const others = shown.filter(({ governed }) => !governed).map(asTold);
  const intents = await ledger.aboutStacks({ stacks: [stack], every: ["operation.intended"], newest: [] });
  const programs = new Map(intents.map(({ operation, body }) => [operation, body as unknown as OperationIntent]));
  return {
    stack,
    rehearsal,
    cut,
    governed: shown
      .filter(({ governed }) => governed)
      .map((row) => ({ ...row, ...programOf(programs.get(row.operation)) })),
    departures: departuresOf(others),
    remarks: others
      .filter(({ type }) => !type.startsWith("departure."))
      .map((entry) => ({ number: entry.number, time: entry.time, text: describeEntry(entry) })),
  };
}

function programOf(intent: OperationIntent | undefined): Pick<GovernedChange, "commit" | "asOf"> {
  const { source, asOf } = intent ?? {};
  return {
    ...(source?.commit === undefined ? {} : { commit: source.commit }),
    ...(asOf === undefined ? {} : { asOf }),
  };
}

/** What words about an entry need of a row. */
function asTold({ claimed, authenticated, causes, body = {}, ...row }: HistoryRow): Told {
  return { ...row, actor: { claimed, authenticated }, causes: causes.map((number) => ({ number })), body };
}
