/**
 * The program of a recorded state, below EVO_HOME: the whole tree of its commit, since a program may read what lies beside
 * its folder, laid out once and whole or not at all. It runs only where its digest is the recorded one (invariant 6).
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { sha256 } from "../../canonical.js";
import { EvoError } from "../../errors.js";
import type { RecordedState, StepNode } from "../../plan/model.js";
import { createRedactor, secretsInEnvironment } from "../../redact.js";
import type { ExecutorSettings } from "../settings.js";
import { type Project, readProject } from "../stack/project.js";
import { treeDigest } from "../stack/sources.js";
import { type Install, type Packages, packagesOf } from "./dependencies.js";
import { demandCommit, layOut, type Repository, repositoryOf } from "./repository.js";

export type Surroundings = Pick<ExecutorSettings, "home" | "env" | "say">;

/** Where evo keeps what it has laid out. */
export function programsFolder(home: string): string {
  return join(home, "programs");
}

/**
 * The recorded program, ready to run, its packages included. Errors: `earlier.no-repository`, `earlier.commit-missing`,
 * `earlier.unlocked`, `earlier.install`, `earlier.not-as-recorded`, those of `readProject`.
 */
export async function recordedProgram(
  surroundings: Surroundings,
  node: StepNode,
  state: RecordedState,
  root: string,
): Promise<Project> {
  const repository = await repositoryOf(root);
  await demandCommit(repository, state.commit);
  const plain = await made(surroundings.home, repository, state.commit);
  const projectIn = (tree: string) =>
    readProject({ ...node, stack: { ...node.stack, dir: join(repository.prefix, state.dir) } }, tree);
  const project = projectIn(plain);
  await demandRecorded(node, state, project, plain);
  if (project.runtime !== "nodejs" && project.runtime !== "bun") return project;
  const packages = packagesOf({ top: repository.top, tree: plain, program: project.programDirectory });
  return projectIn(await withPackages(surroundings, repository, { node, state, plain, packages }));
}

async function demandRecorded(node: StepNode, state: RecordedState, project: Project, tree: string): Promise<void> {
  if ((await treeDigest(project, tree)) === state.sha256) return;
  const what = `step ${node.id}: ${state.dir} at commit ${state.commit} is not what ${state.operation} was recorded to have run`;
  throw new EvoError("earlier.not-as-recorded", what, {
    remedy: `name another operation in asOf; if somebody wrote into ${tree}, remove that folder: evo makes it anew`,
  });
}

/** The commit's tree in a folder of its own for each checkout; `also` makes it another one, and prepares it. */
async function made(
  home: string,
  repository: Repository,
  commit: string,
  also?: { readonly name: string; prepare(tree: string): Promise<void> },
): Promise<string> {
  const name = [commit.slice(0, 12), sha256(repository.top).slice(0, 8), ...(also === undefined ? [] : [also.name])];
  const tree = join(programsFolder(home), name.join("-"));
  if (existsSync(tree)) return tree;
  const draft = join(programsFolder(home), `.${randomUUID()}`);
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  try {
    await layOut(repository, commit, join(draft, "tree"), join(draft, "index"));
    await also?.prepare(join(draft, "tree"));
    moveTo(join(draft, "tree"), tree);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return tree;
}

/** Another process may have made the same meanwhile. */
function moveTo(draft: string, tree: string): void {
  try {
    renameSync(draft, tree);
  } catch (error) {
    if (!existsSync(tree)) throw error;
  }
}

interface Wanted {
  readonly node: StepNode;
  readonly state: RecordedState;
  readonly plain: string;
  readonly packages: Packages;
}

/** Answers the tree that has them: what is linked is linked in the plain one, what is installed gets one of its own. */
async function withPackages(
  surroundings: Surroundings,
  repository: Repository,
  { node, state, plain, packages }: Wanted,
): Promise<string> {
  if (packages.how === "linked") {
    for (const folder of packages.folders) link(join(repository.top, folder), join(plain, folder));
    return plain;
  }
  const { install } = packages;
  const name = sha256(install.folder).slice(0, 8);
  const prepare = async (tree: string) => {
    const what = [install.command, ...install.args].join(" ");
    surroundings.say?.(`step ${node.id}: installing the packages of commit ${state.commit.slice(0, 12)} (${what})`);
    await runInstall(surroundings, tree, install);
  };
  return made(surroundings.home, repository, state.commit, { name, prepare });
}

function link(from: string, to: string): void {
  const place = join(to, "node_modules");
  try {
    symlinkSync(join(from, "node_modules"), place);
  } catch (error) {
    // Linked before, by this process or another; or the commit has its own.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Lines of what a package manager said that are worth a place in an error. */
const SAID = 5;

async function runInstall({ env }: Surroundings, tree: string, { command, args, folder }: Install): Promise<void> {
  try {
    await promisify(execFile)(command, args, { cwd: join(tree, folder), env, maxBuffer: 1 << 26 });
  } catch (error) {
    const { stderr = "", message } = error as Error & { stderr?: string };
    const said = createRedactor(secretsInEnvironment(env)).apply(stderr.trim() || message);
    const last = said.split("\n").slice(-SAID).join("\n");
    const what = `the packages of that commit could not be installed (${[command, ...args].join(" ")}): ${last}`;
    throw new EvoError("earlier.install", what, { remedy: "see what it says; nothing has been started", cause: error });
  }
}
