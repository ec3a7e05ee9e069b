/** What `pulumi install` and `pulumi about` need to know of package managers: which one a project uses, and how to call it. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { installedPackages } from "./packages.js";

const LOCK_FILES: readonly (readonly [string, string])[] = [
  ["yarn.lock", "yarn"],
  ["pnpm-lock.yaml", "pnpm"],
  ["bun.lock", "bun"],
  ["bun.lockb", "bun"],
];

/** The manager named in the project's options, else the one whose lock file lies there, else npm. */
export function packageManager(option: string, directory: string): string {
  if (option !== "auto") return option;
  return LOCK_FILES.find(([file]) => existsSync(join(directory, file)))?.[1] ?? "npm";
}

/** The folder where dependencies are installed: the program's, or the nearest above it that holds its `package.json`. */
export function installRoot(directory: string): string {
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, "package.json"))) return at;
    if (dirname(at) === at) return directory;
  }
}

export interface Dependency {
  readonly name: string;
  readonly version: string;
}

/** A program's dependencies as they are installed: those its `package.json` names or, transitively, all of them. */
export async function dependencies(directory: string, transitive: boolean): Promise<Dependency[]> {
  const installed = (await installedPackages(directory)).map(({ name, version }) => ({ name, version }));
  if (transitive) return installed;
  const text = await readFile(join(directory, "package.json"), "utf8").catch(() => "{}");
  const { dependencies = {}, devDependencies = {} } = JSON.parse(text);
  const named: { readonly [name: string]: string } = { ...dependencies, ...devDependencies };
  return Object.entries(named).map(([name, wanted]) => ({
    name,
    version: installed.find((found) => found.name === name)?.version ?? wanted,
  }));
}
