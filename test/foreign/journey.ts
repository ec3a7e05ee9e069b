/**
 * Every fixture project twice: one copy is evo's, the other the plain CLI's on a backend of its own. Then each goes on
 * with the other's stacks. All is driven once; tests look at what was gathered.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { CliResult } from "../support/engine.js";
import type { Evo } from "../support/evo.js";
import { type FixtureProject, fixture, PROJECTS } from "../support/projects.js";
import { type Files, filesIn, firstError, type State, stateOf } from "./comparing.js";
import { type Drive, up } from "./driving.js";

/** The owner of these has made the stack `dev`; of the others evo makes it. */
const OWNED: readonly string[] = ["main-in-subfolder", "floating-rejection"];
/** The owner of this one works on a stack of another name, which is selected. */
export const SELECTED = { project: "nodeargs", stack: "mine" } as const;

export const WORKING = PROJECTS.filter(({ fails }) => fails === undefined);
export const FAILING = PROJECTS.filter(({ fails }) => fails !== undefined);

/** How a project and its stack were found at one moment. */
export interface Found {
  readonly state: State;
  readonly outputs: { readonly [name: string]: unknown };
}

export interface Selection {
  /** Content of `workspaces` in PULUMI_HOME: the selected stacks. */
  readonly files: Files;
  /** What `pulumi stack --show-name` says in the project of SELECTED. */
  readonly shown: string;
}

export interface Journey {
  readonly evo: {
    readonly before: { readonly [project: string]: Files };
    readonly after: { readonly [project: string]: Files };
    readonly selected: { readonly before: Selection; readonly after: Selection };
    readonly first: Drive;
    readonly second: Drive;
    /** The failing projects, twice; between them the first run was aborted. */
    readonly failing: readonly [Drive, Drive];
    readonly found: { readonly [project: string]: Found };
  };
  readonly plain: {
    readonly ups: { readonly [project: string]: CliResult };
    readonly errors: { readonly [project: string]: string };
    readonly found: { readonly [project: string]: Found };
    /** Files after the CLI has made the stack. */
    readonly after: { readonly [project: string]: Files };
  };
  /** The plain CLI's preview of evo's stacks. */
  readonly previews: { readonly [project: string]: CliResult };
  /** evo's run over the plain CLI's stacks. */
  readonly taken: Drive;
}

type Side = "evo" | "plain";

/** Drives all of it, two things at a time. */
export async function drive(evo: Evo): Promise<Journey> {
  const plainEnv = {
    PULUMI_BACKEND_URL: `file://${join(evo.directory, "plain-backend")}`,
    PULUMI_HOME: join(evo.directory, "plain-home"),
  };
  for (const name of ["plain-backend", "plain-home"]) mkdirSync(join(evo.directory, name));
  for (const { name } of PROJECTS) for (const side of ["evo", "plain"]) evo.bench.copy(name, `${side}/${name}`);
  const [mine, plain] = await Promise.all([evoSide(evo), plainSide(evo, plainEnv)]);
  const [taken, previews] = await Promise.all([
    up(evo, writeSequence(evo, "taken", "plain", WORKING), plainEnv),
    eachOf(WORKING, ({ name }) => evo.bench.pulumi(folderOf(evo, "evo", name), [...PREVIEW, ...STACK])),
  ]);
  return { evo: mine, plain, previews, taken };
}

const STACK = ["--stack", "dev"] as const;
const PREVIEW = ["preview", "--expect-no-changes"] as const;

/** The folder of a project's copy. */
export function folderOf(evo: Evo, side: Side, project: string): string {
  return join(evo.directory, "projects", side, project);
}

async function evoSide(evo: Evo): Promise<Journey["evo"]> {
  const folder = (project: string) => folderOf(evo, "evo", project);
  await evo.init(folder(SELECTED.project), SELECTED.stack);
  for (const name of OWNED) await evo.init(folder(name), "dev");
  const files = () => Object.fromEntries(PROJECTS.map(({ name }) => [name, filesIn(folder(name))]));
  const [before, selectedBefore] = [files(), await selection(evo)];
  const works = writeSequence(evo, "works", "evo", WORKING);
  const first = await up(evo, works);
  if (first.code !== 0) throw new Error(first.stderr);
  const second = await up(evo, works);
  const fails = writeSequence(evo, "fails", "evo", FAILING);
  const failed = await up(evo, fails);
  await evo.run(["abort", failed.run, "--reason", "once more"]);
  const failing = [failed, await up(evo, fails)] as const;
  const [after, selectedAfter] = [files(), await selection(evo)];
  const found = await eachOf(PROJECTS, ({ name }) => find(evo, folder(name), {}));
  return { before, after, selected: { before: selectedBefore, after: selectedAfter }, first, second, failing, found };
}

async function plainSide(evo: Evo, env: { readonly [name: string]: string }): Promise<Journey["plain"]> {
  const folder = (project: string) => folderOf(evo, "plain", project);
  const ups = await eachOf(PROJECTS, async ({ name }) => {
    await evo.bench.pulumi(folder(name), ["stack", "init", "dev"], env);
    return evo.bench.pulumi(folder(name), ["up", "--yes", ...STACK], env);
  });
  const errors = Object.entries(ups).map(([name, { stdout }]) => [name, firstError(stdout, folder(name))]);
  const after = Object.fromEntries(PROJECTS.map(({ name }) => [name, filesIn(folder(name))]));
  const found = await eachOf(PROJECTS, ({ name }) => find(evo, folder(name), env));
  return { ups, errors: Object.fromEntries(errors), found, after };
}

/** One after the other: the other side works at the same time. */
async function eachOf<T>(
  projects: readonly FixtureProject[],
  work: (project: FixtureProject) => Promise<T>,
): Promise<{ readonly [project: string]: T }> {
  const results: [string, T][] = [];
  for (const project of projects) results.push([project.name, await work(project)]);
  return Object.fromEntries(results);
}

async function find(evo: Evo, folder: string, env: { readonly [name: string]: string }): Promise<Found> {
  const shown = [...STACK, "--show-secrets"];
  const exported = await evo.bench.pulumi(folder, ["stack", "export", ...shown], env);
  const outputs = await evo.bench.pulumi(folder, ["stack", "output", "--json", ...shown], env);
  return { state: stateOf(exported.stdout, folder), outputs: JSON.parse(outputs.stdout) };
}

async function selection(evo: Evo): Promise<Selection> {
  const workspaces = join(evo.env.PULUMI_HOME ?? "", "workspaces");
  const { stdout } = await evo.bench.pulumi(folderOf(evo, "evo", SELECTED.project), ["stack", "--show-name"]);
  return { files: existsSync(workspaces) ? filesIn(workspaces) : {}, shown: stdout.trim() };
}

// ------------------------------------------------------------------------------------------------------- sequences

/** One independent group of the projects; what needs another stack comes after it in a list. */
function writeSequence(evo: Evo, name: string, side: Side, projects: readonly FixtureProject[]): string {
  const first = projects.filter(({ after }) => after === undefined);
  const members = first.map((project) => {
    const chain = [project, ...projects.filter(({ after }) => after === project.name)];
    return `    [${chain.map((each) => stepText(side, each)).join(", ")}],`;
  });
  const group = `independent("projects", {\n  members: [\n${members.join("\n")}\n  ],\n})`;
  evo.sequence(name, `export default defineSequence({ name: "${name}", steps: [${group}] });`);
  return name;
}

function stepText(side: Side, { name, fails }: FixtureProject): string {
  const onFailure = fails === undefined ? "" : ', onFailure: "continue"';
  const make = side === "evo" && !OWNED.includes(name) ? ", createStack: true" : "";
  return `up("${name}", { dir: "../projects/${side}/${name}", stack: "dev"${make}${onFailure} })`;
}

/** What `stack output --json --show-secrets` should say of a project. */
export function outputsOf(project: string): { readonly [name: string]: unknown } {
  const { outputs, shown } = fixture(project);
  return { ...outputs, ...shown };
}
