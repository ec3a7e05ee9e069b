/**
 * Which provider plugins a program needs: every package in its `node_modules` whose `package.json` says
 * `pulumi.resource`. Looks, like the engine's own host, below the program's folder only, and not into policy packs; unlike
 * it, only at the roots of packages, which keeps it quick.
 */
import type { Dirent } from "node:fs";
import { readdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** What the package says under `pulumi`, if anything. */
  readonly pulumi: PulumiField | undefined;
}

interface PulumiField {
  readonly resource?: boolean;
  readonly name?: string;
  readonly version?: string;
  readonly server?: string;
  readonly parameterization?: { readonly name: string; readonly version: string; readonly value: string };
}

export interface RequiredPlugin {
  readonly name: string;
  /** With a leading `v`. */
  readonly version: string;
  readonly server: string;
  /** `value` is base64. */
  readonly parameterization?: { readonly name: string; readonly version: string; readonly value: string };
}

/** The plugins for the packages below a folder, in the order of their paths; one entry for each copy, as the CLI has it. */
export async function requiredPlugins(programDirectory: string): Promise<RequiredPlugin[]> {
  return (await installedPackages(programDirectory)).flatMap((found) => {
    const plugin = pluginOf(found);
    return plugin === undefined ? [] : [plugin];
  });
}

function pluginOf({ name, version, pulumi }: InstalledPackage): RequiredPlugin | undefined {
  if (pulumi?.resource !== true) return undefined;
  const plugin = pulumi.name ?? (name.startsWith("@pulumi/") ? name.slice("@pulumi/".length) : undefined);
  const number = pulumi.version ?? version;
  if (plugin === undefined || number === "") return undefined; // the CLI logs these and goes on
  return {
    name: plugin,
    version: number.startsWith("v") ? number : `v${number}`,
    server: pulumi.server ?? "",
    ...(pulumi.parameterization === undefined ? {} : { parameterization: pulumi.parameterization }),
  };
}

/** Every package in the `node_modules` folders below a folder. */
export async function installedPackages(directory: string): Promise<InstalledPackage[]> {
  const seen = new Set<string>();
  const found: InstalledPackage[] = [];
  await inSources(directory, seen, found);
  return found;
}

/** A folder of sources: its `node_modules`, and its sub-folders that aren't policy packs. */
async function inSources(directory: string, seen: Set<string>, found: InstalledPackage[]): Promise<void> {
  const folders = await foldersIn(directory, seen);
  if (folders === undefined) return;
  for (const name of folders) {
    if (name === "node_modules") await inModules(join(directory, name), seen, found);
    else if (name !== ".git" && !(await isPolicyPack(join(directory, name))))
      await inSources(join(directory, name), seen, found);
  }
}

/** A `node_modules` folder: packages, scopes, and pnpm's store. */
async function inModules(directory: string, seen: Set<string>, found: InstalledPackage[]): Promise<void> {
  for (const name of (await foldersIn(directory, seen)) ?? []) {
    const path = join(directory, name);
    if (name.startsWith("@")) await inModules(path, seen, found);
    else if (name === ".pnpm") await inStore(path, seen, found);
    else if (!name.startsWith(".")) await inPackage(path, seen, found);
  }
}

async function inStore(directory: string, seen: Set<string>, found: InstalledPackage[]): Promise<void> {
  for (const name of (await foldersIn(directory, seen)) ?? [])
    await inModules(join(directory, name, "node_modules"), seen, found);
}

async function inPackage(directory: string, seen: Set<string>, found: InstalledPackage[]): Promise<void> {
  const path = await unseen(directory, seen);
  if (path === undefined) return;
  const text = await readFile(join(path, "package.json"), "utf8").catch(() => undefined);
  const parsed = text === undefined ? undefined : packageOf(text);
  if (parsed !== undefined) found.push(parsed);
  await inModules(join(path, "node_modules"), seen, found);
}

function packageOf(text: string): InstalledPackage | undefined {
  try {
    const { name = "", version = "", pulumi } = JSON.parse(text);
    return { name, version, pulumi };
  } catch {
    return undefined;
  }
}

async function foldersIn(directory: string, seen: Set<string>): Promise<string[] | undefined> {
  const path = await unseen(directory, seen);
  const entries = path === undefined ? undefined : await readdir(path, { withFileTypes: true }).catch(() => undefined);
  return entries
    ?.filter((entry: Dirent) => entry.isDirectory() || entry.isSymbolicLink())
    .map((entry) => entry.name)
    .sort();
}

/** The real path, the first time that it is asked for; links may form circles. */
async function unseen(directory: string, seen: Set<string>): Promise<string | undefined> {
  const path = await realpath(directory).catch(() => undefined);
  if (path === undefined || seen.has(path)) return undefined;
  seen.add(path);
  return path;
}

async function isPolicyPack(directory: string): Promise<boolean> {
  const names = await readdir(directory).catch((): string[] => []);
  return names.some((name) => /^PulumiPolicy\.ya?ml$/.test(name));
}
