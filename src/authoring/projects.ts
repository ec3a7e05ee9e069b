/** The Pulumi projects of a repository, as an author's tools see them: read only, and without an engine. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { load } from "js-yaml";

export interface FoundProject {
  /** Absolute folder with the `Pulumi.yaml`. */
  readonly directory: string;
  readonly name: string;
  readonly runtime: string;
  /** Absolute folder of the program (`main` taken into account). */
  readonly program: string;
  /** Names of the stacks that have a `Pulumi.<stack>.yaml`, sorted. */
  readonly stacks: readonly string[];
  /** What `Pulumi.yaml` says, for YAML programs. */
  readonly content: { readonly [key: string]: unknown };
  /** Folder of the stacks' settings; absolute. */
  readonly settings: string;
}

const NAMES = ["Pulumi.yaml", "Pulumi.yml", "Pulumi.json"];
/** Folders that hold no projects of the repository's own. */
const SKIPPED = new Set(["node_modules", "venv", "__pycache__", "vendor", "dist", "bin", "obj", "target", "build"]);
/** Deeper than any repository that people find their way in. */
const DEEPEST = 8;

/** Every project below a folder, itself included, in the order of their paths. A file that is no YAML is no project. */
export function findProjects(folder: string, depth = DEEPEST): readonly FoundProject[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const below = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && !SKIPPED.has(entry.name) && depth > 0)
    .map((entry) => entry.name)
    .sort();
  const own = readProject(folder);
  return [...(own === undefined ? [] : [own]), ...below.flatMap((name) => findProjects(join(folder, name), depth - 1))];
}

/** The project of a folder; undefined where there is none that can be read. */
export function readProject(folder: string): FoundProject | undefined {
  const file = NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
  const content = file === undefined ? undefined : readMapping(file);
  const name = content?.["name"];
  if (content === undefined || typeof name !== "string") return undefined;
  const runtime = content["runtime"];
  const settings = resolve(folder, textOf(content["stackConfigDir"]) ?? ".");
  return {
    directory: resolve(folder),
    name,
    runtime: textOf(runtime) ?? textOf((runtime as { name?: unknown } | undefined)?.name) ?? "unknown",
    program: programFolder(resolve(folder, textOf(content["main"]) ?? ".")),
    stacks: stacksIn(settings),
    content,
    settings,
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A YAML file's mapping; undefined where it can't be read: tools for authors guess, the engine judges. */
function readMapping(file: string): { readonly [key: string]: unknown } | undefined {
  try {
    const value = load(readFileSync(file, "utf8"));
    return typeof value === "object" && value !== null ? (value as { [key: string]: unknown }) : undefined;
  } catch {
    return undefined;
  }
}

/** `main` may name a folder or a file. */
function programFolder(path: string): string {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? dirname(path) : path;
}

const SETTINGS = /^Pulumi\.(.+)\.(?:yaml|yml|json)$/;

function stacksIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => SETTINGS.exec(name)?.[1] ?? [])
    .sort();
}

/** The plain configuration of a stack: `project:key` to its text. Secrets and structures are left out. */
export function configOf(project: FoundProject, stack: string): ReadonlyMap<string, string> {
  const files = ["yaml", "yml", "json"].map((end) => join(project.settings, `Pulumi.${shortName(stack)}.${end}`));
  const file = files.find((path) => existsSync(path));
  const config = file === undefined ? undefined : readMapping(file)?.["config"];
  const entries = Object.entries((config as object | undefined) ?? {});
  return new Map(entries.flatMap(([key, value]) => (typeof value === "string" ? [[key, value] as const] : [])));
}

/** The last part of a stack's name: what its settings file is called after. */
export function shortName(stack: string): string {
  return stack.split("/").at(-1) as string;
}
