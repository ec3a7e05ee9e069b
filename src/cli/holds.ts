/** A run that is held for long explains itself, once for each hold: nobody should have to ask why it does not go on. */
import { explainRun } from "../evo/explain.js";
import type { OpenLedger } from "../ledger/index.js";
import { describeExplanation } from "../views/explain/text.js";
import type { Lines, OutputOptions, Teller } from "./news.js";
import { columns, say } from "./output.js";

/** Milliseconds: what converges in a minute after all was only slow. */
const LONG = 60_000;

/** Tells what `teller` tells, and besides why a run is held; a program that reads the news has its own mind. */
export function explainingHolds(
  teller: Teller,
  ledger: OpenLedger,
  run: string,
  { json, output }: OutputOptions,
  after: Lines["after"],
): Teller {
  if (json === true || output === "ndjson") return teller;
  const waiting = new Map<string, () => void>();
  const forget = (gate: string): void => {
    waiting.get(gate)?.();
    waiting.delete(gate);
  };
  const explain = async (): Promise<void> => {
    // A ledger that does not answer now is waited for elsewhere, and said.
    const explanation = await explainRun(ledger, run).catch(() => undefined);
    if (explanation?.status === "held") say(["", ...describeExplanation(explanation, columns()), ""].join("\n"));
  };
  return {
    tell(news) {
      teller.tell(news);
      if (news.kind !== "recorded") return;
      const { event } = news;
      if (event.type === "gate.passed" || event.type === "gate.overridden") forget(event.gate);
      if (event.type === "run.held") {
        forget(event.gate);
        waiting.set(
          event.gate,
          after(LONG, () => void explain()),
        );
      }
    },
    close() {
      for (const gate of [...waiting.keys()]) forget(gate);
      teller.close();
    },
  };
}
