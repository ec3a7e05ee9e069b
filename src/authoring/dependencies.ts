/** Which steps of a sequence read what other steps' stacks export: by StackReference, and by the sequence's own words. */
import { join } from "node:path";
import { type Entry, isGroup, type Sequence, type Step } from "../sequence/model.js";
import { stepsBelow } from "../sequence/places.js";
import { outputsIn } from "../sequence/references.js";
import { type FoundProject, readProject, shortName } from "./projects.js";
import { meaningOf, type Reference, type WrittenReference, writtenReferences } from "./references.js";

/** A step that reads another one's stack. */
export interface Need {
  readonly step: string;
  readonly needs: string;
  readonly reference: Reference;
  /** False where the reference may as well mean another step. */
  readonly certain: boolean;
}

/** A reference of which nobody can say what it means without running the program. */
export interface Unknown {
  readonly step: string;
  readonly written: WrittenReference;
}

export interface Dependencies {
  readonly needs: readonly Need[];
  readonly unknown: readonly Unknown[];
}

/** Reads the programs of all steps. `root` is the folder that the sequence's paths are relative to. */
export function dependenciesOf(sequence: Sequence, root: string): Dependencies {
  const steps = sequence.steps.flatMap(stepsBelow);
  const projects = new Map<string, FoundProject | undefined>();
  for (const { dir } of steps) if (!projects.has(dir)) projects.set(dir, readProject(join(root, dir)));
  const written = new Map(
    [...projects].map(([dir, found]) => [dir, found === undefined ? [] : writtenReferences(found)]),
  );
  const references = steps.flatMap((step) => {
    const project = projects.get(step.dir);
    if (project === undefined) return [];
    return (written.get(step.dir) ?? []).map((one) => ({ step, reference: meaningOf(one, project, step.stack) }));
  });
  const nameOf = (step: Step) => projects.get(step.dir)?.name;
  return {
    needs: references.flatMap(({ step, reference }) => needsOf(step, reference, steps, nameOf)),
    unknown: references.flatMap(({ step, reference }) =>
      reference.project === undefined ? [{ step: step.name, written: reference.written }] : [],
    ),
  };
}

function needsOf(
  step: Step,
  reference: Reference,
  steps: readonly Step[],
  nameOf: (step: Step) => string | undefined,
): readonly Need[] {
  const { project, stack } = reference;
  if (project === undefined) return [];
  const meant = steps.filter(
    (other) =>
      nameOf(other) === project && (stack === undefined || shortName(other.stack) === stack) && !sameStack(other, step),
  );
  const stacks = new Set(meant.map((other) => `${other.dir} ${other.stack}`));
  return meant.map((other) => ({ step: step.name, needs: other.name, reference, certain: stacks.size === 1 }));
}

/** Whether two steps operate one stack. */
export function sameStack(a: Step, b: Step): boolean {
  return a.dir === b.dir && a.stack === b.stack;
}

/** Names of the steps whose outputs or live state an entry and its gates read by the sequence's own words. */
export function namedIn(entry: Entry): ReadonlySet<string> {
  const own = [entry.readyWhen, entry.convergedWhen].flatMap((gates) => gates ?? []);
  const probes = own.flatMap((gate) => gate.targets.map((target) => target.probe));
  const asked = probes.flatMap((probe) => ("step" in probe && probe.step !== undefined ? [probe.step] : []));
  const below = isGroup(entry) ? entry.members.flatMap((member) => [...namedIn(member)]) : [];
  const values = isGroup(entry) ? [] : outputsIn([entry.config, entry.secretConfig, entry.env]);
  return new Set([...asked, ...outputsIn(probes), ...values, ...below]);
}
