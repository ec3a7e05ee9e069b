/** What `evo drift scan` is to look at: from words on the command line to stacks, each with the rules that hold for it. */
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { findProjects } from "../../authoring/projects.js";
import { means } from "../../departures/policy.js";
import { EvoError } from "../../errors.js";
import type { SequencePolicy, StepNode } from "../../plan/model.js";
import { stepsOf } from "../../run/edges.js";
import { type LoadedSequence, loadSequence } from "../../sequence/load.js";
import { planFor } from "../rehearsal.js";
import type { BoundExecutor } from "../session.js";
import type { ScanSubject } from "./live.js";

/** A stack that may be scanned; which one it is only the executor knows. */
export interface Target {
  readonly node: StepNode;
  readonly root: string;
  readonly policy?: SequencePolicy | undefined;
}

export interface Targets {
  readonly targets: readonly Target[];
  /** Names of stacks that are still to be picked from the targets; empty: all of them. */
  readonly names: readonly string[];
  /** The first sequence among them: the one whose world a rehearsal looks at. */
  readonly sequence?: LoadedSequence;
}

/**
 * A word is a sequence, or the end of a stack's name. With `all`, or where a stack is named, every stack counts that a
 * sequence of the nearest folder `sequences` names or that has a settings file below the repository's root.
 */
export async function findTargets(
  words: readonly string[],
  all: boolean,
  cwd: string,
  rehearsal: boolean,
): Promise<Targets> {
  if (words.length === 0 && !all)
    throw new EvoError("usage", "name what to scan: stacks, a sequence, or --all", { remedy: "evo drift scan --all" });
  const loaded = await Promise.all(words.map(async (word) => ({ word, sequence: await sequenceOf(word, cwd) })));
  const named = loaded.flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]));
  const names = loaded.flatMap(({ word, sequence }) => (sequence === undefined ? [word] : []));
  const known = all || names.length > 0 ? await everySequence(cwd) : [];
  const sequences = [...named, ...(all ? known : [])];
  const [sequence] = [...named, ...known];
  const beside = all || names.length > 0 ? projectTargets(cwd) : [];
  const targets = [
    ...(names.length > 0 ? [...named, ...known] : sequences).flatMap((one) => targetsOf(one, rehearsal)),
    ...beside,
  ];
  return { targets, names: all ? [] : names, ...(sequence === undefined ? {} : { sequence }) };
}

async function sequenceOf(word: string, cwd: string): Promise<LoadedSequence | undefined> {
  try {
    return await loadSequence(word, cwd);
  } catch (error) {
    if (error instanceof EvoError && error.code === "sequence.not-found") return undefined;
    throw error;
  }
}

function targetsOf(loaded: LoadedSequence, rehearsal: boolean): readonly Target[] {
  const { outOfBand, ...plan } = planFor(loaded.sequence, rehearsal);
  return stepsOf(plan).map((node) => ({ node, root: loaded.root, policy: outOfBand }));
}

const MODULES = [".ts", ".mts", ".js", ".mjs", ".json"];

/** Every sequence of the nearest folder `sequences`. One that can't be loaded is an error: its stacks would be missed. */
export async function everySequence(cwd: string): Promise<readonly LoadedSequence[]> {
  const folder = nearest(cwd);
  if (folder === undefined) return [];
  const files = readdirSync(folder).filter((file) => MODULES.includes(extname(file)));
  return Promise.all(files.map((file) => loadSequence(join(folder, file), cwd)));
}

function nearest(from: string): string | undefined {
  const found = join(from, "sequences");
  if (existsSync(found)) return found;
  return dirname(from) === from ? undefined : nearest(dirname(from));
}

/** Stacks that have a settings file, whether a sequence names them or not. */
function projectTargets(cwd: string): readonly Target[] {
  const folder = nearest(cwd);
  const root = folder === undefined ? cwd : dirname(folder);
  return findProjects(root).flatMap(({ directory, stacks }) =>
    stacks.map((stack) => ({ node: looking(relative(root, directory) || ".", stack), root })),
  );
}

/** A step that is only ever looked through. */
function looking(dir: string, stack: string): StepNode {
  const id = `${basename(resolve(dir))}-${stack}`;
  const gates = { ready: [], converged: [], window: 0, boundary: id };
  return { id, kind: "step", verb: "up", stack: { dir, stack }, options: {}, onFailure: "halt", ...gates };
}

/** The subjects of a scan, each stack once: through a sequence that names it rather than through its folder. */
export function subjectsIn(
  { targets, names }: Targets,
  executor: Pick<BoundExecutor, "locate">,
): readonly ScanSubject[] {
  const found = new Map<string, ScanSubject>();
  for (const { node, root, policy } of targets) {
    const stack = executor.locate(node, root);
    if (!found.has(stack)) found.set(stack, { node, root, stack, policy });
  }
  const subjects = [...found.values()].filter(
    ({ stack }) => names.length === 0 || names.some((name) => means(name, stack)),
  );
  for (const name of names)
    if (!subjects.some(({ stack }) => means(name, stack)))
      throw new EvoError("drift.unknown-stack", `no sequence and no stack is called ${name}`, {
        remedy: `name one of: ${[...found.keys()].map((stack) => stack.split("#").at(-1)).join(", ")}`,
      });
  return subjects;
}
