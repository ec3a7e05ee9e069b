/** What this process has seen of the gates, and the raw looks on their way to the side table. */
import type { GateId } from "../plan/model.js";
import type { Seen } from "./driving.js";
import type { Evidence, GateEvidence } from "./gates.js";
import type { Lease, Ledger, Sample } from "./ports.js";

export interface SeenStore extends Seen {
  /** Writes the raw looks that are waiting. */
  flush(): Promise<void>;
}

/** Looks that may wait in memory before they are written. */
const BATCH = 50;

/** Begins with no evidence (whoever takes over looks anew) but goes on numbering after what is recorded. */
export async function fillSeen(run: string, ledger: Ledger, leases: () => readonly Lease[]): Promise<SeenStore> {
  const numbers = new Map((await ledger.sampled(run)).map(({ gate, target, last }) => [keyOf(gate, target), last]));
  const evidence: { [gate: GateId]: GateEvidence } = {};
  let waiting: Sample[] = [];

  async function flush(): Promise<void> {
    const samples = waiting;
    waiting = [];
    if (samples.length > 0) await ledger.sample(samples, leases());
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

function keyOf(gate: GateId, target: string): string {
  return `${gate}\n${target}`;
}
