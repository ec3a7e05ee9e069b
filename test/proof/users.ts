/** What users live through in one rehearsal: the rollout by nobody's gates, by evo, by evo without one of its guards. */
import { expect } from "vitest";
import type { Refused, Rehearsals } from "../support/rehearsal.js";
import type { Mutation } from "./mutations.js";
import { expectOrderInLedger, expectOrderInWorld } from "./order.js";

export const NOBODY: Refused = { "us-east-1": 0, "ap-southeast-2": 0, "eu-west-1": 0 };

/**
 * Propagation as many times as slow as declared: what users meet must follow from the order, and not from how long an
 * update happens to take on a machine on which several of these rehearsals run.
 */
export const PACE = 5;
/** Slower still where a gate that is wrong may take a while by accident. */
export const SLOW = 10;
/** Far slower than updates on any machine: nobody waits for the end of it, users are refused long before. */
const NAIVE = 40;

/** From the gateways on each update as soon as the one before has returned; until somebody was refused in eu-west-1. */
export function refusedNaively(rehearsals: Rehearsals, seed: number): Promise<Refused> {
  return rehearsals.rehearse(
    { seed, pace: NAIVE, day: "after-app" },
    async ({ steps, naively, refusedOrArrived, refused }) => {
      const all = await steps();
      await naively(all.slice(all.findIndex(({ id }) => id.startsWith("gateway"))));
      await refusedOrArrived("eu-west-1");
      return refused();
    },
  );
}

/** The whole sequence under evo; also checks what the ledger and the world say of the order. */
export function refusedUnderEvo(rehearsals: Rehearsals, seed: number): Promise<Refused> {
  return rehearsals.rehearse({ seed, pace: PACE, day: "after-app" }, async ({ world, up, arrived, refused }) => {
    const { code, entries, stderr } = await up();
    expect(code, stderr).toBe(0);
    expectOrderInLedger(entries);
    await expectOrderInWorld(world);
    await arrived();
    return refused();
  });
}

/** A few seeds until users are refused in eu-west-1; what the last one tried came to. */
export async function refusedWith(
  rehearsals: Rehearsals,
  mutation: Mutation,
  seeds: readonly number[],
): Promise<Refused> {
  let refused = NOBODY;
  for (const seed of seeds) {
    refused = await refusedOnce(rehearsals, mutation, seed);
    if (refused["eu-west-1"] > 0) break;
  }
  return refused;
}

function refusedOnce(rehearsals: Rehearsals, mutation: Mutation, seed: number): Promise<Refused> {
  return rehearsals.rehearse({ seed, pace: SLOW, day: "after-app" }, async ({ changed, up, arrived, refused }) => {
    const { code, stderr } = await up(await changed("role-rollout", mutation));
    expect(code, stderr).toBe(0);
    await arrived();
    return refused();
  });
}
