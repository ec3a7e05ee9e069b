/**
 * The leases that a driver holds: one for the run, one for each stack from its step's readiness until its boundary has
 * converged (DESIGN 2). They are renewed at a third of their life; a lost one ends the driving (invariant 4).
 */
import { EvoError, EXIT } from "../errors.js";
import type { Json } from "../gates/model.js";
import { nodeOf } from "./edges.js";
import type { Acquired, Clock, Lease, LeaseHolder, Ledger } from "./ports.js";
import { lastAttempt, type RunState } from "./state.js";

/** Milliseconds that a lease lives without being renewed. */
export const LEASE_TTL = 30_000;

export interface HeldLeases {
  /** Every lease that is held, the run's first. */
  all(): readonly Lease[];
  holds(stack: string): boolean;
  take(stack: string): Promise<Acquired>;
  /** Gives back the stacks that are not needed any more. */
  keepOnly(stacks: ReadonlySet<string>): Promise<void>;
  /** Throws `run.fenced` (exit 6) where one has been lost; renews all. */
  check(): Promise<void>;
  /** Renews until the signal aborts; rejects with `run.fenced` once one has been lost. */
  keep(clock: Clock, signal: AbortSignal): Promise<void>;
  release(): Promise<void>;
}

/** The lease's name for a stack (`StackIdentity.stack`). */
export function stackResource(stack: string): string {
  return `stack:${stack}`;
}

/**
 * Holds the run's lease and those of stacks taken through it. `holder` tells others who it is; `isLeftBehind` knows of a
 * lease whose run has nothing left to do with it.
 */
export function holdLeases(
  ledger: Ledger,
  run: Lease,
  stacks: readonly Lease[],
  holder: { readonly [key: string]: Json },
  isLeftBehind: (by: LeaseHolder) => Promise<boolean> = async () => false,
): HeldLeases {
  const held = new Map<string, Lease>([run, ...stacks].map((lease) => [lease.resource, lease]));

  async function check(): Promise<void> {
    const renewed = await Promise.all(
      [...held.values()].map(async (lease) => ({ lease, kept: await ledger.renew(lease, LEASE_TTL) })),
    );
    const lost = renewed.filter(({ lease, kept }) => !kept && held.has(lease.resource));
    if (lost.length > 0) throw fenced(lost.map(({ lease }) => lease.resource));
  }

  /** Nobody's, or of a driver of this run before us: who holds the run's lease is its only writer. */
  async function isFree(by: LeaseHolder): Promise<boolean> {
    return (by.holder.run !== undefined && by.holder.run === holder.run) || (await isLeftBehind(by));
  }

  return {
    all: () => [...held.values()],
    holds: (stack) => held.has(stackResource(stack)),
    async take(stack) {
      const asked = await ledger.acquire(stackResource(stack), holder, LEASE_TTL);
      const answer =
        !asked.acquired && (await isFree(asked.by)) ? await ledger.takeOver(asked.by, holder, LEASE_TTL) : asked;
      if (answer.acquired) held.set(answer.lease.resource, answer.lease);
      return answer;
    },
    async keepOnly(wanted) {
      for (const lease of [...held.values()]) {
        if (lease.resource === run.resource || wanted.has(lease.resource)) continue;
        held.delete(lease.resource);
        await ledger.release(lease);
      }
    },
    check,
    async keep(clock, signal) {
      while (!signal.aborted) {
        await clock.until(clock.now() + LEASE_TTL / 3, signal);
        if (!signal.aborted) await check();
      }
    },
    async release() {
      for (const lease of [...held.values()].reverse()) await ledger.release(lease);
      held.clear();
    },
  };
}

/** Leases of stacks that this state still needs: attempted, and the boundary is not open. */
export function stacksInUse(state: RunState): ReadonlySet<string> {
  const inUse = Object.keys(state.steps).flatMap((step) => {
    const attempt = lastAttempt(state, step);
    const opened = state.opened[nodeOf(state.started.plan, step).boundary] !== undefined;
    return attempt === undefined || opened ? [] : [stackResource(attempt.stack)];
  });
  return new Set(inUse);
}

function fenced(resources: readonly string[]): EvoError {
  return new EvoError(
    "run.fenced",
    `this process has lost its lease on ${resources.join(", ")}; another may drive the run now`,
    {
      source: "evo",
      exit: EXIT.locked,
      remedy: "see who drives it: evo status",
    },
  );
}
