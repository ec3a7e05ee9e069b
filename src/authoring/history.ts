/** How long gates have needed in earlier runs, from their events alone. Pure. */
import type { RunEvent } from "../run/events.js";
import type { GateHistory } from "./finding.js";

/** The events of one run, in order. */
export interface RunEvents {
  readonly run: string;
  readonly events: readonly RunEvent[];
}

/**
 * The longest time from the end of the newest update that a gate proves to its passing. Time in which a run stood still
 * and nobody looked is none that the gate needed: who resumes it, or takes it over, looks anew.
 */
export function historyOf(runs: readonly RunEvents[]): GateHistory {
  const longest = new Map<string, { needed: number; run: string }>();
  for (const { run, events } of runs) {
    const ended = new Map<string, number>();
    let resumed = Number.NEGATIVE_INFINITY;
    for (const event of events) {
      if (event.type === "operation.succeeded") ended.set(event.operation, event.at);
      if (event.type === "run.resumed" || event.type === "run.adopted") resumed = event.at;
      if (event.type !== "gate.passed") continue;
      const since = Math.max(resumed, ...event.operations.map((operation) => ended.get(operation) ?? event.at));
      const needed = event.at - since;
      if (Number.isFinite(needed) && needed > (longest.get(event.gate)?.needed ?? 0))
        longest.set(event.gate, { needed, run });
    }
  }
  return longest;
}
