/** Ctrl-C in the middle of an update, as a terminal sends it: to evo's whole process group. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMPONENT, type Evo, openEvo, type Running } from "../support/evo.js";

let evo: Evo;
beforeAll(async () => {
  evo = await openEvo();
  await evo.init(evo.project("a", COMPONENT), "dev");
  const project = evo.switchProject("s");
  for (const stack of ["once", "twice"]) await evo.init(project, stack);
});
afterAll(() => evo.close());

/** Starts a sequence whose first step is a switch project that stops in the middle of creating `a`. */
async function inMidUpdate(stack: string): Promise<{ running: Running; env: { [name: string]: string } }> {
  evo.sequence(
    stack,
    `export default defineSequence({
  name: "${stack}",
  steps: [up("s", { dir: "../projects/s", stack: "${stack}" }), up("a", { dir: "../projects/a", stack: "dev" })],
});`,
  );
  const env = { EFFECTS: join(evo.directory, `${stack}.effects`), GATE: join(evo.directory, `${stack}.gate`) };
  const running = evo.start(["up", stack], { env });
  await there(() => effects(stack).includes("begin a"));
  return { running, env };
}

function effects(stack: string): readonly string[] {
  const file = join(evo.directory, `${stack}.effects`);
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

async function there(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}

function journal(): string {
  const folder = join(evo.home, "operations");
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name, "journal.ndjson"), "utf8"))
    .join("");
}

/** Process group of a process, from /proc; the name in parentheses may hold anything. */
function groupOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return Number(fields[2]);
}

const json = async (...args: string[]) => JSON.parse((await evo.run([...args, "--json"])).stdout);

describe("Ctrl-C", () => {
  it("reaches no process that belongs to an update or to the ledger", async () => {
    const { running, env } = await inMidUpdate("once");
    const others = evo
      .processes()
      .map((line) => Number.parseInt(line, 10))
      .filter((pid) => pid !== running.pid);
    expect(evo.processes().filter((line) => /pulumi|postgres/.test(line)).length).toBeGreaterThan(2);
    expect(others.filter((pid) => groupOf(pid) === running.pid)).toEqual([]);

    running.signal("SIGINT");
    await running.until(/SIGINT: pausing; what runs is finished, nothing new starts/);
    writeFileSync(env.GATE ?? "", "");
    const { code, stdout, stderr } = await running.ended;
    expect(code, stderr).toBe(3);
    expect(stderr).toMatch(/paused: SIGINT/);
    expect(stderr).toMatch(/s: updated, 3 created/);
    expect(stdout).toMatch(/^s +converging +3 created/m);
    expect(stdout).toMatch(/^a +waiting/m);
    expect(effects("once")).toEqual(["begin a", "create a", "begin b", "create b"]);
  });

  it("once: `evo status` tells that it is paused and how it goes on, and `evo resume` goes on", async () => {
    const told = await evo.run(["status"]);
    expect(told.stdout).toMatch(/once-\w+ {2}paused/);
    expect(told.stdout).toMatch(/paused: SIGINT at the terminal/);
    expect(told.stdout).toMatch(/evo resume once-\w+/);
    expect(told.stdout).toContain("nobody drives it");
    const types = (await json("ledger", "log", "--sequence", "once")).map((entry: { type: string }) => entry.type);
    expect(types.filter((type: string) => type.startsWith("operation."))).toEqual([
      "operation.intended",
      "operation.previewed",
      "operation.succeeded",
    ]);
    const { code, stderr } = await evo.run(["resume", "--reason", "go"], {
      env: { EFFECTS: join(evo.directory, "once.effects") },
    });
    expect(code, stderr).toBe(0);
    expect(effects("once")).toHaveLength(4);
    expect(await json("status")).toMatchObject({ status: "completed", steps: [{ attempts: 1 }, { attempts: 1 }] });
  });

  it("twice: the engine is told to stop, evo says what was applied, and a resume does the rest", async () => {
    const { running, env } = await inMidUpdate("twice");
    running.signal("SIGINT");
    await running.until(/SIGINT: pausing/);
    running.signal("SIGINT");
    await running.until(/SIGINT again: asking the engine to stop at its next safe point/);
    await there(() => journal().includes(`"cancelled"`));
    writeFileSync(env.GATE ?? "", "");
    const { code, stdout, stderr } = await running.ended;
    expect(code, stderr).toBe(3);
    expect(stdout).toMatch(/^s +failed/m);
    expect(stdout).toMatch(/s: cancelled during its update, which had done: create a; the engine finished/);
    expect(stdout).toMatch(/evo resume twice-\w+/);
    expect(effects("twice")).toEqual(["begin a", "create a"]);
    const resumed = await evo.run(["resume", "--reason", "go on"], { env });
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(effects("twice")).toEqual(["begin a", "create a", "begin b", "create b"]);
    expect(await json("status")).toMatchObject({ status: "completed", steps: [{ attempts: 2 }, { attempts: 1 }] });
  });
});
