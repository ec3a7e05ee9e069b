/** The proof in short: users under the naive order, under evo, and under evo without one of its guards. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunView } from "../../src/views/status.js";
import { openRehearsals, type Rehearsals } from "../support/rehearsal.js";
import { eventually } from "../world/scratch.js";
import { HELD, MUTATIONS } from "./mutations.js";
import { expectOrderInLedger, expectOrderInWorld, flagCalls } from "./order.js";
import { expectAnswers } from "./record.js";
import { buildBelievingOldEvidence } from "./stale.js";
import { NOBODY, refusedNaively, refusedUnderEvo, refusedWith } from "./users.js";

/** A run's name, as evo says it. */
const RUN = /role-rollout-[a-z0-9]{6}\b/;

let rehearsals: Rehearsals;
beforeAll(async () => {
  rehearsals = await openRehearsals();
});
afterAll(() => rehearsals.close());

test("the build that believes old evidence, which the long proof runs, can be made", () => {
  expect(existsSync(buildBelievingOldEvidence(rehearsals.evo.directory))).toBe(true);
});

describe.concurrent("users are refused", () => {
  test.each(["the gate taken out", "quorum any"])("in eu-west-1 with %s", async (name) => {
    const refused = await refusedWith(rehearsals, MUTATIONS[name]!, [1, 2, 3]);
    expect(refused["eu-west-1"]).toBeGreaterThan(0);
  });

  test("in eu-west-1 when each update follows as soon as the one before has returned", async () => {
    const refused = await refusedNaively(rehearsals, 1);
    expect(refused["eu-west-1"]).toBeGreaterThan(0);
  });

  test("nowhere under evo", async () => {
    expect(await refusedUnderEvo(rehearsals, 1)).toEqual(NOBODY);
  });

  test("nowhere under evo in a world that begins empty; the record says why, and verifies", async () => {
    await rehearsals.rehearse({ seed: 7, pace: 1 }, async ({ world, up, arrived, refused }) => {
      const { code, entries, stderr } = await up();
      expect(code, stderr).toBe(0);
      expectOrderInLedger(entries);
      await expectOrderInWorld(world);
      await arrived();
      expect(refused()).toEqual(NOBODY);
      await expectAnswers(rehearsals.evo, entries);
    });
    const verified = await rehearsals.evo.run(["ledger", "verify"]);
    expect(verified.code, verified.stderr).toBe(0);
  });

  test("nowhere when eu-west-1 never converges: the run holds, names the missing signal, pauses when told to", async () => {
    const { evo, ledger, rehearse } = rehearsals;
    await rehearse({ seed: 3, pace: 1 }, async ({ world, changed, start, refused }) => {
      const running = start(await changed("role-rollout", HELD), { args: ["--fault", "never-converges:eu-west-1"] });
      await running.until(RUN);
      const run = RUN.exec(running.said())![0];
      await eventually(async () => (await ledger.load(run)).some(({ type }) => type === "run.held"), 240_000);
      const held = JSON.parse((await evo.run(["status", run, "--json"])).stdout) as RunView;
      expect(held.status).toBe("held");
      const text = (await evo.run(["status", run])).stdout;

      running.signal("SIGINT");
      const { code, stdout, stderr } = await running.ended;
      expect(code, stderr).toBe(3);

      expect(held.missing).toEqual([
        expect.objectContaining({
          gate: "policy-arrived",
          target: "eu-west-1",
          verdict: "fail",
          observed: expect.objectContaining({ status: 403 }),
          expected: expect.objectContaining({ status: 200 }),
          since: expect.any(Number),
        }),
      ]);
      expect(text).toMatch(/eu-west-1 .*policy-arrived.*403.*expected.*200.*since \d\d:\d\d:\d\d/);
      const paused = JSON.parse(stdout) as RunView;
      expect(paused.status).toBe("paused");
      const entries = await ledger.load(run);
      expect(entries.filter(({ step, type }) => step === "flags" && type.startsWith("operation."))).toEqual([]);
      expect(entries.map(({ type }) => type)).toEqual(expect.arrayContaining(["run.held", "run.paused"]));
      expect(flagCalls(await world.log())).toEqual([]);
      expect(refused()).toEqual(NOBODY);
    });
  });
});
