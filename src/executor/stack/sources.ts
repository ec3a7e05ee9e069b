/**
 * What would run: a digest over the content of a project's folder, so that a change between a run's start and a step is
 * noticed (invariant 6). Not over file times or modes, so that a fresh checkout has the same digest.
 */
import { createHash } from "node:crypto";
import { existsSync, lstatSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import type { SourceDigest } from "../../run/events.js";
import { gitState } from "./git-state.js";
import { type Project, parseFile } from "./project.js";
import { isSettings, settingsContent } from "./settings-content.js";

/** What package managers of Node note their choices in. */
export const LOCKFILES = [
  "package-lock.json",
  "npm-shrinkwrap.json",
  "yarn.lock",
  "pnpm-lock.yaml",
  "bun.lock",
  "bun.lockb",
];
/** Never a program's own: what is installed, and what git keeps. */
const SKIPPED = new Set(["node_modules", ".git", "__pycache__", ".venv"]);

/** The digest of a stack's program. `path` is what the plan calls the folder. */
export async function sourceDigest(project: Project, path: string): Promise<SourceDigest> {
  const git = await gitState(project.directory);
  const list = async (folder: string) => (await gitState(folder))?.files ?? walk(folder);
  const files = [git?.files ?? (await walk(project.directory)), ...(await Promise.all(outside(project).map(list)))];
  const sha256 = await digestFiles(project.directory, [...files.flat(), ...governingLockfile(project.directory)]);
  const commit = git?.commit === undefined ? {} : { commit: git.commit };
  return { path, sha256, ...commit, ...(git === undefined ? {} : { dirty: git.dirty }) };
}

/** The same digest, over a program in a tree that a commit was laid out in: all that lies there is of that commit. */
export async function treeDigest(project: Project, tree: string): Promise<string> {
  const files = await Promise.all([project.directory, ...outside(project)].map(walk));
  return digestFiles(project.directory, [...files.flat(), ...governingLockfile(project.directory, tree)]);
}

/** Folders of the program and of the stacks' settings that lie beside the project's own. */
function outside({ directory, programDirectory, settingsDirectory }: Project): readonly string[] {
  return [programDirectory, settingsDirectory].filter(
    (folder) => relative(directory, folder).startsWith("..") && existsSync(folder),
  );
}

async function walk(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const lists = entries
    .filter((entry) => !SKIPPED.has(entry.name))
    .map((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? walk(path) : Promise.resolve([path]);
    });
  return (await Promise.all(lists)).flat();
}

/** The nearest lockfile at or above the folder: it decides what is installed, wherever it lies and whoever ignores it. */
function governingLockfile(directory: string, top?: string): readonly string[] {
  for (let at = directory; ; at = dirname(at)) {
    const found = LOCKFILES.map((name) => join(at, name)).filter((path) => existsSync(path));
    if (found.length > 0 || at === top || existsSync(join(at, ".git")) || dirname(at) === at) return found;
  }
}

async function digestFiles(directory: string, files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of [...new Set(files)].sort()) {
    const content = await contentOf(file);
    if (content === undefined) continue;
    const name = relative(directory, file).split(sep).join("/");
    hash.update(`${Buffer.byteLength(name)}:${name}${content.length}:`).update(content);
  }
  return hash.digest("hex");
}

/** Undefined for what isn't there (deleted, but tracked) or has no content of its own (a submodule's folder). */
async function contentOf(file: string): Promise<Buffer | undefined> {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) return Buffer.from(await readlink(file));
  if (!stat?.isFile()) return undefined;
  const content = await readFile(file);
  return isSettings(file) ? settingsContent(parseFile(file)) : content;
}
