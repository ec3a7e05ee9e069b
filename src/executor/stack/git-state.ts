/** What git says of a folder: its files, the commit, and whether anything in it differs from that. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { load } from "js-yaml";
import { isSettings, settingsContent } from "./settings-content.js";

export interface GitState {
  /** Tracked and untracked ones that are not ignored; absolute. */
  readonly files: readonly string[];
  readonly commit?: string;
  /** A salt that the engine has given to a new stack's settings is no difference. */
  readonly dirty: boolean;
}

/** Undefined outside a git repository. */
export async function gitState(directory: string): Promise<GitState | undefined> {
  try {
    const [list, status] = await Promise.all([
      git(directory, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."),
      git(directory, "--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z", "--", "."),
    ]);
    const entries = status.split("\0").filter((entry) => entry !== "");
    const commit = entries.find((entry) => entry.startsWith("# branch.oid "))?.slice("# branch.oid ".length);
    const names = [...new Set(list.split("\0").filter((name) => name !== ""))];
    const changes = entries.filter((entry) => !entry.startsWith("#"));
    return {
      files: names.map((name) => join(directory, name)),
      dirty: !(await areSalts(directory, changes)),
      ...(commit === undefined || commit === "(initial)" ? {} : { commit }),
    };
  } catch {
    return undefined;
  }
}

async function git(directory: string, ...args: readonly string[]): Promise<string> {
  const options = { cwd: directory, maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: "C" } };
  return (await promisify(execFile)("git", args, options)).stdout;
}

async function areSalts(directory: string, changes: readonly string[]): Promise<boolean> {
  if (!changes.every((change) => isSettings(changedPath(change) ?? ""))) return false;
  const top = changes.length === 0 ? "" : (await git(directory, "rev-parse", "--show-toplevel")).trimEnd();
  for (const change of changes) if (!(await isSalt(top, changedPath(change) as string))) return false;
  return true;
}

/** Relative to the repository's folder; of a file that is new or changed in place, and of nothing else. */
function changedPath(change: string): string | undefined {
  if (change.startsWith("? ")) return change.slice("? ".length);
  return change.startsWith("1 ") ? change.split(" ").slice(8).join(" ") : undefined;
}

async function isSalt(top: string, path: string): Promise<boolean> {
  const before = await git(top, "show", `HEAD:${path}`).catch(() => "");
  try {
    const [then, now] = [before, readFileSync(join(top, path), "utf8")].map((text) => settingsContent(load(text)));
    return String(then) === String(now);
  } catch {
    return false;
  }
}
