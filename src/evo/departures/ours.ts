/** Drift that evo caused itself: an operation of another stack, since the last look, changed the same live resource. */

import type { Drifted } from "../../departures/drift.js";
import type { Ours } from "../../departures/entries.js";
import type { ChangeSet } from "../../run/events.js";
import type { Entry } from "../../run/ports.js";
import type { Looker, Subject } from "./foreign.js";

/** By the drifted resource's URN. Where it can't be told (a backend that is no file) nothing is, and it is `unknown`. */
export async function oursAmong(
  { executor, ledger }: Looker,
  { node, root }: Subject,
  drifted: readonly Drifted[],
  since: number,
): Promise<ReadonlyMap<string, Ours>> {
  const twins =
    drifted.length === 0
      ? []
      : executor.twins(
          node,
          root,
          drifted.map(({ urn }) => urn),
        );
  if (twins.length === 0) return new Map();
  const stacks = [...new Set(twins.map(({ stack }) => stack))];
  const done = await ledger.aboutStacks({ stacks, every: [], newest: ["operation.succeeded"] });
  return new Map(
    twins.flatMap(({ urn, stack, other }) => {
      const entry = done.findLast((one) => one.stack === stack && changed(one, other, since));
      return entry === undefined ? [] : [[urn, { stack, run: entry.run ?? "", entry: entry.number }] as const];
    }),
  );
}

function changed({ body }: Entry, urn: string, since: number): boolean {
  const { resources } = body.changes as unknown as ChangeSet;
  return Number(body.ended) > since && resources.some((resource) => resource.urn === urn);
}
