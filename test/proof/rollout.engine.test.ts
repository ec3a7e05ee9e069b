/** The proof in short: users under the naive order, under evo, and under evo without one of its guards. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openRehearsals, type Rehearsals } from "../support/rehearsal.js";
import { MUTATIONS } from "./mutations.js";
import { NOBODY, refusedNaively, refusedUnderEvo, refusedWith } from "./users.js";

let rehearsals: Rehearsals;
beforeAll(async () => {
  rehearsals = await openRehearsals();
});
afterAll(() => rehearsals.close());

describe.concurrent("users", () => {
  test("are refused in eu-west-1 when each update follows as soon as the one before returned", async () => {
    expect(await refusedNaively(rehearsals, 1)).toMatchObject({ "us-east-1": 0, "eu-west-1": expect.toSatisfy(some) });
  });

  test.each([1, 2])("are refused nowhere under evo, seed %i", async (seed) => {
    expect(await refusedUnderEvo(rehearsals, seed)).toEqual(NOBODY);
  });

  test.each(["the gate taken out", "quorum any"])("are refused again with %s", async (name) => {
    const refused = await refusedWith(rehearsals, MUTATIONS[name]!, [1, 2, 3]);
    expect(refused["eu-west-1"]).toBeGreaterThan(0);
  });
});

const some = (count: number) => count > 0;
