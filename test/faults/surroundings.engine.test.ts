/** What a run meets around it: locks and state of others, code that is edited, a gate that misbehaves, a program that shouts. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Evo, openEvo } from "../support/evo.js";
import { bringHome, type Case, demandSound, EFFECTS, entriesOf, makeCase, runsOf, there } from "./support.js";

let evo: Evo;
beforeAll(async () => {
  evo = await openEvo();
  evo.switchProject("s");
});
afterAll(() => evo.close());

const backend = () => join((evo.env["PULUMI_BACKEND_URL"] ?? "").slice("file://".length), ".pulumi");

async function runOf(one: Case): Promise<string> {
  return (await runsOf(evo, one))[0]?.run ?? "";
}

describe("a lock on the stack", () => {
  // A pid that no process can have (proc(5), pid_max), and one that lives, on a machine that can't be looked at.
  it.each([
    ["of a dead process of this machine", hostname(), 4_194_305],
    ["of another machine", "elsewhere", process.pid],
  ])("%s is never taken: evo says whose it is, and goes on when it is gone", async (kind, host, pid) => {
    const one = makeCase(evo, kind.includes("dead") ? "stale" : "foreign");
    const folder = join(backend(), "locks", "organization", "switch", `${one.name}-one`);
    const lock = join(folder, "one.json");
    mkdirSync(folder, { recursive: true });
    writeFileSync(lock, JSON.stringify({ pid, username: "somebody", hostname: host, timestamp: new Date() }));
    const { code, stderr, stdout } = await evo.run(["up", one.name], { env: one.env });
    expect(code, stderr).toBe(6);
    expect(stdout).toContain(`locked by somebody on ${host} (pid ${pid})`);
    expect(existsSync(lock)).toBe(true);
    expect(one.effects()).toEqual([]);
    rmSync(lock);
    await bringHome(evo, one);
    await demandSound(evo, one);
  });
});

describe("the engine's state", () => {
  it("that was torn between a crash and its resume: nothing is done until it is mended", async () => {
    const one = makeCase(evo, "torn");
    const crashed = await evo.run(["up", one.name], {
      env: { ...one.env, EVO_FAILPOINT: "executor.accept.before:kill" },
    });
    expect(crashed.code).toBeNull();
    const run = await runOf(one);
    const state = join(backend(), "stacks", "switch", "torn-one.json");
    const pids = evo
      .processes()
      .flatMap((line) => (/host\.js|pulumi up/.test(line) ? [Number.parseInt(line, 10)] : []));
    for (const pid of pids) process.kill(pid, "SIGKILL");
    const whole = readFileSync(state);
    truncateSync(state, Math.floor(whole.length / 2));
    for (const reason of [/before its update was let through/, /failed to load checkpoint/]) {
      const { code, stderr, stdout } = await evo.run(["resume", run, "--reason", "after the crash"], { env: one.env });
      expect(code, stderr).toBe(1);
      expect(stdout).toMatch(reason);
      expect(one.effects()).toEqual([]);
    }
    writeFileSync(state, whole);
    await bringHome(evo, one);
    await demandSound(evo, one);
  });
});

describe("code that is edited between a crash and its resume", () => {
  it("does not run unless somebody signs for it; the plan stays the one that was started", async () => {
    const project = evo.switchProject("edited");
    const one = makeCase(evo, "edited-code", true, "edited");
    const running = evo.start(["up", one.name], { env: one.env });
    await there(() => one.effects().includes("begin a"));
    running.signal("SIGKILL");
    await running.ended;
    appendFileSync(join(project, "index.js"), '\nexports.more = "edited";\n');
    const file = join(evo.directory, "sequences", `${one.name}.ts`);
    writeFileSync(file, readFileSync(file, "utf8").replace('up("two"', 'refresh("two"'));
    writeFileSync(one.gate, "");
    const run = await runOf(one);
    const refused = await evo.run(["resume", run, "--reason", "go on"], { env: one.env });
    expect([2, 3], refused.stderr).toContain(refused.code);
    expect(refused.stdout + refused.stderr).toMatch(/changed/);
    expect(one.effects().slice(4)).toEqual([]);
    const signed = await evo.run(["resume", run, "--accept-changed-code", "--reason", "reviewed"], { env: one.env });
    expect(signed.code, signed.stderr).toBe(0);
    expect(one.effects()).toEqual(EFFECTS);
    expect(await runsOf(evo, one)).toMatchObject([{ status: "completed" }]);
  });
});

describe("a gate", () => {
  it("that hangs, leads elsewhere, sends a gigabyte and flaps is looked at until it holds, in little memory", async () => {
    const answers: ((response: ServerResponse) => void)[] = [
      () => undefined,
      (response) => response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data" }).end(),
      gigabyte,
      (response) => response.end('{"ok":true}'),
      (response) => response.writeHead(500).end(),
    ];
    let looks = 0;
    const server = createServer((_, response) => {
      const answer = answers[looks];
      looks += 1;
      if (answer === undefined) response.end('{"ok":true}');
      else answer(response);
    });
    onTestFinished(() => void server.close().closeAllConnections());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const one = makeCase(evo, "gate");
    const probe = `http({ url: "${url}", expect: { json: [{ path: "ok", equals: true }] } })`;
    const there = `gate("there", { targets: ["here"], probe: ${probe}, interval: "100ms", requestTimeout: "2s", consecutiveSuccessLimit: 3 })`;
    const file = join(evo.directory, "sequences", "gate.ts");
    writeFileSync(file, readFileSync(file, "utf8").replace(/gate\("there", \{.*?\}\)/, there));
    const running = evo.start(["up", one.name, "--output", "ndjson"], { env: one.env });
    await running.until(/boundary\.opened/);
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${running.pid}/status`, "utf8"))?.[1];
    const { code, stderr } = await running.ended;
    expect(code, stderr).toBe(0);
    expect(Number(peak)).toBeLessThan(400_000);
    expect(looks).toBe(answers.length + 3);
    await demandSound(evo, one);
    const passed = (await entriesOf(evo, one)).find(({ type }) => type === "gate.passed");
    expect(JSON.stringify(passed)).toContain('"pass":4');
  });
});

function gigabyte(response: ServerResponse): void {
  const piece = Buffer.alloc(1 << 20, "x");
  let left = 1024;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= 1;
      if (!response.write(piece)) return void response.once("drain", more);
    }
    response.end();
  };
  more();
}

describe("a program", () => {
  it("that prints a hundred megabytes is no burden to the record", async () => {
    const one = makeCase(evo, "shouts");
    const { code, stderr } = await evo.run(["up", one.name], { env: { ...one.env, MODE: "shouts" } });
    expect(code, stderr).toBe(0);
    await demandSound(evo, one);
    const journal = join(evo.home, "operations", `${await runOf(one)}.one.1.up`, "journal.ndjson");
    expect(statSync(journal).size).toBeLessThan(100_000);
  });
});
