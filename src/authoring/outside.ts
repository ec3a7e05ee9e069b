/**
 * What programs of a sequence reach for outside of it, read from their text, as far as it is written out: stacks that no
 * step brings, and functions of providers. For rehearsals, which need something to stand in for each.
 */
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import type { StackRef } from "../plan/model.js";
import { type FoundProject, readProject, shortName } from "./projects.js";
import { meaningOf, programSources, type WrittenReference, writtenReferences } from "./references.js";

/** A stack that a program refers to and no step of the sequence operates. */
export interface OutsideStack {
  readonly written: WrittenReference;
  /** Absent where the text doesn't tell. */
  readonly project?: string;
  readonly stack?: string;
  /** Outputs that the program asks of it, as far as they are written out. */
  readonly outputs: readonly string[];
}

/** A provider's function that a program calls. */
export interface CalledFunction {
  /** As the engine names it: `aws:ec2/getVpc:getVpc`. */
  readonly token: string;
  readonly file: string;
  readonly line: number;
}

export interface Outside {
  readonly stacks: readonly OutsideStack[];
  readonly functions: readonly CalledFunction[];
  /** Provider packages that programs import by their names below `@pulumi/`. */
  readonly packages: readonly string[];
}

/** Reads the programs behind the stacks that a sequence operates; `root` is what their folders are relative to. */
export function outsideOf(steps: readonly StackRef[], root: string): Outside {
  const found = [...new Set(steps.map(({ dir }) => dir))].flatMap((dir) => {
    const project = readProject(join(root, dir));
    return project === undefined ? [] : [{ dir, project }];
  });
  const operated = new Set(
    steps.flatMap(({ dir, stack }) =>
      found.filter((one) => one.dir === dir).map(({ project }) => `${project.name}/${shortName(stack)}`),
    ),
  );
  const sources = found.flatMap(({ project }) => programSources(project));
  const texts = sources.filter((file) => /^\.[mc]?[jt]sx?$/.test(extname(file))).map(readSource);
  return {
    stacks: found.flatMap(({ dir, project }) =>
      outsideStacks(
        project,
        steps.filter((step) => step.dir === dir),
        operated,
      ),
    ),
    functions: texts.flatMap(functionsIn),
    packages: [...new Set(texts.flatMap(({ text }) => [...importsIn(text).values()]))].sort(),
  };
}

interface Source {
  readonly file: string;
  readonly text: string;
}

function readSource(file: string): Source {
  return { file, text: readFileSync(file, "utf8") };
}

// --------------------------------------------------------------------------------------------------------- stacks

function outsideStacks(
  project: FoundProject,
  steps: readonly StackRef[],
  operated: ReadonlySet<string>,
): readonly OutsideStack[] {
  const projects = new Set([...operated].map((name) => name.split("/")[0]));
  const all = writtenReferences(project).flatMap((written) =>
    steps.flatMap((step): OutsideStack[] => {
      const { project: of, stack } = meaningOf(written, project, step.stack);
      const known = of !== undefined && (stack === undefined ? projects.has(of) : operated.has(`${of}/${stack}`));
      if (known) return [];
      const name = { ...(of === undefined ? {} : { project: of }), ...(stack === undefined ? {} : { stack }) };
      return [{ written, ...name, outputs: outputsRead(written) }];
    }),
  );
  return [
    ...new Map(all.map((one) => [`${one.project}/${one.stack} ${one.written.file}:${one.written.line}`, one])).values(),
  ];
}

/** `const network = new StackReference(...)`, and in the same file `network.getOutput("vpcId")`. */
function outputsRead({ file, line }: WrittenReference): readonly string[] {
  const text = readFileSync(file, "utf8");
  const before = text
    .split("\n")
    .slice(Math.max(0, line - 2), line)
    .join(" ");
  const name =
    /(?:const|let|var)\s+(\w+)\s*=[^;=]*$/.exec(before)?.[1] ?? /(\w+)\s*:?=\s*[^=;]*StackReference/.exec(before)?.[1];
  const holder = name === undefined ? "\\w+" : name;
  const asked = new RegExp(
    `\\b${holder}\\.(?:get|require)_?[oO]utput(?:Value|Details|_value|_details)?(?:Sync)?\\(\\s*["'\`]([^"'\`]+)["'\`]`,
    "g",
  );
  return [...new Set([...text.matchAll(asked)].map(([, output]) => output as string))];
}

// ------------------------------------------------------------------------------------------------------ functions

/** Names in a file that stand for a provider's package. */
function importsIn(text: string): ReadonlyMap<string, string> {
  const imports = /import\s+(?:\*\s+as\s+)?(\w+)\s+from\s+["']@pulumi\/([\w-]+)["']/g;
  const required = /(?:const|let|var|import)\s+(\w+)\s*=\s*require\(\s*["']@pulumi\/([\w-]+)["']\s*\)/g;
  const found = [imports, required].flatMap((pattern) => [...text.matchAll(pattern)]);
  return new Map(
    found.map(([, name, pkg]) => [name as string, pkg as string] as const).filter(([, pkg]) => !NO_PROVIDERS.has(pkg)),
  );
}

/** Packages of that scope that are no providers. */
const NO_PROVIDERS = new Set(["pulumi", "policy"]);

/** `aws.ec2.getVpc(...)`, `aws.getRegionOutput()`: as bridged providers name them. */
function functionsIn({ file, text }: Source): readonly CalledFunction[] {
  const imports = importsIn(text);
  return [...text.matchAll(/\b(\w+)\.(?:(\w+)\.)?(get[A-Z]\w*?)(?:Output)?\(/g)].flatMap((call) => {
    const [, name = "", module = "index", called = ""] = call;
    const pkg = imports.get(name);
    if (pkg === undefined) return [];
    const line = text.slice(0, call.index).split("\n").length;
    return [{ token: `${pkg}:${module}/${called}:${called}`, file, line }];
  });
}
