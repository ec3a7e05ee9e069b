/** Finds, runs and checks a sequence: from what a person types to data that the plan can be made of. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from "node:path";
import { digest } from "../canonical.js";
import { EvoError } from "../errors.js";
import { collectCustoms } from "./customs.js";
import { type Locate, locateInJson, locateInModule, type Path } from "./locate.js";
import { type CustomLook, type Entry, isGroup, type Sequence, type Step } from "./model.js";
import { importDefault } from "./modules.js";
import { parseSequence } from "./parse.js";
import { nameEntry, places } from "./places.js";
import { capital, type Finding, finding, type Problem, SequenceError } from "./problems.js";
import { locationOf } from "./scan.js";
import { importsOf, isFile, posix, type SourceFile, sourcesOf } from "./sources.js";
import { didYouMean } from "./suggest.js";

export interface LoadedSequence {
  /** The sequence file; absolute. */
  readonly file: string;
  /** The folder that contains the `sequences` folder, else the sequence file's own; absolute. Plan paths are relative to it. */
  readonly root: string;
  readonly sequence: Sequence;
  /** sha256 of the sequence's JSON form (RFC 8785). */
  readonly digest: string;
  /** Code of custom probes, by name. */
  readonly customs: ReadonlyMap<string, CustomLook>;
  /** What was executed (invariant 6). */
  readonly sources: readonly SourceFile[];
  /** Module of the world; absolute. */
  readonly world?: string;
  /** Where in the author's files something of the sequence stands. */
  readonly locate: Locate;
}

const EXTENSIONS = [".ts", ".mts", ".js", ".mjs", ".json"];

/**
 * Loads a sequence by path, or by bare name from `sequences/<name>.{ts,mts,js,mjs,json}` in `cwd` or the nearest folder
 * above it. `cache` is a folder of this user's for what modules are transpiled to. Errors (exit 2): `sequence.not-found`, those of the module, `sequence.invalid` with every problem.
 */
export async function loadSequence(reference: string, cwd: string, cache?: string): Promise<LoadedSequence> {
  const file = findSequence(reference, cwd);
  const root = rootOf(file);
  const imports = importsOf(file);
  const { authored, locate } =
    extname(file) === ".json" ? readJson(file) : await runModule(file, [...imports.keys()], cache);
  const { customs, findings } = collectCustoms(authored);
  const parsed = parseSequence(authored);
  const folders = parsed.sequence === undefined ? [] : folderFindings(parsed.sequence, dirname(file));
  refuse([...parsed.findings, ...findings, ...folders], locate);
  const sequence = relativeTo(root, dirname(file), parsed.sequence!);
  const world = sequence.world === undefined ? {} : { world: resolve(root, sequence.world) };
  return {
    file,
    root,
    sequence,
    digest: digest(sequence),
    customs,
    sources: sourcesOf(imports, root),
    locate,
    ...world,
  };
}

interface Authored {
  readonly authored: unknown;
  readonly locate: Locate;
}

async function runModule(file: string, imports: readonly string[], cache: string | undefined): Promise<Authored> {
  const authored = await importDefault(file, imports, cache);
  return { authored, locate: locateInModule(file, authored) };
}

function readJson(file: string): Authored {
  const text = readFileSync(file, "utf8");
  try {
    return { authored: JSON.parse(text), locate: locateInJson(file, text) };
  } catch (error) {
    const offset = Number(/at position (\d+)/.exec(String(error))?.[1] ?? text.length);
    const at = locationOf(file, text, Math.min(offset, text.length));
    const what = (error as Error).message.replace(/ in JSON at position.*$| *\(line.*$/, "");
    throw new EvoError("sequence.syntax", `Syntax error: ${what}.`, { at, remedy: "Correct the JSON.", cause: error });
  }
}

function refuse(findings: readonly Finding[], locate: Locate): void {
  const problems = findings
    .map(({ path, word, ...rest }): Problem => ({ ...rest, at: locate(path, word) }))
    .sort((a, b) => inFile(a) - inFile(b));
  const [first, ...others] = problems;
  if (first !== undefined) throw new SequenceError([first, ...others]);
}

/** Orders problems as a reader meets them; lines are far shorter than a million columns. */
function inFile({ at }: Problem): number {
  return (at?.line ?? 0) * 1e6 + (at?.column ?? 0);
}

// ------------------------------------------------------------------------------------------------------ where it is

function findSequence(reference: string, cwd: string): string {
  const path = resolve(cwd, reference);
  if (EXTENSIONS.includes(extname(path)) && isFile(path)) return path;
  const bare = !isAbsolute(reference) && !/[\\/]/.test(reference);
  const found = bare ? lookUp(reference, resolve(cwd)) : undefined;
  if (found !== undefined) return found;
  const where = bare ? `sequences/${reference}.{ts,mts,js,mjs,json} in ${cwd} or a folder above it` : path;
  const known = bare ? namesFrom(resolve(cwd)) : [];
  const message = `There is no sequence "${reference}": looked for ${where}.${didYouMean(reference, known)}`;
  throw new EvoError("sequence.not-found", message, { remedy: remedyFor(known) });
}

function remedyFor(known: readonly string[]): string {
  if (known.length === 0) return "Name a file, or write a first sequence: evo init.";
  return `Name a file, or one of: ${[...new Set(known)].join(", ")}.`;
}

/** Names of the sequences that a bare name can mean, the nearest folder's first. */
function namesFrom(folder: string): readonly string[] {
  const found = join(folder, "sequences");
  const files = existsSync(found) ? readdirSync(found).filter((file) => EXTENSIONS.includes(extname(file))) : [];
  const names = files.map((file) => basename(file, extname(file))).sort();
  return dirname(folder) === folder ? names : [...names, ...namesFrom(dirname(folder))];
}

function lookUp(name: string, from: string): string | undefined {
  const found = EXTENSIONS.map((extension) => join(from, "sequences", name + extension)).find(isFile);
  return found ?? (dirname(from) === from ? undefined : lookUp(name, dirname(from)));
}

function rootOf(file: string): string {
  const folder = dirname(file);
  for (let at = folder; dirname(at) !== at; at = dirname(at)) if (basename(at) === "sequences") return dirname(at);
  return folder;
}

// ---------------------------------------------------------------------------------------------- folders and paths

function folderFindings(sequence: Sequence, folder: string): Finding[] {
  const steps = places(sequence).flatMap(({ entry, path }) =>
    isGroup(entry) ? [] : stackFindings(entry, path, folder),
  );
  return [...steps, ...worldFindings(sequence, folder), ...recoveryFindings(sequence, folder)];
}

function worldFindings({ world }: Sequence, folder: string): Finding[] {
  if (world === undefined || isFile(resolve(folder, world))) return [];
  const message = `The world "${world}" is not there: looked for ${resolve(folder, world)}.`;
  const remedy = "Correct world; it is relative to the sequence file.";
  return [finding("missing-world", [], "world", message, remedy)];
}

function recoveryFindings({ recovery = [] }: Sequence, folder: string): Finding[] {
  return recovery.flatMap(({ name, sequence }, at) => {
    if (isFile(resolve(folder, sequence))) return [];
    const message = `Recovery "${name}" names the sequence "${sequence}", which is not there: looked for ${resolve(folder, sequence)}.`;
    const remedy = "Correct sequence; it is relative to this sequence's file.";
    return [finding("missing-recovery", ["recovery", at], sequence, message, remedy)];
  });
}

function stackFindings(step: Step, path: Path, folder: string): Finding[] {
  const dir = resolve(folder, step.dir);
  if (["Pulumi.yaml", "Pulumi.yml", "Pulumi.json"].some((name) => isFile(join(dir, name)))) return [];
  const message = `${capital(nameEntry(step))} names the stack folder "${step.dir}", and there is no Pulumi.yaml in ${dir}.${didYouMean(basename(dir), projectsBeside(dir))}`;
  const remedy = "Correct dir; it is relative to the sequence file.";
  return [finding("missing-stack", path, "dir", message, remedy)];
}

/** Folders with a project next to one that has none: what a misspelt name may have meant. */
function projectsBeside(dir: string): readonly string[] {
  const parent = dirname(dir);
  if (!existsSync(parent)) return [];
  const folders = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map(({ name }) => name).filter((name) => isFile(join(parent, name, "Pulumi.yaml")));
}

/** Paths relative to the root: the form, and with it the digest, is the same in every checkout. */
function relativeTo(root: string, folder: string, sequence: Sequence): Sequence {
  const move = (path: string) => posix(relative(root, resolve(folder, path))) || ".";
  const moveEntry = (entry: Entry): Entry =>
    isGroup(entry) ? { ...entry, members: entry.members.map(moveEntry) } : { ...entry, dir: move(entry.dir) };
  return {
    ...sequence,
    steps: sequence.steps.map(moveEntry),
    ...(sequence.world === undefined ? {} : { world: move(sequence.world) }),
    ...(sequence.recovery === undefined
      ? {}
      : { recovery: sequence.recovery.map((rule) => ({ ...rule, sequence: move(rule.sequence) })) }),
  };
}
