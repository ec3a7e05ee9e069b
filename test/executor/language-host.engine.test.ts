/** The plain CLI with evo's language host on its PATH, on projects that know nothing of evo. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bench, openBench } from "../support/engine.js";
import { type FixtureProject, PROJECTS } from "../support/projects.js";

/** Of the describe that runs: each has a backend of its own. */
let bench: Bench;
const open = async () => {
  bench = await openBench();
};
const close = () => bench.close();

const STACK = ["--stack", "dev"] as const;
const UP = ["up", "--yes", ...STACK] as const;

async function initialised(name: string, as?: string): Promise<string> {
  const project = bench.copy(name, as);
  const { code, stderr } = await bench.pulumi(project, ["stack", "init", "dev"]);
  expect(code, stderr).toBe(0);
  return project;
}

async function resourceNames(project: string): Promise<string[]> {
  const { stdout } = await bench.pulumi(project, ["stack", "export", ...STACK]);
  const resources: { urn: string; type: string }[] = JSON.parse(stdout).deployment.resources ?? [];
  return resources
    .filter(({ type }) => type !== "pulumi:pulumi:Stack" && !type.startsWith("pulumi:providers:"))
    .map(({ urn }) => urn.split("::").at(-1) as string)
    .sort();
}

describe("fixture projects under the plain CLI", () => {
  beforeAll(open);
  afterAll(close);
  const copies = new Map<string, string>();

  /** An operation of evo's that has its answers already: held, and with processes started ahead. */
  function answered(name: string): NodeJS.ProcessEnv {
    const directory = join(bench.directory, `answered-${name}`);
    mkdirSync(directory);
    for (const answer of ["accept", "commit"]) writeFileSync(join(directory, answer), "");
    return { EVO_OPERATION_DIR: directory, EVO_HOLD: "update" };
  }

  test.each(PROJECTS)("$name", async (project: FixtureProject) => {
    const folder = await initialised(project.name);
    copies.set(project.name, folder);
    const first = await bench.pulumi(folder, UP, project.fails === undefined ? {} : answered(project.name));
    if (project.fails !== undefined) {
      expect(first.code).not.toBe(0);
      expect(first.stdout + first.stderr).toContain(project.fails);
      expect(await resourceNames(folder)).toEqual(project.resources);
      return;
    }
    expect(first.code, first.stdout + first.stderr).toBe(0);
    expect(await resourceNames(folder)).toEqual(project.resources);
    const outputs = await bench.pulumi(folder, ["stack", "output", "--json", ...STACK]);
    expect(JSON.parse(outputs.stdout)).toEqual(project.outputs);
    const again = await bench.pulumi(folder, [...UP, "--expect-no-changes"], answered(project.name));
    expect(again.code, again.stdout + again.stderr).toBe(0);
  });

  test("destroy reaches dynamic providers", async () => {
    const folder = copies.get("old-sdk") as string;
    const { code, stdout } = await bench.pulumi(folder, ["destroy", "--yes", "--skip-preview", ...STACK]);
    expect(code, stdout).toBe(0);
    expect(await resourceNames(folder)).toEqual([]);
  });

  test("about and its list of dependencies", async () => {
    const { code, stdout } = await bench.pulumi(copies.get("nodeargs") as string, ["about", "--json"]);
    expect(code).toBe(0);
    const about = JSON.parse(stdout);
    expect(about.runtime).toMatchObject({ language: "nodejs", version: process.version });
    expect(about.dependencies.map(({ name }: { name: string }) => name)).toContain("@pulumi/pulumi");
  });
});

describe("the hold protocol", () => {
  const programs = {
    two: 'new Note("one");\nnew Note("two");',
    one: 'new Note("one");',
    exits: 'new Note("one").urn.apply(() => setTimeout(() => process.exit(0), 50));\nsetInterval(() => {}, 1000);',
    waits: 'new Note("one");\nprocess.on("SIGINT", () => {});\nsetInterval(() => {}, 1000);',
  };
  let project: string;

  function write(program: keyof typeof programs): void {
    const file = join(project, "index.js");
    const provider = readFileSync(file, "utf8").split("new Note(")[0];
    writeFileSync(file, `${provider}${programs[program]}\n`);
  }

  /** Starts a held update; the answers are files in its directory. */
  function heldUpdate(name: string, ...flags: string[]) {
    const directory = join(bench.directory, name);
    mkdirSync(directory);
    const environment = { EVO_OPERATION_DIR: directory, EVO_HOLD: "update" };
    return {
      directory,
      ended: bench.pulumi(project, [...UP, ...flags], environment),
      has: (file: string) => existsSync(join(directory, file)),
      async seen(file: string): Promise<void> {
        while (!this.has(file)) await sleep(20);
      },
      say(file: string, text = ""): void {
        writeFileSync(join(directory, `.${file}`), text);
        renameSync(join(directory, `.${file}`), join(directory, file));
      },
    };
  }

  beforeAll(async () => {
    await open();
    project = await initialised("late-resources", "held");
  });
  afterAll(close);

  test("accepted and committed, the update is an ordinary one", async () => {
    write("two");
    const update = heldUpdate("accepted");
    await update.seen("held");
    expect(await resourceNames(project)).toEqual([]);
    update.say("accept");
    await update.seen("evaluated");
    update.say("commit");
    expect((await update.ended).code).toBe(0);
    expect(await resourceNames(project)).toEqual(["one", "two"]);
  });

  test("refused before it starts, it has no effect", async () => {
    write("one");
    const update = heldUpdate("refused-at-start", "--skip-preview");
    await update.seen("held");
    update.say("refuse", "not today\n");
    const { code, stdout } = await update.ended;
    expect(code).not.toBe(0);
    expect(stdout).toContain("not today");
    expect(update.has("evaluated")).toBe(false);
    expect(await resourceNames(project)).toEqual(["one", "two"]);
  });

  test.each(["one", "exits"] as const)("refused after evaluation, it deletes nothing (%s)", async (program) => {
    write(program);
    const update = heldUpdate(`refused-${program}`, "--skip-preview");
    await update.seen("held");
    update.say("accept");
    await update.seen("evaluated");
    expect(await resourceNames(project)).toEqual(["one", "two"]);
    update.say("refuse", "it would delete two");
    const { code, stdout } = await update.ended;
    expect(code).not.toBe(0);
    expect(stdout).toContain("it would delete two");
    expect(await resourceNames(project)).toEqual(["one", "two"]);
  });

  test("committed after evaluation, it deletes what was not registered", async () => {
    write("exits");
    const update = heldUpdate("committed", "--skip-preview");
    await update.seen("held");
    update.say("accept");
    await update.seen("evaluated");
    update.say("commit");
    expect((await update.ended).code).toBe(0);
    expect(await resourceNames(project)).toEqual(["one"]);
  });

  test("secret configuration goes through a FIFO that is read, and into no file", async () => {
    const folder = await initialised("cjs-secrets", "secrets");
    const directory = join(bench.directory, "fifo");
    mkdirSync(directory);
    execFileSync("mkfifo", [join(directory, "secrets")]);
    const read = readFile(join(directory, "secrets"), "utf8");
    const { code } = await bench.pulumi(folder, ["preview", ...STACK], { EVO_OPERATION_DIR: directory });
    expect(code).toBe(0);
    expect(JSON.parse(await read)).toEqual(['canary-4fd1-"quoted"-7c20']);
  });

  test.each(["held", "evaluating"] as const)("a killed engine takes host and program with it (%s)", async (point) => {
    write("waits");
    const update = heldUpdate(`killed-${point}`, "--skip-preview");
    await update.seen("held");
    if (point === "evaluating") {
      update.say("accept");
      while (!bench.processes().some((pid) => command(pid).includes("/cmd/run"))) await sleep(20);
    }
    process.kill(bench.processes().find((pid) => command(pid).startsWith(bench.engine.path)) as number, "SIGKILL");
    await update.ended;
    const ours = (pid: number) => /language-host|cmd\/run/.test(command(pid));
    while (bench.processes().some(ours)) await sleep(20);
    await bench.pulumi(project, ["cancel", "--yes", ...STACK]);
  });

  function command(pid: number): string {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    } catch {
      return "";
    }
  }
});
