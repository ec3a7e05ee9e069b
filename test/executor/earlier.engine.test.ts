/** The program of an earlier commit, on real repositories: what is laid out, which packages it gets, what is refused. */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { recordedProgram } from "../../src/executor/earlier/program.js";
import { readProject } from "../../src/executor/stack/project.js";
import { sourceDigest } from "../../src/executor/stack/sources.js";
import type { RecordedState, StepNode } from "../../src/plan/model.js";

let folder: string;
let root: string;
let home: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "evo-earlier-")));
  [root, home] = [join(folder, "repo"), join(folder, "home")];
  mkdirSync(root);
  git("init", "--quiet");
});
afterEach(() => rmSync(folder, { recursive: true }));

const git = (...args: readonly string[]) =>
  execFileSync("git", ["-c", "user.name=T", "-c", "user.email=t@t", ...args], { cwd: root, encoding: "utf8" }).trim();
const write = (files: { readonly [path: string]: string }) => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
};
const STEP = { id: "app", stack: { dir: "app", stack: "dev" } } as unknown as StepNode;

/** Commits the files; the state that an operation would have recorded now. */
async function recorded(files: { readonly [path: string]: string }): Promise<RecordedState> {
  write(files);
  git("add", "--all", "--force");
  git("commit", "--quiet", "--message", "more");
  const { sha256, commit = "" } = await sourceDigest(readProject(STEP, root), "app");
  return { operation: "a.app.1.up", entry: 1, time: "", dir: "app", commit, sha256, reads: {} };
}

const said: string[] = [];
const made = (state: RecordedState, path = process.env.PATH ?? "") => {
  const env = { PATH: path, HOME: folder };
  return recordedProgram({ home, env, say: (line) => said.push(line) }, STEP, state, root);
};

const YAML = { "app/Pulumi.yaml": "name: app\nruntime: yaml\n" };
const NODE = { "app/Pulumi.yaml": "name: app\nruntime: nodejs\n", "app/package.json": '{ "name": "app" }' };
const LOCK = (name: string) => JSON.stringify({ name, lockfileVersion: 3, requires: true, packages: { "": { name } } });

it("lays the whole tree of the commit out, once, for its user alone", async () => {
  const state = await recorded({
    ...YAML,
    "app/main.txt": "one",
    "lib/beside.txt": "one",
    ".gitattributes": "lib export-ignore\n",
  });
  await recorded({ "app/main.txt": "two", "lib/beside.txt": "two", "lib/new.txt": "two" });
  const [project, again] = await Promise.all([made(state), made(state)]);
  expect(again).toEqual(project);
  expect(readFileSync(join(project.directory, "main.txt"), "utf8")).toBe("one");
  expect(readdirSync(join(project.directory, "..", "lib"))).toEqual(["beside.txt"]);
  expect(readdirSync(join(home, "programs"))).toHaveLength(1);
  expect(lstatSync(join(home, "programs")).mode & 0o077).toBe(0);
  expect(readFileSync(join(root, "app", "main.txt"), "utf8")).toBe("two");
  expect(git("status", "--porcelain")).toBe("");
});

it("runs nothing but what was recorded", async () => {
  const state = await recorded({ ...YAML, "app/main.txt": "one" });
  await expect(made({ ...state, sha256: "other" })).rejects.toMatchObject({ code: "earlier.not-as-recorded" });
  const { directory } = await made(state);
  writeFileSync(join(directory, "main.txt"), "changed by somebody");
  await expect(made(state)).rejects.toMatchObject({ code: "earlier.not-as-recorded" });
  const missing = { ...state, commit: "0".repeat(40) };
  await expect(made(missing)).rejects.toMatchObject({ code: "earlier.commit-missing", remedy: /git fetch/ });
  const elsewhere = recordedProgram({ home, env: {} }, STEP, state, folder);
  await expect(elsewhere).rejects.toMatchObject({ code: "earlier.no-repository" });
});

it("takes the checkout's packages while what decides them is the same, else installs those of the commit", async () => {
  const state = await recorded({ ...NODE, "package-lock.json": LOCK("repo"), "package.json": '{ "name": "repo" }' });
  write({ "node_modules/one/package.json": "{}" });
  const linked = await made(state);
  expect(realpathSync(join(linked.directory, "..", "node_modules"))).toBe(join(root, "node_modules"));

  write({ "package-lock.json": LOCK("renamed"), "package.json": '{ "name": "renamed" }' });
  const installed = await made(state);
  expect(installed.directory).not.toBe(linked.directory);
  expect(said.at(-1)).toMatch(/installing the packages of commit [0-9a-f]{12} \(npm ci\)/);
  expect(existsSync(join(installed.directory, "..", "node_modules", "one"))).toBe(false);
  expect((await made(state)).directory).toBe(installed.directory);
});

it("installs where a package is a folder of the repository: a link would lead to what it is today", async () => {
  const state = await recorded({ ...NODE, "package-lock.json": LOCK("repo"), "package.json": '{ "name": "repo" }' });
  write({ "node_modules/@own/.keep": "", "lib/package.json": "{}" });
  symlinkSync(join(root, "lib"), join(root, "node_modules", "@own", "lib"));
  const { directory } = await made(state);
  expect(existsSync(join(directory, "..", "node_modules", "@own"))).toBe(false);
});

it("refuses what can't be installed, or was never locked", async () => {
  const broken = await recorded({ ...NODE, "app/package-lock.json": LOCK("app") });
  // A machine without npm.
  const lacking = made(broken, join(folder, "nothing"));
  await expect(lacking).rejects.toMatchObject({ code: "earlier.install", message: /npm ci/ });
  expect(readdirSync(join(home, "programs")).filter((name) => name.startsWith("."))).toEqual([]);
  git("rm", "--quiet", "app/package-lock.json");
  const asking = { "app/package.json": '{ "name": "app", "dependencies": { "one": "1" } }' };
  const unlocked = await recorded(asking);
  await expect(made(unlocked)).rejects.toMatchObject({ code: "earlier.unlocked" });
});
