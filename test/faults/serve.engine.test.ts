/** `evo serve`: takes up what nobody drives, lets go at a signal, and is replaced when it dies. */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Evo, openEvo } from "../support/evo.js";
import { demandSound, EFFECTS, makeCase, runsOf, there } from "./support.js";

let evo: Evo;
beforeAll(async () => {
  evo = await openEvo();
  evo.switchProject("s");
});
afterAll(() => evo.close());

describe("evo serve", () => {
  it("drives a detached run; killed, stopped and started again it brings the run home, every effect once", async () => {
    const one = makeCase(evo, "served", true);
    const submitted = await evo.run(["up", one.name, "--detach"], { env: one.env });
    expect(submitted.code, submitted.stderr).toBe(0);
    const run = submitted.stdout.trim();
    expect(await runsOf(evo, one)).toMatchObject([{ run, status: "running", driven: false }]);

    const killed = evo.start(["serve"], { env: one.env });
    await there(() => one.effects().includes("begin a"));
    killed.signal("SIGKILL");
    await killed.ended;

    const stopped = evo.start(["serve"], { env: one.env });
    await stopped.until(new RegExp(`${run}: driven by .* taken over: pid .* is dead`));
    stopped.signal("SIGTERM");
    const left = await stopped.ended;
    expect(left.code, left.stderr).toBe(0);
    expect(left.stderr).toContain(`${run}: let go of`);
    expect(one.effects()).toEqual(EFFECTS.slice(0, 1));

    const last = evo.start(["serve"], { env: one.env });
    await last.until(new RegExp(`${run}: driven by`));
    writeFileSync(one.gate, "");
    await last.until(new RegExp(`${run}: completed: every boundary has converged`));
    last.signal("SIGTERM");
    expect((await last.ended).code).toBe(0);
    await demandSound(evo, one);
  });

  it("leaves a paused run alone; a resume elsewhere hands it back", async () => {
    const one = makeCase(evo, "paused", true);
    const served = evo.start(["serve"], { env: one.env });
    const submitted = await evo.run(["up", one.name, "--detach"], { env: one.env });
    const run = submitted.stdout.trim();
    await there(() => one.effects().includes("begin a"));
    const paused = await evo.run(["pause", run, "--reason", "an incident"]);
    expect(paused.code, paused.stderr).toBe(0);
    await served.until(new RegExp(`${run}: paused: an incident`));
    writeFileSync(one.gate, "");
    await there(async () => (await runsOf(evo, one))[0]?.status === "paused");
    await served.until(new RegExp(`${run}: paused$`, "m"));
    expect(one.effects()).toEqual(EFFECTS.slice(0, 4));
    const resumed = await evo.run(["resume", run, "--detach", "--reason", "it is over"], { env: one.env });
    expect(resumed.code, resumed.stderr).toBe(0);
    await served.until(new RegExp(`${run}: completed: every boundary has converged`));
    served.signal("SIGTERM");
    expect((await served.ended).code).toBe(0);
    await demandSound(evo, one);
  });
});
