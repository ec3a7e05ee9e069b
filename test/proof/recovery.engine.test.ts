/**
 * The post's example to its end: eu-west's gateway fails after identity and app. The recovery that the rules choose begins
 * at once, in an order of its own; it fails, too, while the fault lasts, and goes on when a person says so. No user notices
 * anything of it, the record links both runs, and a later rollout succeeds.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRehearsals, type Rehearsals } from "../support/rehearsal.js";
import { NOBODY } from "./users.js";

let rehearsals: Rehearsals;
beforeAll(async () => {
  rehearsals = await openRehearsals();
});
afterAll(() => rehearsals.close());

const RECOVERY = /role-rollout-recovery-[a-z0-9]{6}\b/;

/** Milliseconds: three rehearsals in a row, on a machine that may have others to play. */
const PATIENCE = 900_000;

test("a rollout that fails in eu-west is taken back in the recovery's own order, and succeeds later", {
  timeout: PATIENCE,
}, async () => {
  const { evo, ledger, rehearse } = rehearsals;
  await rehearse({ seed: 2, pace: 1, day: "after-app" }, async ({ world, folder, up, start, arrived, refused }) => {
    const inFolder = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await evo.run(args, { cwd: folder });
      return { code, stdout, stderr };
    };
    const failed = await up("role-rollout", { args: ["--fault", "fails:gateway/prod-eu-west-1"] });
    expect(failed.code, failed.stderr).toBe(1);
    const answer = RECOVERY.exec(failed.stderr)![0];
    expect((await inFolder("status", answer, "--json")).stdout).toContain('"status": "halted"');
    for (const args of [["resume"], ["abort"], ["recover"]]) {
      const said = await inFolder(...args, failed.run, "--reason", "it is being answered");
      expect(said, args.join()).toMatchObject({ code: 6, stderr: expect.stringContaining(answer) });
    }

    expect((await inFolder("world", "fault", "role-rollout", "--lift")).code).toBe(0);
    const resumed = await inFolder("resume", answer, "--reason", "eu-west takes changes again");
    expect(resumed.code, resumed.stderr).toBe(0);

    const halted = failed.entries.find(({ type }) => type === "run.halted");
    expect(halted?.body).toMatchObject({
      cause: "operation-failed",
      node: "gateway-eu-west-1",
      recovery: { rule: "take-back", start: "at-once" },
    });
    const recovery = await ledger.load(answer);
    expect(recovery[0]).toMatchObject({
      type: "run.started",
      causes: expect.arrayContaining([expect.objectContaining({ number: halted?.number })]),
      body: { answers: { run: failed.run, rule: "take-back" } },
    });
    const completed = recovery.find(({ type }) => type === "run.completed");
    expect((await ledger.load(failed.run)).slice(failed.entries.length)).toMatchObject([
      { type: "run.recovered", body: { recovery: answer }, causes: [{ number: completed?.number }] },
    ]);
    const converged = recovery.filter(({ type }) => type === "boundary.opened").map(({ step }) => step);
    expect(converged).toEqual(["gateway", "app"]);

    const audit = await inFolder("audit", failed.run);
    expect(audit.stdout).toMatch(/^audit of role-rollout-\w+: recovered/);
    expect(audit.stdout).toContain(`the recovery that answers ${failed.run} of role-rollout, by its rule take-back`);
    expect(audit.stdout).toMatch(/its recovery came to a consistent end/);
    const explained = await inFolder("explain", failed.run);
    expect(explained.stdout).toContain(answer);

    await arrived();
    expect(refused()).toEqual(NOBODY);
    const later = await start("role-rollout").ended;
    expect(later.code, later.stderr).toBe(0);
    await arrived();
    expect(refused()).toEqual(NOBODY);
    expect(await world.log()).toContainEqual(expect.objectContaining({ type: "change.taken" }));
  });
  const verified = await evo.run(["ledger", "verify"]);
  expect(verified.code, verified.stderr).toBe(0);
});
