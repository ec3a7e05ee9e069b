/** The questions' command line, as users run it, on a told ledger: what is refused, what is written, what follows. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { OpenLedger } from "../../src/ledger/index.js";
import { query, type TestDatabase, type TestServer, testServer } from "../support/postgres.js";
import { type Append, early, good } from "../views/audit/stories.js";

const MAIN = new URL("../../dist/cli/main.js", import.meta.url).pathname;

let server: TestServer;
let database: TestDatabase;
let ledger: OpenLedger;
let home: string;
const append: Append = (entries) => ledger.append(entries, { id: randomUUID(), leases: [] });

beforeAll(async () => {
  server = await testServer();
  database = await server.fresh();
  ledger = await database.open("robot@ci");
  home = mkdtempSync(join(tmpdir(), "evo-questions-"));
  await early(append);
  await good(append);
});
afterAll(async () => {
  await server?.close();
  rmSync(home, { recursive: true, force: true });
});

function start(...args: readonly string[]): ChildProcess {
  const env = { ...process.env, EVO_LEDGER_URL: database.writer, EVO_HOME: home, CI: "", GITHUB_ACTIONS: "" };
  return spawn(process.execPath, [MAIN, ...args], { cwd: home, env, stdio: ["ignore", "pipe", "pipe"] });
}

async function evo(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = start(...args);
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  const code = await new Promise<number>((resolve) => child.once("close", (ended) => resolve(ended ?? -1)));
  return { code, ...texts };
}

it("audits the newest run, a named one, and a time", async () => {
  expect((await evo("audit")).stdout).toMatch(/^audit of role-rollout-good: completed/);
  expect((await evo("audit", "role-rollout-early")).stdout).toMatch(/^ordered +no +out of sequence: identity/m);
  const { runs, departures } = JSON.parse((await evo("audit", "--owner", "team-access", "--json")).stdout);
  expect([runs.length, departures.length]).toEqual([2, 1]);
  expect((await evo("audit", "--since", "1h", "--rehearsals")).stdout).toBe("nothing in that time\n");
});

it("writes pages, and refuses what it can't write or what makes no sense", async () => {
  expect((await evo("audit", "--output", "a.html")).stderr).toContain(`written: ${join(home, "a.html")}`);
  expect(readFileSync(join(home, "a.html"), "utf8")).toMatch(/^<!doctype html>/);
  await evo("audit", "--since", "1h", "--output", "a.md");
  expect(readFileSync(join(home, "a.md"), "utf8")).toMatch(/^# Evolution: production, since 1h\n/);
  for (const args of [
    ["audit", "--output", "a.txt"],
    ["audit", "--output", "nowhere/a.md"],
    ["audit", "role-rollout-good", "--since", "1h"],
    ["audit", "nobody"],
    ["history", "nobody"],
    ["ledger", "why", "nobody"],
    ["ledger", "why", "999"],
    ["ledger", "why", "prod"],
    ["ledger", "log", "--follow", "--json"],
  ])
    expect((await evo(...args)).code, args.join(" ")).toBe(2);
});

it("answers why of an entry, a step and a stack, and what followed", async () => {
  const of = async (...args: readonly string[]) => JSON.parse((await evo("ledger", "why", ...args, "--json")).stdout);
  const step = await of("flags", "--run", "role-rollout-early");
  expect(step).toMatchObject({ direction: "causes", cut: false });
  expect(step.entries.at(-1)).toMatchObject({ number: step.focus, type: "operation.succeeded", step: "flags" });
  expect((await of("gateway")).entries.at(-1)).toMatchObject({ type: "boundary.opened" });
  expect((await of("identity/prod")).entries.at(-1)).toMatchObject({ type: "operation.succeeded", step: "identity" });
  expect((await of("3", "--forward")).entries.map(({ number }: { number: number }) => number).slice(0, 3)).toEqual([
    3, 4, 5,
  ]);
  expect(await of(String(step.focus), "--limit", "2")).toMatchObject({ cut: true, entries: [{}, {}] });
});

it("follows the log until a signal, and ends well", async () => {
  const child = start("ledger", "log", "--follow", "--limit", "1", "--output", "ndjson");
  let text = "";
  const lines = () =>
    text
      .trim()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line).type);
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => lines().length >= count && resolve();
      child.stdout?.on("data", look);
      look();
    });
  child.stdout?.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  await until(1);
  await append([{ type: "scan.completed", causes: [], body: {} }]);
  await until(2);
  expect(lines()).toEqual(["run.completed", "scan.completed"]);
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGINT");
  expect(await ended).toBe(0);
});

it("exits 10 where the audited run was changed, and says what is wrong", async () => {
  const force = "set session_replication_role = replica; update evo.entries set claimed = 'me' where number = 5";
  await query(database.superuser, force);
  const { code, stdout } = await evo("audit", "role-rollout-early");
  expect(stdout).toMatch(/^unmodified +no +entry 5: its content is not what its hash was taken over$/m);
  expect(code).toBe(10);
});
