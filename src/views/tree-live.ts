/** What a process that drives a run knows of it for its tree, news by news. Pure (invariant 8). */
import type { Measurement } from "../gates/model.js";
import { tally } from "../gates/tally.js";
import type { GateId } from "../plan/model.js";
import { evolve } from "../run/evolve.js";
import { countsFrom, isMeasurable } from "../run/gates.js";
import type { News } from "../run/ports.js";
import { gatesOf, type RunState } from "../run/state.js";
import type { TreeInput } from "./tree-model.js";

/** All of a tree's input that news changes. */
export type Known = Pick<TreeInput, "state" | "seen" | "progress" | "leases">;

export function knownAtFirst(state: RunState): Known {
  return { state, seen: {}, progress: {}, leases: {} };
}

/** One piece of news further. */
export function learn(known: Known, news: News): Known {
  switch (news.kind) {
    case "recorded": {
      const state = evolve(known.state, { number: news.entry.number, event: news.event, actor: news.entry.actor });
      if (news.event.type !== "operation.intended") return { ...known, state };
      const { [news.event.step]: _, ...leases } = known.leases;
      return { ...known, state, leases };
    }
    case "looked":
      return { ...known, seen: { ...known.seen, ...seenNow(known, news.gate, news.target, news.measurement) } };
    case "progress":
      return { ...known, progress: { ...known.progress, [news.operation]: news.report } };
    case "ledger":
      return known;
    case "waiting":
      return { ...known, leases: { ...known.leases, [news.node]: news.lease } };
  }
}

/** As the machine itself tallies: a look counts from the end of the updates that its gate proves (invariant 3). */
function seenNow({ state, seen }: Known, id: GateId, target: string, look: Measurement): Known["seen"] {
  const gate = gatesOf(state.started.plan).find((candidate) => candidate.id === id);
  if (gate === undefined || !isMeasurable(state, gate)) return {};
  const since = countsFrom(state, gate);
  const before = seen[id]?.since === since ? seen[id].tallies : {};
  return {
    [id]: { since, tallies: { ...before, [target]: tally(before[target], look, gate.policy, since) }, digests: {} },
  };
}
