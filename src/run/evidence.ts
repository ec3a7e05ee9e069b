/** What this process has seen of the gates, and the raw looks on their way to the side table. */
import type { GateId } from "../plan/model.js";
import type { Seen } from "./driving.js";
import type { Evidence, GateEvidence } from "./gates.js";
import type { Lease, Ledger, Sample } from "./ports.js";
import type { RunState } from "./state.js";

export interface SeenStore extends Seen {
  /** Writes the raw looks that are waiting. */
  flush(): Promise<void>;
}

/** Looks that may wait in memory before they are written. */
const BATCH = 50;

/** Begins with no evidence (whoever takes over looks anew) but goes on numbering after what is recorded. */
export async function fillSeen(state: RunState, ledger: Ledger, leases: () => readonly Lease[]): Promise<SeenStore> {
  const numbers = numbersOf(state);
  for (const { gate, target, last } of await ledger.sampled(state.run)) raise(numbers, keyOf(gate, target), last);
  const evidence: { [gate: GateId]: GateEvidence } = {};
  let waiting: Sample[] = [];
  let writing: Promise<void> = Promise.resolve();

  /** One after the other: a verdict is recorded only when all looks that it rests on are, those on their way included. */
  function flush(): Promise<void> {
    const samples = waiting;
    waiting = [];
    if (samples.length > 0) writing = writing.then(() => ledger.sample(samples, leases()));
    return writing;
  }

  return {
    evidence: (): Evidence => evidence,
    keep(gate, next) {
      evidence[gate] = next;
    },
    nextNumber(gate, target) {
      const number = (numbers.get(keyOf(gate, target)) ?? 0) + 1;
      numbers.set(keyOf(gate, target), number);
      return number;
    },
    async sample(sample) {
      waiting.push(sample);
      if (waiting.length >= BATCH) await flush();
    },
    flush,
  };
}

/** A crash may have lost raw looks of which the entries tell: no number is given twice, so none is taken for another. */
function numbersOf({ gates }: RunState): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const [gate, { measured }] of Object.entries(gates))
    for (const [target, { last }] of Object.entries(measured)) raise(numbers, keyOf(gate, target), last.number);
  return numbers;
}

function raise(numbers: Map<string, number>, key: string, number: number): void {
  numbers.set(key, Math.max(number, numbers.get(key) ?? 0));
}

function keyOf(gate: GateId, target: string): string {
  return `${gate}\n${target}`;
}
