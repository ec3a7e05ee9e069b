/** From the projects of a repository to a sequence that could drive them: which stacks, in which order. Pure but for reading. */
import type { AuthoredEntry, AuthoredSequence, AuthoredStep } from "../sequence/model.js";
import { type FoundProject, shortName } from "./projects.js";
import { meaningOf, type Reference, type WrittenReference, writtenReferences } from "./references.js";

export interface Proposal {
  /** Its folders are absolute; whoever writes it down makes them relative. */
  readonly sequence: AuthoredSequence;
  readonly stacks: number;
  /** What could not be decided, in whole sentences. */
  readonly notes: readonly string[];
  readonly unknown: readonly { readonly step: string; readonly written: WrittenReference }[];
}

interface Candidate {
  readonly name: string;
  readonly project: FoundProject;
  readonly stack: string;
  readonly create: boolean;
  readonly references: readonly Reference[];
}

/** `stack`: the stack, or the beginning of its name, that is wanted of every project; the most common one where absent. */
export function propose(projects: readonly FoundProject[], name: string, stack?: string): Proposal {
  const wanted = stack ?? mostCommon(projects);
  const chosen = projects.map((project) => ({ project, ...stacksOf(project, wanted) }));
  const candidates = named(
    chosen.flatMap(({ project, stacks, create }) => stacks.map((one) => ({ project, stack: one, create }))),
  );
  const needs = needsOf(candidates);
  const parts = components(candidates, needs).map((part) => levelsOf(part, needs));
  const left = chosen.filter(({ stacks }) => stacks.length === 0);
  return {
    sequence: { version: 1, name, steps: arrange(parts.map(({ levels }) => levels)) },
    stacks: candidates.length,
    notes: [
      ...left.map(
        ({ project }) =>
          `Project ${project.name} is left out: none of its stacks (${project.stacks.join(", ")}) is ${wanted}.`,
      ),
      ...chosen.flatMap(({ project, stacks, other }) =>
        other ? [`Project ${project.name} has no stack ${wanted}; its only one, ${stacks[0]}, is taken.`] : [],
      ),
      ...parts.flatMap(({ circle }) =>
        circle.length === 0 ? [] : [`These refer to each other, so no order serves all: ${circle.join(", ")}.`],
      ),
    ],
    unknown: candidates.flatMap(({ name: step, references }) =>
      references.flatMap(({ project, written }) => (project === undefined ? [{ step, written }] : [])),
    ),
  };
}

// ---------------------------------------------------------------------------------------------------------- stacks

/** Where nobody has made a stack yet: what `pulumi new` suggests. */
const FIRST_STACK = "dev";

function mostCommon(projects: readonly FoundProject[]): string {
  const counts = new Map<string, number>();
  for (const name of projects.flatMap((project) => project.stacks)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const ranked = [...counts].sort(
    ([a, first], [b, second]) =>
      second - first || Number(b === FIRST_STACK) - Number(a === FIRST_STACK) || (a < b ? -1 : 1),
  );
  return ranked[0]?.[0] ?? FIRST_STACK;
}

interface Choice {
  readonly stacks: readonly string[];
  readonly create: boolean;
  /** The project has one stack, and that is not the wanted one. */
  readonly other: boolean;
}

function stacksOf({ stacks }: FoundProject, wanted: string): Choice {
  if (stacks.length === 0) return { stacks: [wanted], create: true, other: false };
  if (stacks.includes(shortName(wanted))) return { stacks: [wanted], create: false, other: false };
  // One stack a region or a cell: prod-eu-west-1 beside prod.
  const family = stacks.filter((one) => one.startsWith(`${wanted}-`) || one.startsWith(`${wanted}.`));
  if (family.length > 0) return { stacks: family, create: false, other: false };
  return stacks.length === 1 ? { stacks, create: false, other: true } : { stacks: [], create: false, other: false };
}

type Unnamed = Pick<Candidate, "project" | "stack" | "create">;

/** Steps are called after their projects; with their stacks, and then their number, where that is not enough. */
function named(all: readonly Unnamed[]): readonly Candidate[] {
  const taken = new Set<string>(["sequence"]);
  return all.map(({ project, stack, create }) => {
    const several = all.filter((other) => other.project.name === project.name).length > 1;
    const base =
      (several ? `${project.name}-${shortName(stack)}` : project.name)
        .replace(/[^A-Za-z0-9_-]+/g, "-")
        .replace(/^[-_]+/, "") || "stack";
    let name = base.slice(0, 70);
    for (let number = 2; taken.has(name); number++) name = `${base.slice(0, 70)}-${number}`;
    taken.add(name);
    const references = writtenReferences(project).map((written) => meaningOf(written, project, stack));
    return { name, project, stack, create, references };
  });
}

// ----------------------------------------------------------------------------------------------------------- order

/** Which steps a step needs, by name. */
type Needs = ReadonlyMap<string, ReadonlySet<string>>;

function needsOf(candidates: readonly Candidate[]): Needs {
  const meant = (reference: Reference, own: Candidate) =>
    candidates.filter(
      (other) =>
        other !== own &&
        other.project.name === reference.project &&
        (reference.stack === undefined || shortName(other.stack) === reference.stack),
    );
  return new Map(
    candidates.map((own) => [
      own.name,
      new Set(own.references.flatMap((one) => meant(one, own)).map(({ name }) => name)),
    ]),
  );
}

/** What has to do with each other, each part in the order of the candidates. */
function components(candidates: readonly Candidate[], needs: Needs): readonly (readonly Candidate[])[] {
  const joined = (a: Candidate, b: Candidate) =>
    needs.get(a.name)?.has(b.name) === true || needs.get(b.name)?.has(a.name) === true;
  const left = new Set(candidates);
  return candidates.flatMap((first) => {
    if (!left.delete(first)) return [];
    const part = [first];
    for (const one of part)
      for (const other of [...left]) if (joined(one, other) && left.delete(other)) part.push(other);
    return [candidates.filter((candidate) => part.includes(candidate))];
  });
}

interface Levels {
  readonly levels: readonly (readonly Candidate[])[];
  /** Names of those that wait for each other. */
  readonly circle: readonly string[];
}

/** Each level needs only what stands in earlier ones. */
function levelsOf(part: readonly Candidate[], needs: Needs): Levels {
  const levels: (readonly Candidate[])[] = [];
  let left = part;
  while (left.length > 0) {
    const free = left.filter(({ name }) => !left.some((other) => needs.get(name)?.has(other.name)));
    if (free.length === 0) return { levels: [...levels, left], circle: left.map(({ name }) => name) };
    levels.push(free);
    left = left.filter((one) => !free.includes(one));
  }
  return { levels, circle: [] };
}

// -------------------------------------------------------------------------------------------------------- sequence

/** Parts that have nothing to do with each other don't wait for each other. */
function arrange(parts: readonly (readonly (readonly Candidate[])[])[]): readonly AuthoredEntry[] {
  const names = new Set(parts.flat(2).map(({ name }) => name));
  const free = (name: string): string => (names.has(name) ? free(`${name}-group`) : name);
  let tier = 0;
  const levelEntry = (level: readonly Candidate[], bearing: boolean): AuthoredEntry => {
    const steps = level.map((candidate) => stepOf(candidate, bearing));
    if (steps.length === 1) return steps[0] as AuthoredStep;
    tier += 1;
    return { kind: "independent", name: free(`tier-${tier}`), members: steps };
  };
  const lists = parts.map((levels) => levels.map((level, at) => levelEntry(level, at < levels.length - 1)));
  const [only = []] = lists;
  if (lists.length === 1) return only;
  const members = lists.map(
    (list): AuthoredEntry => (list.length === 1 ? (list[0] as AuthoredEntry) : { kind: "serial", members: list }),
  );
  return members.length === 0 ? [] : [{ kind: "independent", name: free("all"), members }];
}

/** A step that others wait for gets the gate that every stack can have. */
function stepOf({ name, project, stack, create }: Candidate, bearing: boolean): AuthoredStep {
  const gate = { name: "settled", targets: [{ name, probe: { type: "settled" as const } }] };
  return {
    kind: "up",
    name,
    dir: project.directory,
    stack,
    ...(create ? { createStack: true } : {}),
    ...(bearing ? { convergedWhen: [gate] } : {}),
  };
}
