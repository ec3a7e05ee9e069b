/** The incident in a living world, by the provider protocol and real requests: propagation, canary, faults. */
import { expect, test } from "vitest";
import { startTraffic, type Traffic, type World } from "../../src/world/index.js";
import { apply } from "./replay.js";
import { APP, FLAGS, gateway, IDENTITY, REGIONS } from "./rollout.js";
import { eventually, opened, scratch } from "./scratch.js";

async function beforeFlag(world: World): Promise<string> {
  const identity = await apply(world, IDENTITY);
  await apply(world, APP);
  const secret = identity.canary!.clientSecret as string;
  for (const region of REGIONS) await apply(world, gateway(region, secret));
  return secret;
}

function usersOf(world: World): Traffic {
  const targets = Object.fromEntries(world.regions.map((region) => [region, world.origin(region)]));
  return startTraffic({ targets, path: "/orders", perSecond: 40, users: 7 });
}

const refusedIn = (traffic: Traffic) =>
  Object.entries(traffic.counts())
    .filter(([, counts]) => Object.keys(counts).some((status) => status !== "200"))
    .map(([region]) => region);

async function canary(world: World, region: string, secret: string): Promise<number> {
  const headers = { "x-canary": secret, "x-policy-version": "2" };
  const response = await fetch(`${world.origin(region)}/orders`, { headers });
  await response.arrayBuffer();
  return response.status;
}

/** Ten passes in a row in each region. */
async function waitForGateways(world: World, secret: string): Promise<void> {
  const streaks = new Map<string, number>();
  await eventually(async () => {
    for (const region of REGIONS) {
      const passed = (await canary(world, region, secret)) === 200;
      streaks.set(region, passed ? (streaks.get(region) ?? 0) + 1 : 0);
    }
    return REGIONS.every((region) => streaks.get(region)! >= 10);
  });
}

test("without a gate users of eu-west are refused, and only they", async () => {
  const world = await opened({ home: scratch() });
  const traffic = usersOf(world);
  await beforeFlag(world);
  // The gateways of the other regions need up to 0.9 s; eu-west's edges take up to 4.5 s.
  await eventually(async () => (await world.log()).at(-1)!.at - lastChange(await world.log()) > 1_500);
  await apply(world, FLAGS);
  await eventually(() => refusedIn(traffic).length > 0);
  await traffic.stop();
  expect(refusedIn(traffic)).toEqual(["eu-west-1"]);
  const told = (await world.log()).filter((entry) => entry.type === "requests.answered");
  expect(told.some(({ region, answers }) => region === "eu-west-1" && JSON.stringify(answers).includes('"403"'))).toBe(
    true,
  );
});

function lastChange(log: Awaited<ReturnType<World["log"]>>): number {
  return log.findLast((entry) => entry.type === "change.taken")!.at;
}

test("with every edge awaited nobody is refused, in any seed", async () => {
  for (const seed of [1, 2, 3]) {
    const world = await opened({ home: scratch(), seed, pace: 0.2 });
    const traffic = usersOf(world);
    await waitForGateways(world, await beforeFlag(world));
    await apply(world, FLAGS);
    await eventually(() => traffic.answers.filter(({ at }) => at > Date.now() - 500).length > 30);
    await traffic.stop();
    expect(refusedIn(traffic)).toEqual([]);
  }
});

test("a region that never converges says so until the fault is lifted", async () => {
  const world = await opened({ home: scratch(), pace: 0.01, faults: ["never-converges:eu-west-1"] });
  const secret = await beforeFlag(world);
  const due = (await world.log()).flatMap((entry) => (entry.type === "change.taken" ? Object.values(entry.due) : []));
  await eventually(() => Date.now() > Math.max(...due));
  expect(await canary(world, "us-east-1", secret)).toBe(200);
  for (let look = 0; look < 10; look++) expect(await canary(world, "eu-west-1", secret)).toBe(403);
  await world.lift();
  for (let look = 0; look < 10; look++) expect(await canary(world, "eu-west-1", secret)).toBe(200);
});
