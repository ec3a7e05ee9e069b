/** Several evo processes want the same thing: one gets it, the others say who has it and since when (invariant 4). */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMPONENT, type Evo, openEvo, type Running } from "../support/evo.js";

let evo: Evo;
beforeAll(async () => {
  evo = await openEvo();
  await evo.init(evo.project("a", COMPONENT), "dev");
});
afterAll(() => evo.close());

const file = (name: string) => join(evo.directory, name);

/**
 * A sequence of one step whose gate passes once `<name>.go` is there. Loading it waits at a barrier: a process notes its
 * arrival in `<name>.<pid>` and goes on once `<name>.start` is there.
 */
function waiting(name: string, barrier: string): void {
  const path = (suffix: string) => JSON.stringify(file(`${barrier}.${suffix}`));
  evo.sequence(
    name,
    `import { existsSync, writeFileSync } from "node:fs";
writeFileSync(${path("")} + process.pid, "");
while (!existsSync(${path("start")})) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
const there = gate("file", {
  targets: ["here"],
  probe: command(["test", "-e", ${JSON.stringify(file(`${barrier}.go`))}]),
  interval: "100ms",
});
export default defineSequence({
  name: "${name}",
  steps: [up("a", { dir: "../projects/a", stack: "dev", convergedWhen: [there] })],
});`,
  );
}

const release = (barrier: string, what: "start" | "go") => writeFileSync(file(`${barrier}.${what}`), "");

/** Starts one `evo up` per sequence, lets them go at once, and sorts them: who drives, who was refused. */
async function race(barrier: string, sequences: readonly string[]): Promise<{ winner: Running; loser: Running }> {
  const processes = sequences.map((sequence) => evo.start(["up", sequence]));
  const arrived = () => readdirSync(evo.directory).filter((name) => /^\d+$/.test(name.slice(barrier.length + 1)));
  while (arrived().filter((name) => name.startsWith(`${barrier}.`)).length < processes.length) await sleep(20);
  release(barrier, "start");
  const first = await Promise.race(processes.map((process) => process.ended.then(() => process)));
  const winner = processes.find((process) => process !== first);
  if (winner === undefined) throw new Error("nobody was refused");
  return { winner, loser: first };
}

async function runs(sequence: string) {
  return JSON.parse((await evo.run(["runs", "--sequence", sequence, "--json"])).stdout);
}

const SINCE = /since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

describe("at the same moment", () => {
  it("two `evo up` of one sequence: one runs, the other says who holds it since when, exit 6, and records nothing", async () => {
    waiting("pair", "pair");
    const { winner, loser } = await race("pair", ["pair", "pair"]);
    const refused = await loser.ended;
    await winner.until(/a: updated/);
    const status = await evo.run(["status"]);
    release("pair", "go");
    expect((await winner.ended).code, winner.said()).toBe(0);
    const [only, ...others] = await runs("pair");
    expect(others).toEqual([]);
    expect(refused.code, refused.stderr).toBe(6);
    expect(refused.stderr).toContain(`sequence:pair is held by run ${only.run}`);
    expect(refused.stderr).toContain(`actor operator@test, host ${hostname()}, pid ${winner.pid}`);
    expect(refused.stderr).toMatch(SINCE);
    expect(refused.stderr).toContain(`evo status ${only.run}`);
    expect(status.stdout).toContain(`driven by operator@test on ${hostname()}, pid ${winner.pid}`);
  });

  it("two sequences that begin with the same stack: likewise, by the stack's identity", async () => {
    waiting("left", "sides");
    waiting("right", "sides");
    const { winner, loser } = await race("sides", ["left", "right"]);
    const refused = await loser.ended;
    release("sides", "go");
    expect((await winner.ended).code, winner.said()).toBe(0);
    const all = [...(await runs("left")), ...(await runs("right"))];
    expect(all).toHaveLength(1);
    expect(refused.code, refused.stderr).toBe(6);
    expect(refused.stderr).toMatch(/stack:file:\/\/\S+#\S+\/a\/dev is held by run (left|right)-/);
    expect(refused.stderr).toContain(`run ${all[0].run}`);
    expect(refused.stderr).toContain(`pid ${winner.pid}`);
    expect(refused.stderr).toMatch(SINCE);
  });
});

describe("an unfinished run that nobody drives", () => {
  let run: string;
  it("is named by `evo up`, which never resumes it by itself: exit 3", async () => {
    waiting("left-over", "left-over");
    release("left-over", "start");
    const first = evo.start(["up", "left-over"]);
    await first.until(/a: updated/);
    first.signal("SIGINT");
    expect((await first.ended).code).toBe(3);
    [{ run }] = await runs("left-over");
    const again = await evo.run(["up", "left-over"]);
    expect(again.code).toBe(3);
    expect(again.stderr).toContain(`run ${run} of left-over is not finished, and nobody drives it`);
    expect(again.stderr).toMatch(new RegExp(`→ .*evo resume ${run}.*evo abort ${run}`));
    expect(await runs("left-over")).toHaveLength(1);
  });

  it("is listed as paused; `evo resume` without a name means it", async () => {
    expect((await evo.run(["runs"])).stdout).toMatch(new RegExp(`^${run} +paused `, "m"));
    release("left-over", "go");
    const { code, stdout, stderr } = await evo.run(["resume", "--reason", "the file is there"]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(new RegExp(`${run} {2}completed`));
    expect(stderr).toContain("resumed: the file is there");
    const entries = JSON.parse((await evo.run(["ledger", "log", "--run", run, "--json"])).stdout);
    const types = entries.map((entry: { type: string }) => entry.type);
    expect(types.filter((type: string) => type === "operation.intended")).toHaveLength(1);
    expect(types.filter((type: string) => /^run\./.test(type))).toEqual([
      "run.started",
      "run.paused",
      "run.adopted",
      "run.resumed",
      "run.completed",
    ]);
  });

  it("once finished is neither resumed nor aborted: exit 2", async () => {
    for (const args of [
      ["resume", run],
      ["abort", run, "--reason", "late"],
    ]) {
      const { code, stderr } = await evo.run(args);
      expect(code).toBe(2);
      expect(stderr).toContain(`run ${run} is completed already`);
    }
  });

  it("can be aborted; then a new one may start", async () => {
    waiting("given-up", "given-up");
    release("given-up", "start");
    const first = evo.start(["up", "given-up"]);
    await first.until(/a: updated/);
    first.signal("SIGTERM");
    expect((await first.ended).code).toBe(3);
    const [{ run: left }] = await runs("given-up");
    const silent = await evo.run(["abort", left]);
    expect(silent.code).toBe(2);
    expect(silent.stderr).toContain("--reason");
    const aborted = await evo.run(["abort", left, "--reason", "superseded", "--json"]);
    expect(aborted.code, aborted.stderr).toBe(0);
    expect(JSON.parse(aborted.stdout)).toMatchObject({ run: left, status: "aborted" });
    release("given-up", "go");
    expect((await evo.run(["up", "given-up"])).code).toBe(0);
    expect((await runs("given-up")).map((one: { status: string }) => one.status)).toEqual(["completed", "aborted"]);
  });

  it("whose operation is not settled is not aborted: exit 3, and its engine goes on to the end", async () => {
    const project = evo.switchProject("s");
    await evo.init(project, "dev");
    evo.sequence(
      "cut",
      `export default defineSequence({ name: "cut", steps: [up("s", { dir: "../projects/s", stack: "dev" })] });`,
    );
    const effects = file("effects");
    const first = evo.start(["up", "cut"], { env: { EFFECTS: effects, GATE: file("create") } });
    while (!existsSync(effects)) await sleep(20);
    first.signal("SIGKILL");
    await first.ended;
    const [{ run: cut }] = await runs("cut");
    const { code, stderr } = await evo.run(["abort", cut, "--reason", "no patience"]);
    writeFileSync(file("create"), "");
    expect(code).toBe(3);
    expect(stderr).toMatch(/the outcome of cut-\w+\.s\.1\.up is not recorded yet/);
    expect(stderr).toContain(`evo resume ${cut}`);
    const again = await evo.run(["up", "cut"]);
    expect(again.code, "its driver is proven dead: the lease holds nobody up, the unfinished run does").toBe(3);
    expect(again.stderr).toContain(`run ${cut} of cut is not finished, and nobody drives it`);
  });
});
