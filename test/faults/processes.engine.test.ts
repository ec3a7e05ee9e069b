/** Deaths and stops of processes in mid-update: what a person sees, and what a resume does. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Evo, openEvo, type Running } from "../support/evo.js";
import { bringHome, type Case, demandSound, EFFECTS, entriesOf, makeCase, runsOf, there } from "./support.js";

let evo: Evo;
beforeAll(async () => {
  evo = await openEvo();
  evo.switchProject("s");
});
afterAll(() => evo.close());

/** A run whose first update is in the middle of creating `a`, until the case's gate file is there. */
async function inMidUpdate(name: string): Promise<{ one: Case; running: Running; run: string }> {
  const one = makeCase(evo, name, true);
  const running = evo.start(["up", name], { env: one.env });
  await there(() => one.effects().includes("begin a"));
  const [run] = await runsOf(evo, one);
  return { one, running, run: run?.run ?? "" };
}

/** Pids that the journal of a run's first operation names. */
function journaled(run: string): { host: number; engine: number } {
  const file = join(evo.home, "operations", `${run}.one.1.up`, "journal.ndjson");
  const lines = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const host = lines.findLast((line) => line.line === "hosted").host.pid;
  return { host, engine: lines.findLast((line) => line.line === "spawned").engine.pid };
}

/** It may have ended by itself. */
function end(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

const goOn = (one: Case) => writeFileSync(one.gate, "");

describe("in mid-update", () => {
  it("evo is killed: the engine goes on, and a resume follows it at once", async () => {
    const { one, running, run } = await inMidUpdate("evo-killed");
    running.signal("SIGKILL");
    await running.ended;
    const told = await evo.run(["status", run]);
    expect(told.stdout).toMatch(/^one +updating/m);
    expect(told.stdout).toContain("nobody drives it");
    const again = evo.run(["up", one.name], { env: one.env });
    const { code, stderr } = await again;
    expect(code, stderr).toBe(3);
    expect(stderr).toContain(`evo resume ${run}`);
    goOn(one);
    await bringHome(evo, one);
    await demandSound(evo, one);
    expect((await entriesOf(evo, one)).filter(({ type }) => type === "run.adopted")).toHaveLength(1);
  });

  it("evo and its operation host are killed: an observer takes the engine's word", async () => {
    const { one, running, run } = await inMidUpdate("host-killed");
    process.kill(journaled(run).host, "SIGKILL");
    running.signal("SIGKILL");
    await running.ended;
    goOn(one);
    await bringHome(evo, one);
    await demandSound(evo, one);
  });

  it("the operation host is stopped: it is replaced, and the run goes on", async () => {
    const { one, running, run } = await inMidUpdate("host-stopped");
    process.kill(journaled(run).host, "SIGSTOP");
    goOn(one);
    const { code, stderr } = await running.ended;
    expect(code, stderr).toBe(0);
    await demandSound(evo, one);
  });

  it("the engine is killed: nobody knows, evo stops and says why; a person settles it, and the run goes on", async () => {
    const { one, running, run } = await inMidUpdate("engine-killed");
    process.kill(journaled(run).engine, "SIGKILL");
    const { code, stderr, stdout } = await running.ended;
    expect(code, stderr).toBe(3);
    expect(stdout).toContain(`evo settle ${run}.one.1.up --as succeeded|failed`);
    expect(stdout).toMatch(/the stack is locked by/);
    goOn(one);
    const refused = await evo.run(["retry", "one", run, "--reason", "again"], { env: one.env });
    expect(refused.code, refused.stderr).toBe(3);
    expect(refused.stderr).toContain("evo settle");
    const both = await Promise.all(
      [1, 2].map(() => evo.run(["settle", `${run}.one.1.up`, "--as", "failed", "--reason", "looked at it"])),
    );
    expect(both.map((settled) => settled.code).sort()).toEqual([0, 2]);
    const settled = (await entriesOf(evo, one)).filter(({ type }) => type === "operation.settled");
    expect(settled).toHaveLength(1);
    // The provider is an orphan that finishes its effect: nobody but a person may say what follows from it.
    await there(() => one.effects().includes("create a"));
    expect(one.effects()).toEqual(EFFECTS.slice(0, 2));
    for (const [, pid] of stdout.matchAll(/still runs \(pid\s+(\d+)\)/g)) end(Number(pid));
  });
});

/** A person has looked and found nothing: what they say lets evo try again, and nothing is in its way. */
async function settleAsFailed(one: Case, run: string): Promise<void> {
  const settled = await evo.run(["settle", `${run}.one.1.up`, "--as", "failed", "--reason", "looked: it isn't there"]);
  expect(settled.code, settled.stderr).toBe(0);
  goOn(one);
  const { code, stderr } = await evo.run(["retry", "one", run, "--reason", "again"], { env: one.env });
  expect(code, stderr).toBe(0);
  expect(one.effects()).toEqual(["begin a", ...EFFECTS]);
}

const pidsOf = (pattern: RegExp) =>
  evo.processes().flatMap((line) => (pattern.test(line) ? [Number.parseInt(line, 10)] : []));

describe("in mid-create", () => {
  it("the provider is killed: the engine says that it failed, evo that nobody knows; a person's word lets it go on", async () => {
    const { one, running, run } = await inMidUpdate("provider-killed");
    for (const pid of pidsOf(/\/dynamic-provider\b/)) process.kill(pid, "SIGKILL");
    const { code, stderr, stdout } = await running.ended;
    expect(code, stderr).toBe(3);
    expect(stdout).toContain("what it was asked to do may have been done");
    expect(one.effects()).toEqual(["begin a"]);
    await settleAsFailed(one, run);
  });

  it("engine and provider are killed: the lock of the dead engine is in nobody's way", async () => {
    const { one, running, run } = await inMidUpdate("both-killed");
    for (const pid of [journaled(run).engine, ...pidsOf(/\/dynamic-provider\b/)]) process.kill(pid, "SIGKILL");
    const { code, stderr, stdout } = await running.ended;
    expect(code, stderr).toBe(3);
    expect(stdout).toMatch(/pending operation: creating .*--clear-pending-creates/);
    await settleAsFailed(one, run);
  });

  it("engine and provider are killed between the effect and its note: it is neither repeated nor believed", async () => {
    const one = makeCase(evo, "not-noted");
    const running = evo.start(["up", one.name], { env: { ...one.env, AFTER: one.gate } });
    await there(() => one.effects().includes("create a"));
    const run = (await runsOf(evo, one))[0]?.run ?? "";
    for (const pid of [journaled(run).engine, ...pidsOf(/\/dynamic-provider\b/)]) process.kill(pid, "SIGKILL");
    const { code, stderr, stdout } = await running.ended;
    expect(code, stderr).toBe(3);
    expect(stdout).toMatch(/pending operation: creating .*--clear-pending-creates/);
    for (const args of [
      ["resume", run, "--reason", "x"],
      ["retry", "one", run, "--reason", "x"],
    ])
      expect((await evo.run(args, { env: one.env })).code, args.join(" ")).toBe(3);
    expect(one.effects()).toEqual(["begin a", "create a"]);
  });

  it("the processes of the language are killed: the create is finished and known", async () => {
    const { one, running } = await inMidUpdate("language-killed");
    for (const pid of pidsOf(/language-host\/(?:main|standby|preload)\.|cmd\/run\//)) process.kill(pid, "SIGKILL");
    goOn(one);
    const { code, stderr, stdout } = await running.ended;
    expect(code, stderr).toBe(1);
    expect(stdout).toMatch(/halted \(operation-failed\) at one/);
    expect(one.effects()).toEqual(["begin a", "create a"]);
    await bringHome(evo, one);
    await demandSound(evo, one);
  });
});

describe("who drives", () => {
  it("a stopped driver's lease runs out: a resume on this machine kills it and goes on, from another it needs a word", async () => {
    const { one, running, run } = await inMidUpdate("driver-stopped");
    running.signal("SIGSTOP");
    const early = await evo.run(["resume", run, "--reason", "too early"], { env: one.env });
    expect(early.code, early.stderr).toBe(6);
    const driver = () => evo.run(["status", run, "--json"]).then(({ stdout }) => JSON.parse(stdout).driver);
    while ((await driver()) !== null) await sleep(500);
    const elsewhere = await onAnotherMachine(["resume", run, "--reason", "x"], one.env);
    expect(elsewhere.code, elsewhere.stderr).toBe(6);
    expect(elsewhere.stderr).toContain("--take-over");
    goOn(one);
    await bringHome(evo, one);
    expect((await running.ended).code).toBeNull();
    await demandSound(evo, one);
    const adopted = (await entriesOf(evo, one)).find(({ type }) => type === "run.adopted");
    expect(JSON.stringify(adopted)).toContain("was killed");
  });

  it("a driver that wakes up after a signed take-over writes nothing and starts nothing", async () => {
    const { one, running, run } = await inMidUpdate("driver-wakes");
    running.signal("SIGSTOP");
    const driver = () => evo.run(["status", run, "--json"]).then(({ stdout }) => JSON.parse(stdout).driver);
    while ((await driver()) !== null) await sleep(500);
    goOn(one);
    const word = ["--take-over", "--reason", "that runner is gone"];
    const taken = await onAnotherMachine(["resume", run, ...word], one.env);
    expect(taken.code, taken.stderr).toBe(0);
    const before = await entriesOf(evo, one);
    running.signal("SIGCONT");
    const { code, stderr } = await running.ended;
    expect(code, stderr).toBe(6);
    expect(await entriesOf(evo, one)).toEqual(before);
    await demandSound(evo, one);
  });

  it("of fifty that start at once, one run comes", async () => {
    const one = makeCase(evo, "fifty", true);
    const starts = Array.from({ length: 50 }, () => evo.start(["up", one.name], { env: one.env }));
    // The one that drives is held in mid-update until the last of the others has been sent away.
    const ended: { readonly code: number | null; readonly stderr: string }[] = [];
    await new Promise<void>((resolve) => {
      for (const start of starts)
        start.ended.then((end) => {
          if (ended.push(end) === starts.length - 1) resolve();
        });
    });
    expect(ended.filter(({ code }) => code !== 6 && code !== 3)).toEqual([]);
    goOn(one);
    await Promise.all(starts.map((start) => start.ended));
    expect(ended.at(-1)?.code, ended.at(-1)?.stderr).toBe(0);
    await demandSound(evo, one);
  });

  it("of two resumes at once, one drives", async () => {
    const { one, running, run } = await inMidUpdate("two-resumes");
    running.signal("SIGKILL");
    await running.ended;
    const both = [1, 2].map(() => evo.start(["resume", run, "--reason", "go"], { env: one.env }));
    const first = await Promise.race(both.map((resume) => resume.ended));
    expect(first.code, first.stderr).toBe(6);
    goOn(one);
    const codes = (await Promise.all(both.map((resume) => resume.ended))).map(({ code }) => code);
    expect(codes.toSorted()).toEqual([0, 6]);
    await demandSound(evo, one);
  });
});

const ELSEWHERE = fileURLToPath(new URL("../support/another-machine.mjs", import.meta.url));

/** The same command on a machine of another name. */
function onAnotherMachine(args: readonly string[], env: Case["env"]) {
  return evo.run(args, { main: ELSEWHERE, env: { ...env, HOSTNAME_OF_TEST: "elsewhere" } });
}
