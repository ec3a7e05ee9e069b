/**
 * A git repository, asked about one of its commits. Nothing of the user's changes: no index, no HEAD, no list of work trees;
 * what is laid out is laid out elsewhere, through an index of its own.
 */
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { promisify } from "node:util";
import { EvoError } from "../../errors.js";

export interface Repository {
  /** Absolute. */
  readonly top: string;
  /** Where below it the folder lies that was asked about: empty, or with a slash at its end; POSIX. */
  readonly prefix: string;
}

/** Variables by which a hook or an alias of git would lead another git elsewhere. */
const ASTRAY = /^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|OBJECT_DIRECTORY|COMMON_DIR|NAMESPACE)$/;

async function git(cwd: string, args: readonly string[], added: { readonly [name: string]: string } = {}) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ASTRAY.test(name)));
  // A sparse work tree is the user's choice, and no part of the commit.
  const all = ["-c", "core.sparseCheckout=false", ...args];
  const { stdout } = await promisify(execFile)("git", all, { cwd, maxBuffer: 1 << 28, env: { ...env, ...added } });
  return stdout;
}

/** The repository of a folder. Errors: `earlier.no-repository`. */
export async function repositoryOf(folder: string): Promise<Repository> {
  try {
    // One line each; the second is empty in the repository's own folder.
    const [top = "", prefix = ""] = (await git(folder, ["rev-parse", "--show-toplevel", "--show-prefix"])).split("\n");
    return { top, prefix };
  } catch (error) {
    const remedy = "start it in a checkout of the repository that holds the stack's program";
    throw new EvoError("earlier.no-repository", `${folder} is in no git repository`, { remedy, cause: error });
  }
}

/** Errors: `earlier.commit-missing`. */
export async function demandCommit({ top }: Repository, commit: string): Promise<void> {
  try {
    await git(top, ["cat-file", "-e", `${commit}^{commit}`]);
  } catch (error) {
    throw new EvoError("earlier.commit-missing", `the commit ${commit} is not in the repository ${top}`, {
      remedy: `git fetch origin ${commit} (in a shallow clone: git fetch --unshallow)`,
      cause: error,
    });
  }
}

/** Lays the commit's whole tree out in `folder`, as a checkout has it; `index` is a file that does not exist yet. */
export async function layOut({ top }: Repository, commit: string, folder: string, index: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const own = { GIT_INDEX_FILE: index };
  await git(top, ["read-tree", commit], own);
  await git(top, ["checkout-index", "--all", "--force", `--prefix=${folder}/`], own);
}

/** Whether git is told to leave this path alone. */
export async function isIgnored({ top }: Repository, path: string): Promise<boolean> {
  return git(top, ["check-ignore", "--quiet", "--", path]).then(
    () => true,
    () => false,
  );
}
