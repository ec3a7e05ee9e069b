/**
 * A stack is put to a recorded earlier state: the program of the recorded commit with the config of then, from a checkout
 * that stays as it is. What the record doesn't say for certain is refused before anything has happened.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { COMPONENT, type Evo, openEvo } from "../support/evo.js";

let evo: Evo;
let project: string;
beforeAll(async () => {
  evo = await openEvo();
  git("init", "--quiet", "--initial-branch=main");
  // EVO_HOME and all else of the test's lies in the repository, too, and is none of its business.
  write(".gitignore", "/*\n!/.gitignore\n!/projects/\n!/sequences/\nnode_modules\n");
});
afterAll(() => evo.close());

const git = (...args: readonly string[]) =>
  execFileSync("git", ["-c", "user.name=Tester", "-c", "user.email=tester@test", ...args], {
    cwd: evo.directory,
    encoding: "utf8",
  }).trim();
const write = (path: string, text: string) => {
  mkdirSync(join(evo.directory, path, ".."), { recursive: true });
  writeFileSync(join(evo.directory, path), text);
};
const commit = (message: string) => {
  git("add", "--all");
  git("commit", "--quiet", "--message", message);
  return git("rev-parse", "HEAD");
};
const secrets = { env: { PASSWORD: "open-sesame-7f" } };
const run = (...args: readonly string[]) => evo.run(args, secrets);
const runs = async () => JSON.parse((await run("runs", "--json")).stdout) as readonly { readonly run: string }[];
/** Runs a command that starts a run; says how it ended, and which run it was. */
const starting = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await run(...args);
  return { code, said: stderr + stdout, id: (await runs())[0]?.run ?? "" };
};

/** A program that reads a file beside its folder, its settings, and what the step gives it: of an output, too. */
const program = (version: string) => `const pulumi = require("@pulumi/pulumi");
const { mark } = require("../lib/mark.js");
const config = new pulumi.Config();
new pulumi.ComponentResource("test:index:Thing", "thing-${version}");
exports.version = mark("${version}");
exports.size = config.get("size");
exports.mode = config.get("mode");
exports.from = config.get("from");
exports.password = config.getSecret("password");
`;
const sequence = (mode: string) => `
export default defineSequence({ name: "rollout", steps: [
  up("base", { dir: "../projects/base", stack: "dev" }),
  up("app", { dir: "../projects/app", stack: "dev", config: { mode: "${mode}", from: output("base", "greeting") }, secretConfig: { password: env("PASSWORD") },
    convergedWhen: [gate("first", { targets: ["here"], probe: stackOutput({ path: "version", equals: "v1 of a" }), failureLimit: 1, interval: "200ms" })] }),
], recovery: [{ name: "back", sequence: "./back.ts" }] });`;
const back = (asOf: string) => `
export default defineSequence({ name: "back", steps: [
  up("app", { dir: "../projects/app", stack: "dev", asOf: "${asOf}",
    convergedWhen: [gate("first", { targets: ["here"], probe: stackOutput({ path: "version", equals: "v1 of a" }), failureLimit: 1, interval: "200ms" })] }),
] });`;

/** Program, file beside it, settings and sequence of one version. */
const version = (name: string, mark: string, size: string, mode: string) => {
  write("projects/app/index.js", program(name));
  write("projects/lib/mark.js", `exports.mark = (text) => text + " of ${mark}";\n`);
  const settings = readFileSync(join(project, "Pulumi.dev.yaml"), "utf8").replace(/^config:[\s\S]*$/m, "");
  write("projects/app/Pulumi.dev.yaml", `${settings}config:\n  app:size: ${size}\n`);
  evo.sequence("rollout", sequence(mode));
};

const state = async () => {
  const { stdout } = await evo.bench.pulumi(project, ["stack", "export", "--stack", "dev"]);
  const { resources } = JSON.parse(stdout).deployment as { resources: readonly { urn: string; outputs?: object }[] };
  const [stack] = resources;
  return { outputs: stack?.outputs, names: resources.map(({ urn }) => urn.split("::").at(-1)) };
};

it("puts program and config back to what the record says, and leaves the checkout alone", async () => {
  project = evo.project("app", program("v1"));
  await evo.init(project, "dev");
  await evo.init(evo.project("base", COMPONENT), "dev");
  version("v1", "a", "small", "first");
  evo.sequence("back", back("before-run"));
  // The salt of the stack's secrets comes to the checkout only after the commit, as with a stack that evo has made.
  const settings = "projects/app/Pulumi.dev.yaml";
  const salted = readFileSync(join(evo.directory, settings), "utf8");
  write(settings, salted.replace(/^encryptionsalt:.*\n/m, ""));
  const a = commit("a");
  write(settings, salted);
  const first = await starting("up", "rollout");
  expect(first.code, first.said).toBe(0);
  const before = await state();
  expect(before.outputs).toMatchObject({ version: "v1 of a", size: "small", mode: "first", from: "hello" });

  version("v2", "b", "large", "second");
  const b = commit("b");
  const second = await starting("up", "rollout");
  expect(second.code, second.said).toBe(4);
  expect((await state()).outputs).toMatchObject({ version: "v2 of b", size: "large", mode: "second" });

  const operation = `${first.id}.app.1.up`;
  const index = readFileSync(join(evo.directory, ".git", "index"));
  const dry = await run("recover", second.id, "--dry-run");
  expect(dry.code, dry.stderr).toBe(0);
  expect(dry.stdout.replace(/\s+/g, " ")).toContain(`put back to ${operation}, commit ${a.slice(0, 12)}`);
  expect(await runs()).toHaveLength(2);

  const recovered = await starting("recover", second.id, "--reason", "v2 is not what we want");
  expect(recovered.code, recovered.said).toBe(0);
  expect(await state()).toMatchObject({
    names: before.names,
    outputs: { version: "v1 of a", size: "small", mode: "first", from: "hello" },
  });

  expect(git("rev-parse", "HEAD")).toBe(b);
  expect(readFileSync(join(evo.directory, ".git", "index")).equals(index)).toBe(true);
  expect(git("status", "--porcelain")).toBe("");
  expect(git("worktree", "list").split("\n")).toHaveLength(1);

  const log = await run("ledger", "log", "--run", recovered.id, "--type", "operation.intended", "--json");
  const intended = JSON.parse(log.stdout);
  expect(intended).toMatchObject([
    { body: { asOf: operation, source: { path: `projects/app@${a.slice(0, 12)}`, commit: a, dirty: false } } },
  ]);
  const [history] = JSON.parse((await run("history", "app/dev", "--json")).stdout);
  expect(history.governed.map((row: { commit: string }) => row.commit)).toEqual([a, b, a]);
  for (const verb of ["status", "audit"]) {
    const { stdout } = await run(verb, recovered.id);
    expect(stdout.replace(/\s+/g, " "), verb).toContain(`put back to ${operation}`);
  }
  expect(log.stdout + dry.stdout).not.toContain(secrets.env.PASSWORD);
});

it("refuses what the record doesn't say for certain, with nothing begun", async () => {
  const refused = async (code: string, ...args: readonly string[]) => {
    const known = (await runs()).length;
    const { code: exit, stderr } = await run(...args);
    expect(stderr).toContain(`[earlier.${code}]`);
    expect(exit, stderr).toBe(2);
    expect(await runs()).toHaveLength(known);
  };
  await refused("no-run", "up", "back");
  evo.sequence("back", back("rollout-abcdef.app.1.up"));
  await refused("unknown", "up", "back");

  evo.sequence("rollout", sequence("first"));
  version("v1", "a", "dirty", "first");
  const dirty = await starting("up", "rollout");
  expect(dirty.code, dirty.said).toBe(0);
  evo.sequence("back", back(`${dirty.id}.app.1.up`));
  await refused("dirty", "up", "back");

  version("v1", "a", "gone", "first");
  commit("c");
  const gone = await starting("up", "rollout");
  expect(gone.code, gone.said).toBe(0);
  git("reset", "--quiet", "--hard", "HEAD~1");
  git("reflog", "expire", "--expire=now", "--all");
  git("gc", "--quiet", "--prune=now");
  evo.sequence("back", back(`${gone.id}.app.1.up`));
  await refused("commit-missing", "up", "back");
});

it("does so in a rehearsal, by what was rehearsed", async () => {
  const steps = (more: string) =>
    `up("app", { dir: "../projects/app", stack: "dev",${more} convergedWhen: [gate("first", { targets: ["here"], probe: stackOutput({ path: "version", equals: "v1 of a" }), failureLimit: 1, interval: "200ms" })] })`;
  const define = (name: string, more: string, rest = "") =>
    evo.sequence(name, `export default defineSequence({ name: "${name}", steps: [${steps(more)}]${rest} });`);
  define("plain", "", ', recovery: [{ name: "back", sequence: "./plain-back.ts" }]');
  define("plain-back", ' asOf: "before-run",');
  version("v1", "a", "small", "first");
  const a = commit("plain");
  const first = await starting("up", "plain", "--rehearse");
  expect(first.code, first.said).toBe(0);
  version("v2", "b", "small", "first");
  const b = commit("plain, changed");
  const second = await starting("up", "plain", "--rehearse");
  expect(second.code, second.said).toBe(4);
  const recovered = await starting("recover", second.id, "--reason", "v2 is not what we want");
  expect(recovered.code, recovered.said).toBe(0);
  const [history] = JSON.parse((await run("history", "app/dev", "--rehearsals", "--json")).stdout);
  expect(history.governed.map((row: { commit: string }) => row.commit)).toEqual([a, b, a]);
});
