/**
 * In a fault matrix nobody is there to be asked. Whoever a gate names is taken to say what it waits for, so that what comes
 * behind it is rehearsed, too; the entries are a rehearsal's (invariant 13), and say whose word they stand for.
 */
import type { WordProbe } from "../../gates/model.js";
import type { OpenLedger } from "../../ledger/index.js";
import type { PlanGate } from "../../plan/model.js";
import type { News, Notifier } from "../../run/ports.js";
import { gatesOf, type RunState } from "../../run/state.js";
import { wordProbeOf } from "../../run/words.js";
import { acknowledge, approve, type GateWord } from "../gate-words.js";

/** Tells on, and answers for people. */
export function answering(
  ledger: OpenLedger,
  { run, started }: Pick<RunState, "run" | "started">,
  next: Notifier,
): Notifier {
  const answered = new Set<string>();
  const reason = "rehearsed: nobody is there to be asked";
  const word = (gate: PlanGate, claimed: string): GateWord => ({
    run,
    gate: gate.id,
    reason,
    claimed,
    passedOn: true,
  });
  const answer = async ({ gate: id, target }: Asked): Promise<void> => {
    const gate = gatesOf(started.plan).find((candidate) => candidate.id === id);
    const probe = gate === undefined ? undefined : wordProbeOf(gate);
    if (gate === undefined || probe === undefined) return;
    if (probe.type === "acknowledged" && target !== undefined)
      await acknowledge(ledger, { ...word(gate, namesFor(probe, 1)[0] ?? ""), targets: [target] });
    if (probe.type === "approved" && target === undefined)
      for (const name of namesFor(probe, probe.count)) await approve(ledger, word(gate, name));
  };
  return {
    tell(news) {
      next.tell(news);
      // Another attempt is acknowledged by another word.
      if (news.kind === "recorded" && news.event.type === "operation.intended") answered.clear();
      const asked = askedBy(news);
      if (asked === undefined || answered.has(asked.key)) return;
      answered.add(asked.key);
      // What can't be said any more, since the run has gone on or ended, needs not be.
      answer(asked).catch(() => undefined);
    },
  };
}

interface Asked {
  readonly gate: string;
  /** Absent: an approval. */
  readonly target?: string;
  readonly key: string;
}

function askedBy(news: News): Asked | undefined {
  if (news.kind === "recorded" && news.event.type === "approval.requested")
    return { gate: news.event.gate, key: `approval ${news.entry.number}` };
  if (news.kind !== "looked" || news.measurement.verdict !== "inconclusive") return undefined;
  return { gate: news.gate, target: news.target, key: `${news.gate} ${news.target}` };
}

/** So many different names: those that are asked for, then members of the first team. */
function namesFor({ by }: WordProbe, count: number): readonly string[] {
  const actors = by.filter((name) => !name.startsWith("@"));
  const [team = ""] = by.filter((name) => name.startsWith("@"));
  return [...actors, ...Array.from({ length: count }, (_, at) => `${team} ${at + 1}`)].slice(0, count);
}
