/**
 * The proof over 50 seeds: constant traffic on all regions, the same worlds under the naive order and under evo; then
 * evo without one of its guards at a time. Run by `npm run test:proof`.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openRehearsals, type Refused, type Rehearsal, type Rehearsals } from "../support/rehearsal.js";
import { MUTATIONS } from "./mutations.js";
import { buildBelievingOldEvidence } from "./stale.js";
import { NOBODY, refusedNaively, refusedUnderEvo, refusedWith, SLOW } from "./users.js";

/** All of them, or as many as EVO_PROOF_SEEDS says. */
const SEEDS = Array.from({ length: Number(process.env.EVO_PROOF_SEEDS ?? 50) }, (_, index) => index + 1);
/** The naive order needs no proof in every world; test/world/rollout.test.ts simulates it in all of them. */
const NAIVE_SEEDS = SEEDS.filter((seed) => seed % 5 === 1);

let rehearsals: Rehearsals;
/** What came of it, for people: refused requests by kind and seed. */
const seen: { readonly kind: string; readonly seed: number; readonly refused: Refused }[] = [];
beforeAll(async () => {
  rehearsals = await openRehearsals();
});
afterAll(async () => {
  await rehearsals.close();
  for (const line of summary()) console.info(line);
});

function note(kind: string, seed: number, refused: Refused): Refused {
  seen.push({ kind, seed, refused });
  return refused;
}

function summary(): readonly string[] {
  return [...new Set(seen.map(({ kind }) => kind))].map((kind) => {
    const all = seen.filter((one) => one.kind === kind).map(({ refused }) => refused);
    const regions = Object.keys(NOBODY).map((region) => {
      const counts = all.map((refused) => refused[region as keyof Refused]);
      const hit = counts.filter((count) => count > 0).length;
      return `${region} ${hit} of ${counts.length} times (${Math.min(...counts)} to ${Math.max(...counts)} requests)`;
    });
    return `${kind}: users refused in ${regions.join(", ")}`;
  });
}

describe.concurrent("red again", () => {
  test("with stale evidence accepted: a rollout that is repeated", async () => {
    const main = buildBelievingOldEvidence(rehearsals.evo.directory);
    await rehearsals.rehearse({ seed: 4, pace: SLOW, day: "after-app" }, async (rehearsal) => {
      await rollOut(rehearsal);
      await withdraw(rehearsal);
      await rollOut(rehearsal);
      await withdraw(rehearsal);
      expect(note("repeated under evo", 4, rehearsal.refused())).toEqual(NOBODY);
      await rollOut(rehearsal, main);
      expect(note("stale evidence accepted", 4, rehearsal.refused())["eu-west-1"]).toBeGreaterThan(0);
    });
  });

  test.each(Object.entries(MUTATIONS))("with %s", async (name, mutation) => {
    const refused = note(name, 0, await refusedWith(rehearsals, mutation, [1, 2, 3]));
    expect(refused["eu-west-1"]).toBeGreaterThan(0);
  });
});

describe.concurrent("users", () => {
  test.each(SEEDS)("are refused nowhere under evo, seed %i", async (seed) => {
    expect(note("under evo", seed, await refusedUnderEvo(rehearsals, seed))).toEqual(NOBODY);
  });

  test.each(NAIVE_SEEDS)("are refused in eu-west-1 in the naive order, seed %i", async (seed) => {
    const refused = note("naive order", seed, await refusedNaively(rehearsals, seed));
    expect(refused["eu-west-1"]).toBeGreaterThan(0);
  });
});

async function rollOut({ up, arrived }: Rehearsal, main?: string): Promise<void> {
  const { code, stderr } = await up("role-rollout", main === undefined ? {} : { main });
  expect(code, stderr).toBe(0);
  await arrived();
}

/** By hand and with care: the flag first, and the second policy only when no user anywhere meets it any more. */
async function withdraw({ steps, naively, arrived }: Rehearsal): Promise<void> {
  const first = (text: string) => text.replace(/policyVersion: .*/, 'policyVersion: "1"');
  const all = await steps();
  await naively(
    all.filter(({ id }) => id === "flags"),
    first,
  );
  await arrived();
  await naively(
    all.filter(({ id }) => id.startsWith("gateway")),
    first,
  );
  await arrived();
}
