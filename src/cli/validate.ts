/** `evo validate <sequence>` */
import { join, relative } from "node:path";
import { checkTypes, type TypeCheck } from "../authoring/types.js";
import type { SourceLocation } from "../errors.js";
import { readSettings } from "../evo/settings.js";
import { type StackNames, stackNames } from "../evo/stack-names.js";
import { compile } from "../plan/compile.js";
import type { Plan } from "../plan/model.js";
import { stepsOf } from "../run/edges.js";
import { gatesOf } from "../run/state.js";
import { type LoadedSequence, loadSequence } from "../sequence/load.js";
import { type Problem, SequenceError, showLocation } from "../sequence/problems.js";
import { print, printJson, say } from "./output.js";

export interface ValidateOptions {
  readonly types?: boolean;
  readonly json?: boolean;
}

/** Loads and compiles; says what it is. Errors (exit 2): those of loading, misspelt stacks, with `types` type errors. */
export async function validate(reference: string, options: ValidateOptions): Promise<void> {
  const loaded = await loadSequence(reference, process.cwd());
  const plan = compile(loaded.sequence);
  const types = options.types ? await typesOf(loaded, plan) : undefined;
  const names = stackNames(loaded, readSettings(process.env, process.cwd()));
  refuse([...names.wrong, ...(types?.status === "checked" ? types.problems : [])]);
  const facts = {
    sequence: plan.sequence.name,
    file: loaded.file,
    digest: loaded.digest,
    steps: stepsOf(plan).length,
    gates: gatesOf(plan).length,
  };
  if (options.json) {
    const { doubtful, absent } = names;
    return printJson({ valid: true, ...facts, doubtful, absent, ...(types === undefined ? {} : { types }) });
  }
  print(
    `${facts.sequence} is valid: ${amount(facts.steps, "step")}, ${amount(facts.gates, "gate")}  (${relative(process.cwd(), loaded.file)}, ${loaded.digest.slice(0, 12)})`,
  );
  for (const remark of remarks(names)) say(remark);
  if (types?.status === "checked") print(`types: no errors (typescript ${types.typescript})`);
  if (types?.status === "unchecked") say(`types: not checked: ${types.reason}`);
}

function typesOf({ file, world, root }: LoadedSequence, plan: Plan): Promise<TypeCheck> {
  const programs = [...new Set(stepsOf(plan).map(({ stack }) => join(root, stack.dir)))];
  return checkTypes({ file, programs, ...(world === undefined ? {} : { world }) });
}

function refuse([first, ...others]: readonly Problem[]): void {
  if (first !== undefined) throw new SequenceError([first, ...others]);
}

/** What is no mistake for certain. */
function remarks({ doubtful, absent }: StackNames): readonly string[] {
  const here = (at: SourceLocation) => showLocation({ ...at, file: relative(process.cwd(), at.file) || at.file });
  const backends = [...new Set(absent.map(({ backend }) => backend))];
  return [
    ...doubtful.map(({ at, message }) => `${at === undefined ? "" : `${here(at)}: `}${message}`),
    ...backends.map((backend) => {
      const stacks = absent.filter((one) => one.backend === backend).map(({ step, stack }) => `${step} (${stack})`);
      return `not yet in ${backend}: ${stacks.join(", ")}; before evo up: pulumi stack init, or createStack: true`;
    }),
  ];
}

function amount(count: number, one: string): string {
  return `${count} ${count === 1 ? one : `${one}s`}`;
}
