/** A stack's project folder: `Pulumi.yaml`, the stack's settings, the program's folder. Read only, never written. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { load } from "js-yaml";
import { EvoError } from "../../errors.js";
import type { StepNode } from "../../plan/model.js";

export interface Project {
  /** Absolute folder with the `Pulumi.yaml`. */
  readonly directory: string;
  /** Absolute path of the `Pulumi.yaml`. */
  readonly file: string;
  readonly name: string;
  readonly runtime: string;
  /** Absolute folder of the program (`main` taken into account). */
  readonly programDirectory: string;
  /** `backend.url` of the project. */
  readonly backend?: string;
  /** `stackConfigDir`, absolute; the project's folder without it. */
  readonly settingsDirectory: string;
}

export interface StackSettings {
  readonly file: string;
  readonly secretsprovider?: string;
  readonly encryptionsalt?: string;
}

const EXTENSIONS = [".yaml", ".yml", ".json"];

function firstFile(directory: string, name: string): string | undefined {
  return EXTENSIONS.map((extension) => join(directory, name + extension)).find((path) => existsSync(path));
}

/** A YAML file's mapping. Errors: `stack.bad-yaml` with its place. */
export function parseFile(file: string): { readonly [key: string]: unknown } {
  try {
    const value = load(readFileSync(file, "utf8"));
    return typeof value === "object" && value !== null ? (value as { [key: string]: unknown }) : {};
  } catch (error) {
    const mark = (error as { mark?: { line: number; column: number } }).mark;
    throw new EvoError("stack.bad-yaml", `${file} cannot be read: ${(error as Error).message.split("\n")[0]}`, {
      at: { file, ...(mark === undefined ? {} : { line: mark.line + 1, column: mark.column + 1 }) },
      remedy: "correct the file",
      cause: error,
    });
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Errors: `stack.no-folder`, `stack.no-project`, `stack.bad-yaml`, `stack.no-name`, `stack.no-runtime`. */
export function readProject(node: StepNode, root: string): Project {
  const directory = resolve(root, node.stack.dir);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) throw noFolder(node, directory);
  const file = firstFile(directory, "Pulumi");
  if (file === undefined) throw noProject(node, directory);
  const settings = parseFile(file);
  const name = required(text(settings["name"]), file, "name");
  const runtime = settings["runtime"];
  const runtimeName = text(runtime) ?? text((runtime as { name?: unknown } | undefined)?.name);
  const main = text(settings["main"]);
  const backend = text((settings["backend"] as { url?: unknown } | undefined)?.url);
  return {
    directory,
    file,
    name,
    runtime: required(runtimeName, file, "runtime"),
    programDirectory: programDirectory(directory, main),
    settingsDirectory: resolve(directory, text(settings["stackConfigDir"]) ?? text(settings["config"]) ?? "."),
    ...(backend === undefined ? {} : { backend }),
  };
}

/** `main` may name a folder or a file. */
function programDirectory(directory: string, main: string | undefined): string {
  const path = resolve(directory, main ?? ".");
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? resolve(path, "..") : path;
}

function required(value: string | undefined, file: string, key: string): string {
  if (value !== undefined) return value;
  throw new EvoError(`stack.no-${key}`, `${file} names no ${key}`, {
    at: { file },
    remedy: `add \`${key}:\` to it, as \`pulumi new\` does`,
  });
}

function noFolder(node: StepNode, directory: string): EvoError {
  return new EvoError("stack.no-folder", `step ${node.id}: there is no folder ${directory}`, {
    remedy: `correct the stack's folder (\`${node.stack.dir}\`) in the sequence, or check out what belongs there`,
  });
}

function noProject(node: StepNode, directory: string): EvoError {
  return new EvoError("stack.no-project", `step ${node.id}: there is no Pulumi.yaml in ${directory}`, {
    remedy: "name the folder that `pulumi up` would be run in",
  });
}

/** The last part of a stack's name: what its settings file is called after. */
export function shortStackName(stack: string): string {
  return stack.split("/").at(-1) as string;
}

/** `Pulumi.<stack>.yaml`; undefined where the stack has none yet. */
export function readStackSettings(project: Project, stack: string): StackSettings | undefined {
  const file = firstFile(project.settingsDirectory, `Pulumi.${shortStackName(stack)}`);
  if (file === undefined) return undefined;
  const settings = parseFile(file);
  const secretsprovider = text(settings["secretsprovider"]);
  const encryptionsalt = text(settings["encryptionsalt"]);
  return {
    file,
    ...(secretsprovider === undefined ? {} : { secretsprovider }),
    ...(encryptionsalt === undefined ? {} : { encryptionsalt }),
  };
}
