/** `evo init [folder]` */
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { findProjects } from "../authoring/projects.js";
import { type Proposal, propose } from "../authoring/propose.js";
import { toJson, toTypeScript } from "../authoring/write-sequence.js";
import { EvoError } from "../errors.js";
import { packageFile } from "../package-root.js";
import { compile } from "../plan/compile.js";
import { loadSequence } from "../sequence/load.js";
import { graphText } from "../views/graph.js";
import { print, printJson, say } from "./output.js";

export interface InitOptions {
  readonly name: string;
  readonly stack?: string;
  readonly jsonSequence?: boolean;
  /** Write over a sequence file that is there. */
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Writes a first sequence for the projects below a folder. Errors: `init.no-projects`, `init.exists` (exit 2). */
export async function init(folder: string | undefined, options: InitOptions): Promise<void> {
  const root = resolve(folder ?? ".");
  const file = join(root, "sequences", `${options.name}.${options.jsonSequence ? "json" : "ts"}`);
  refuseExisting(root, options.name, options.force === true ? file : undefined);
  const projects = statSync(root, { throwIfNoEntry: false })?.isDirectory() ? findProjects(root) : [];
  if (projects.length === 0) throw noProjects(root);
  const proposal = propose(projects, options.name, options.stack);
  if (proposal.stacks === 0) throw noStacks(options.stack);
  const write = options.jsonSequence
    ? toJson(proposal.sequence, dirname(file), packageFile("docs", "sequence.schema.json"))
    : toTypeScript(proposal.sequence, dirname(file));
  mkdirSync(dirname(file), { recursive: true });
  // Never over what came into being meanwhile, unless it was asked for.
  writeFileSync(file, write, { flag: options.force === true ? "w" : "wx" });
  await tell(file, projects.length, proposal, options);
}

async function tell(file: string, projects: number, proposal: Proposal, options: InitOptions): Promise<void> {
  const { sequence } = await loadSequence(file, process.cwd());
  const { notes, unknown } = proposal;
  if (options.json) return printJson({ file, projects, stacks: proposal.stacks, notes, unknown });
  print([`${relative(process.cwd(), file)}: ${proposal.stacks} stacks of ${projects} projects`, ""]);
  print(graphText(compile(sequence)));
  for (const note of notes) say(note);
  for (const { step, written } of unknown) {
    const where = `${relative(process.cwd(), written.file)}:${written.line}`;
    say(`Not known before it runs: ${step} refers to the stack ${written.text} (${where}). Put it where it belongs.`);
  }
  const name = options.name;
  print(["", `Next: look at it, then evo lint ${name}, evo plan ${name}, evo preview ${name}, evo up ${name}`]);
}

/** `given`: the one file that may be written over. Another form of the same sequence would stand in its way. */
function refuseExisting(root: string, name: string, given: string | undefined): void {
  const found = ["ts", "mts", "js", "mjs", "json"]
    .map((end) => join(root, "sequences", `${name}.${end}`))
    .find((path) => path !== given && existsSync(path));
  if (found === undefined) return;
  const message = `there is a sequence ${relative(process.cwd(), found)} already; it is left as it is`;
  const remedy = "give another name, evo init --name <name>, or write over it with --force";
  throw new EvoError("init.exists", message, {
    at: { file: found },
    remedy: given === undefined ? remedy : "give another name: evo init --name <name>",
  });
}

function noProjects(root: string): EvoError {
  return new EvoError("init.no-projects", `there is no Pulumi.yaml in ${root} or below it`, {
    remedy: "name the folder that holds your Pulumi projects: evo init <folder>",
  });
}

function noStacks(stack: string | undefined): EvoError {
  return new EvoError("init.no-stacks", `no project has a stack ${stack ?? "in common with another"}`, {
    remedy: "name one that exists: evo init --stack <stack>",
  });
}
