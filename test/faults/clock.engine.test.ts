/** Time: a clock that is changed under a run, and a gate that holds for a week over several drivers. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Evo, openEvo, type Running } from "../support/evo.js";
import { demandSound, EFFECTS, entriesOf, makeCase, runsOf, there } from "./support.js";

const HOUR = 3_600_000;
const main = fileURLToPath(new URL("../support/another-machine.mjs", import.meta.url));

let evo: Evo;
beforeAll(async () => {
  evo = await openEvo();
  evo.switchProject("s");
});
afterAll(() => evo.close());

/** A clock of a test's own, which goes like any other from where it is put. */
function clockOf(name: string): { readonly env: { readonly CLOCK_OF_TEST: string }; put(ahead: number): void } {
  const file = join(evo.directory, `${name}.clock`);
  const put = (ahead: number): void => writeFileSync(file, String(ahead));
  put(0);
  return { env: { CLOCK_OF_TEST: file }, put };
}

describe("the clock", () => {
  it("is put an hour forth in mid-update, and back in the next: the order holds, and evidence is taken anew", async () => {
    const one = makeCase(evo, "clock", true);
    const clock = clockOf("clock");
    const running = evo.start(["up", one.name], { main, env: { ...one.env, ...clock.env } });
    await there(() => one.effects().includes("begin a"));
    clock.put(HOUR);
    writeFileSync(one.gate, "");
    await running.until(/two: up/);
    clock.put(0);
    const { code, stderr } = await running.ended;
    expect(code, stderr).toBe(0);
    await demandSound(evo, one);
  });
});

describe("a week", () => {
  it("at a gate that is looked at each hour, over five drivers of which two are killed: less than 200 entries", async () => {
    const looks = join(evo.directory, "looks");
    const open = join(evo.directory, "open");
    const probe = `command(["sh", "-c", ${JSON.stringify(`echo >> ${looks}; test -e ${open}`)}])`;
    evo.sequence(
      "week",
      `const there = gate("there", { targets: ["here"], probe: ${probe}, interval: "1h", timeout: "14d", consecutiveSuccessLimit: 2 });
const stack = (name) => ({ dir: "../projects/s", stack: "week-" + name, createStack: true });
export default defineSequence({
  name: "week",
  steps: [up("one", { ...stack("one"), convergedWhen: [there] }), up("two", stack("two"))],
});`,
    );
    const one = { name: "week", env: { EFFECTS: join(evo.directory, "week.effects") } };
    const clock = clockOf("week");
    const effects = () => readFileSync(one.env.EFFECTS, "utf8").trim().split("\n");
    const looked = () => (existsSync(looks) ? readFileSync(looks, "utf8").length : 0);
    const serve = (): Running => evo.start(["serve"], { main, env: { ...one.env, ...clock.env } });
    const submitted = await evo.run(["up", "week", "--detach"], { env: one.env });
    expect(submitted.code, submitted.stderr).toBe(0);

    let serving = serve();
    await there(() => looked() > 0);
    for (let hours = 1; hours <= 7 * 24; hours += 1) {
      const before = looked();
      clock.put(hours * HOUR);
      await there(() => looked() > before);
      if (hours % 34 !== 0) continue;
      serving.signal(hours % 68 === 0 ? "SIGKILL" : "SIGTERM");
      await serving.ended;
      serving = serve();
    }
    expect(effects()).toEqual(EFFECTS.slice(0, 4));
    const runs = { ...one, gate: "", effects };
    expect(await runsOf(evo, runs)).toMatchObject([{ status: "running" }]);
    writeFileSync(open, "");
    for (let hours = 7 * 24 + 1; effects().length < 8; hours += 1) {
      clock.put(hours * HOUR);
      await sleep(300);
    }
    await serving.until(/completed: every boundary has converged/);
    serving.signal("SIGTERM");
    await serving.ended;
    await demandSound(evo, runs);
    const entries = await entriesOf(evo, runs);
    expect(entries.length).toBeLessThan(200);
    expect(entries.filter(({ type }) => type === "run.adopted").length).toBeGreaterThan(3);
  });
});
