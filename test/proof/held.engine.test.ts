/** eu-west-1 never converges: the flag stays off, nobody is refused, and whoever asks is told which signal is missing. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunView } from "../../src/views/status.js";
import { openRehearsals, type Rehearsals } from "../support/rehearsal.js";
import { eventually } from "../world/scratch.js";
import { HELD } from "./mutations.js";
import { flagCalls } from "./order.js";
import { NOBODY } from "./users.js";

let rehearsals: Rehearsals;
beforeAll(async () => {
  rehearsals = await openRehearsals();
});
afterAll(() => rehearsals.close());

test("the run holds, names the missing signal, and pauses when it is told to", async () => {
  const { evo, rehearse } = rehearsals;
  await rehearse({ seed: 3, pace: 1 }, async ({ world, changed, start, refused }) => {
    const running = start(await changed("role-rollout", HELD), { args: ["--fault", "never-converges:eu-west-1"] });
    const status = async () => JSON.parse((await evo.run(["status", "--json"])).stdout || "{}") as Partial<RunView>;
    await eventually(async () => (await status()).status === "held", 240_000);
    const held = await status();
    const text = (await evo.run(["status", held.run!])).stdout;

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
    const entries = await rehearsals.ledger.load(paused.run);
    expect(entries.filter(({ step, type }) => step === "flags" && type.startsWith("operation."))).toEqual([]);
    expect(entries.map(({ type }) => type)).toEqual(expect.arrayContaining(["run.held", "run.paused"]));
    expect(flagCalls(await world.log())).toEqual([]);
    expect(refused()).toEqual(NOBODY);
  });
});
