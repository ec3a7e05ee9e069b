/** The incident of the reference system as a simulation over 50 seeds: no engine, no sockets, no waiting. */
import { describe, expect, test } from "vitest";
import world from "../../sequences/worlds/reference.js";
import type { Chances, Placed } from "../../src/world/propagation.js";
import { APP, ask, CANARY, FLAGS, gateway, IDENTITY, REGIONS, taken } from "./rollout.js";

/** How long one update takes here, in milliseconds. */
const UPDATE = 2_000;
const LOOK = 250;
const SEEDS = Array.from({ length: 50 }, (_, seed) => seed + 1);
const CANARY_ASKS = { "x-canary": CANARY, "x-policy-version": "2" };

/** The order without a gate: each update as soon as the one before has returned. */
function withoutGate(chances: Chances): Placed[] {
  return [...beforeFlag(chances), ...taken(chances, FLAGS, 4 * UPDATE)];
}

function beforeFlag(chances: Chances): Placed[] {
  const gateways = REGIONS.flatMap((region) => taken(chances, gateway(region), 3 * UPDATE));
  return [...taken(chances, IDENTITY, UPDATE), ...taken(chances, APP, 2 * UPDATE), ...gateways];
}

/** The flag follows when each of these regions has answered the canary so many times in a row. */
function withGate(chances: Chances, passes: number, regions: readonly string[] = REGIONS): Placed[] {
  const versions = beforeFlag(chances);
  const opened = regions.map((region) => streakEnds(chances, versions, region, passes));
  return [...versions, ...taken(chances, FLAGS, Math.max(...opened) + UPDATE)];
}

function streakEnds(chances: Chances, versions: readonly Placed[], region: string, passes: number): number {
  let streak = 0;
  for (let nth = 0; ; nth++) {
    const at = 3 * UPDATE + 1 + nth * LOOK;
    const { status } = ask(chances, versions, { region, caller: "evo", nth, at }, CANARY_ASKS);
    streak = status === 200 ? streak + 1 : 0;
    if (streak === passes) return at;
  }
}

/** Regions in which users were refused, in a rollout of 25 s. */
function refusals(chances: Chances, versions: readonly Placed[]): string[] {
  const times = Array.from({ length: 100 }, (_, nth) => ({ nth, at: nth * 250 }));
  return [...REGIONS].filter((region) =>
    times.some((time) => ask(chances, versions, { region, caller: "user", ...time }).status === 403),
  );
}

describe.each(SEEDS)("seed %i", (seed) => {
  const chances: Chances = { definition: world, seed, pace: 1 };
  // Slower than a gate that is wrong takes by accident: what it lets through must be seen.
  const slow: Chances = { ...chances, pace: 4 };

  test("without a gate users are refused in eu-west, and only there", () => {
    expect(refusals(chances, withoutGate(chances))).toEqual(["eu-west-1"]);
  });

  test("ten passes in a row in every region: nobody is refused anywhere", () => {
    expect(refusals(chances, withGate(chances, 10))).toEqual([]);
  });

  test("one pass proves one edge: users are refused", () => {
    expect(refusals(slow, withGate(slow, 1))).toContain("eu-west-1");
  });

  test("a gate that doesn't look at eu-west doesn't protect it", () => {
    expect(refusals(slow, withGate(slow, 10, ["us-east-1"]))).toContain("eu-west-1");
  });
});

test("before the flag users are served by the old policy, and the canary alone meets the new one", () => {
  const chances: Chances = { definition: world, seed: 1, pace: 1 };
  const versions = beforeFlag(chances);
  const at = 60_000;
  const request = { region: "eu-west-1", caller: "c", nth: 0, at };
  expect(ask(chances, versions, request)).toMatchObject({ status: 200, body: { policy: 1 } });
  expect(ask(chances, versions, request, CANARY_ASKS)).toMatchObject({ status: 200, body: { policy: 2 } });
  expect(ask(chances, versions, request, { "x-canary": CANARY })).toMatchObject({ body: { policy: 1 } });
  expect(ask(chances, versions, request, { "x-canary": "guessed" }).status).toBe(403);
});
