/**
 * What would run: a digest over the content of a project's folder, so that a change between a run's start and a step is
 * noticed (invariant 6). Not over file times or modes, so that a fresh checkout has the same digest.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { canonical } from "../../canonical.js";
import type { SourceDigest } from "../../run/events.js";
import { type Project, parseFile } from "./project.js";

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

interface GitState {
  readonly files: readonly string[];
  readonly commit?: string;
  readonly dirty: boolean;
}

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
  return [programDirectory, settingsDirectory].filter((folder) => relative(directory, folder).startsWith(".."));
}

/** Tracked and untracked files that are not ignored, as absolute paths; undefined outside a git repository. */
async function gitState(directory: string): Promise<GitState | undefined> {
  const git = (...args: string[]) =>
    promisify(execFile)("git", args, { cwd: directory, maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: "C" } });
  try {
    const [list, status] = await Promise.all([
      git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."),
      git("--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z", "--", "."),
    ]);
    const entries = status.stdout.split("\0").filter((entry) => entry !== "");
    const commit = entries.find((entry) => entry.startsWith("# branch.oid "))?.slice("# branch.oid ".length);
    const names = [...new Set(list.stdout.split("\0").filter((name) => name !== ""))];
    return {
      files: names.map((name) => join(directory, name)),
      dirty: entries.some((entry) => !entry.startsWith("#")),
      ...(commit === undefined || commit === "(initial)" ? {} : { commit }),
    };
  } catch {
    return undefined;
  }
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
  return /[\\/]Pulumi\.[^\\/]+\.ya?ml$/.test(file) ? settingsOf(file) : content;
}

/**
 * What a stack's settings say: making a stack, the engine adds its `encryptionsalt` and writes the file anew in its own
 * style (quotes, order), which is no change of what runs.
 */
function settingsOf(file: string): Buffer | undefined {
  const { encryptionsalt: _, ...settings } = parseFile(file);
  const asText = (_key: string, value: unknown) =>
    typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  return Object.keys(settings).length === 0
    ? undefined
    : Buffer.from(canonical(JSON.parse(JSON.stringify(settings, asText))));
}
