/** The role rollout from an empty world to its end: what the ledger, the world and the users say of it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRehearsals, type Rehearsals } from "../support/rehearsal.js";
import { expectOrderInLedger, expectOrderInWorld } from "./order.js";

let rehearsals: Rehearsals;
beforeAll(async () => {
  rehearsals = await openRehearsals();
});
afterAll(() => rehearsals.close());

test("the flag follows once all regions have converged, and the record says why", async () => {
  await rehearsals.rehearse({ seed: 7, pace: 1 }, async ({ world, up, arrived, refused }) => {
    const { code, entries, stderr } = await up();
    expect(code, stderr).toBe(0);
    expectOrderInLedger(entries);
    await expectOrderInWorld(world);
    await arrived();
    expect(refused()).toEqual({ "us-east-1": 0, "ap-southeast-2": 0, "eu-west-1": 0 });
  });
  const verified = await rehearsals.evo.run(["ledger", "verify"]);
  expect(verified.code, verified.stderr).toBe(0);
});
