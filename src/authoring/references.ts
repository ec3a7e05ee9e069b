/**
 * Which stacks a program refers to, read from its text: no program runs for it. What is written out is understood
 * (literals, templates with getStack, getOrganization and names from the same file, values of the stack's own plain
 * configuration); of anything else it is said that it is not known.
 */
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { configOf, type FoundProject, shortName } from "./projects.js";

/** A reference as the program writes it. */
export interface WrittenReference {
  /** The expression or text that names the stack. */
  readonly text: string;
  /** Absolute. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** What it is made of, in order. */
  readonly parts: readonly Part[];
}

/** A piece of a stack's name: a text, this stack's name, the organization, a config value, or something unknown. */
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "config"; readonly key: string }
  | { readonly kind: "stack" | "organization" | "project" | "unknown" };

const UNKNOWN: Part = { kind: "unknown" };
const SOURCES = new Set([".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".tsx", ".py", ".go", ".cs", ".fs", ".java"]);
const SKIPPED = new Set([
  "node_modules",
  "venv",
  "__pycache__",
  "vendor",
  "dist",
  "bin",
  "obj",
  "target",
  "test",
  "tests",
]);

/** Every reference in the program of a project. */
export function writtenReferences(project: FoundProject): readonly WrittenReference[] {
  if (project.runtime === "yaml") return yamlReferences(project);
  return programSources(project).flatMap((file) => referencesIn(readFileSync(file, "utf8"), file));
}

/** The program's own source files; absolute. */
export function programSources({ program }: FoundProject): readonly string[] {
  return sourcesIn(program);
}

function sourcesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return entry.name.startsWith(".") || SKIPPED.has(entry.name) ? [] : isProject(path) ? [] : sourcesIn(path);
    return SOURCES.has(extname(entry.name)) && !/\.d\.[mc]?ts$/.test(entry.name) ? [path] : [];
  });
}

/** A project of its own inside of another one's folder. */
function isProject(folder: string): boolean {
  return readdirSync(folder).some((name) => /^Pulumi\.(yaml|yml|json)$/.test(name));
}

// ---------------------------------------------------------------------------------------------------- source text

const CALL = /\b(?:New)?(?:StackReference|GetStackReference)\s*(?:<[^<>()]*>)?\s*\(/g;

/** The references in one file's text; what stands in comments is none. */
export function referencesIn(source: string, file: string): readonly WrittenReference[] {
  const text = withoutComments(source, extname(file) === ".py");
  const names = definitions(text);
  return [...text.matchAll(CALL)].flatMap((found): WrittenReference[] => {
    const written = nameArgument(argumentsFrom(text, found.index + found[0].length));
    if (written === undefined) return [];
    const line = text.slice(0, found.index).split("\n").length;
    return [{ text: written, file, line, parts: partsOf(written, names, 0) }];
  });
}

/** Comments become blanks, so that lines and columns stay where they are; strings are stepped over. */
function withoutComments(source: string, python: boolean): string {
  const strings = /"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/.source;
  const comments = python ? /#[^\n]*/.source : /\/\/[^\n]*|\/\*[\s\S]*?\*\//.source;
  const pattern = new RegExp(`(${strings})|(${comments})`, "g");
  return source.replace(pattern, (all: string, string: string | undefined) => string ?? all.replace(/[^\n]/g, " "));
}

/** The texts of a call's arguments, split at its own commas. `from` is right behind the bracket. */
function argumentsFrom(text: string, from: number): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = from;
  const token = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|[([{]|[)\]}]|,/g;
  token.lastIndex = from;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const closes = /^[)\]}]$/.test(found[0]);
    if (depth === 0 && (closes || found[0] === ",")) {
      parts.push(text.slice(start, found.index).trim());
      start = found.index + 1;
      if (closes) break;
    } else if (closes) depth--;
    else if (/^[([{]$/.test(found[0])) depth++;
  }
  return parts.filter((part) => part !== "");
}

const NAMED =
  /(?:^|[{,(\s&])(?:name|Name|stack_name|stackName)\s*[:=]\s*(?:pulumi\.(?:String|StringPtr)\()?([\s\S]+?)\)?\s*,?\s*\}?$/;

/** The argument that names the stack: a `name` of its own among the later ones, else the first. */
function nameArgument(args: readonly string[]): string | undefined {
  // Go passes its context first.
  const own = /^(?:ctx|context)$/.test(args[0] ?? "") ? args.slice(1) : args;
  const named = own.map((argument) => NAMED.exec(argument)?.[1]?.trim()).find((found) => found !== undefined);
  return named ?? own[0];
}

// --------------------------------------------------------------------------------------------------- expressions

/** What names of the file stand for: the first definition of each. */
type Definitions = ReadonlyMap<string, string>;

const DEFINITION =
  /(?:^|[\n;{])\s*(?:export\s+)?(?:const|let|var|final|String)?\s*([A-Za-z_$][\w$]*)\s*(?::\s*\w+\s*)?(?::=|=)(?!=)\s*([^\n;]+)/g;

function definitions(text: string): Definitions {
  const found = [...text.matchAll(DEFINITION)].map((match) => [match[1]!, match[2]!.trim()] as const);
  return new Map(found.reverse());
}

/** Definitions of definitions, at most so many deep: two names may be defined by each other. */
const DEEPEST = 5;

function partsOf(expression: string, names: Definitions, depth: number): readonly Part[] {
  const text = expression.trim().replace(/(?:\s+as\s+\w+|!)+$/, "");
  if (depth > DEEPEST || text === "") return [UNKNOWN];
  const literal = /^(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)')$/.exec(text);
  if (literal !== null) return [{ kind: "text", text: literal[1] ?? literal[2] ?? "" }];
  const template = /^`([^`]*)`$/.exec(text) ?? /^[fF$](?:"([^"]*)"|'([^']*)')$/.exec(text);
  if (template !== null) return templateParts(template[1] ?? template[2] ?? "", names, depth);
  const sum = splitSum(text);
  if (sum.length > 1) return sum.flatMap((one) => partsOf(one, names, depth + 1));
  if (/^(?:\w+\.)*(?:getOrganization|get_organization|Organization|OrganizationName)\(?\)?$/.test(text))
    return [{ kind: "organization" }];
  if (/^(?:\w+\.)*(?:getStack|get_stack|Stack|StackName)\(?\)?$/.test(text)) return [{ kind: "stack" }];
  if (/^(?:\w+\.)*(?:getProject|get_project|Project|ProjectName)\(?\)?$/.test(text)) return [{ kind: "project" }];
  return [configPart(text, names) ?? definedPart(text, names, depth)].flat();
}

function definedPart(text: string, names: Definitions, depth: number): readonly Part[] {
  const meaning = /^[A-Za-z_$][\w$]*$/.test(text) ? names.get(text) : undefined;
  if (meaning !== undefined) return partsOf(meaning, names, depth + 1);
  // An organization is seldom needed to tell stacks apart, and often comes from somewhere else.
  return [/^(?:\w+\.)*org(?:anization|anisation)?(?:Name)?$/i.test(text) ? { kind: "organization" } : UNKNOWN];
}

function templateParts(template: string, names: Definitions, depth: number): readonly Part[] {
  const pieces = [...template.matchAll(/\$?\{([^{}]*)\}|([^${]+|\$)/g)];
  return pieces.flatMap((piece): readonly Part[] =>
    piece[1] === undefined ? [{ kind: "text", text: piece[2] ?? "" }] : partsOf(piece[1], names, depth + 1),
  );
}

/** `a + "/" + b` at its own plus signs. */
function splitSum(text: string): readonly string[] {
  const pieces = text.match(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|\([^()]*\)|[^+"'`()]+|\+|[()]/g) ?? [];
  const parts = [""];
  for (const piece of pieces) {
    if (piece === "+") parts.push("");
    else parts[parts.length - 1] += piece;
  }
  return parts.map((part) => part.trim());
}

const CONFIG =
  /^([A-Za-z_$][\w$]*|new pulumi\.Config\([^()]*\)|pulumi\.Config\([^()]*\))\.(?:require|get|Require|Get)\(\s*["'`]([^"'`]+)["'`]\s*\)$/;

/** `config.require("network")`, where `config` is what the file says it is. */
function configPart(text: string, names: Definitions): Part | undefined {
  const found = CONFIG.exec(text);
  if (found === null) return undefined;
  const source = names.get(found[1]!) ?? found[1]!;
  const namespace = /Config\(\s*["'`]([^"'`]+)["'`]\s*\)/.exec(source)?.[1];
  if (!/Config\(/.test(source)) return undefined;
  return { kind: "config", key: namespace === undefined ? found[2]! : `${namespace}:${found[2]}` };
}

// ----------------------------------------------------------------------------------------------------------- YAML

function yamlReferences({ content, directory }: FoundProject): readonly WrittenReference[] {
  const resources = Object.entries((content["resources"] as object | undefined) ?? {});
  return resources.flatMap(([name, resource]): WrittenReference[] => {
    const { type, properties } = (resource ?? {}) as { type?: unknown; properties?: { name?: unknown } };
    if (type !== "pulumi:pulumi:StackReference") return [];
    const text = typeof properties?.name === "string" ? properties.name : name;
    return [{ text, file: join(directory, "Pulumi.yaml"), line: 1, parts: yamlParts(text) }];
  });
}

const YAML_NAMES: { readonly [name: string]: Part } = {
  "pulumi.stack": { kind: "stack" },
  "pulumi.project": { kind: "project" },
  "pulumi.organization": { kind: "organization" },
};

function yamlParts(text: string): readonly Part[] {
  return [...text.matchAll(/\$\{([^{}]*)\}|([^$]+|\$)/g)].map(
    ([, name, plain]): Part =>
      name === undefined
        ? { kind: "text", text: plain! }
        : (YAML_NAMES[name.trim()] ?? { kind: "config", key: name.trim() }),
  );
}

// ------------------------------------------------------------------------------------------------- what is meant

/** A stack that a program refers to, seen from one of its stacks. */
export interface Reference {
  readonly written: WrittenReference;
  /** The other stack's project; absent where it can't be told. */
  readonly project?: string;
  /** The other stack's short name; absent where it can't be told: any stack of that project may be meant. */
  readonly stack?: string;
}

/** What a reference means for the stack `stack` of its project. */
export function meaningOf(written: WrittenReference, project: FoundProject, stack: string): Reference {
  const config = configOf(project, stack);
  const name = written.parts.map((part) => textOf(part, { project, stack: shortName(stack), config })).join("");
  const segments = name.split("/");
  const last = known(segments.at(-1));
  // `stack` and `organization/stack` mean one of the same project.
  const before = segments.length > 2 ? known(segments.at(-2)) : last === undefined ? undefined : project.name;
  return {
    written,
    ...(before === undefined ? {} : { project: before }),
    ...(last === undefined || before === undefined ? {} : { stack: last }),
  };
}

/** Stands for what is not known; no stack's name can hold it. */
const BLANK = "\u0000";

function known(segment: string | undefined): string | undefined {
  return segment === undefined || segment === "" || segment.includes(BLANK) ? undefined : segment;
}

interface Situation {
  readonly project: FoundProject;
  readonly stack: string;
  readonly config: ReadonlyMap<string, string>;
}

function textOf(part: Part, { project, stack, config }: Situation): string {
  switch (part.kind) {
    case "text":
      return part.text;
    case "stack":
      return stack;
    case "project":
      return project.name;
    case "organization":
      return "organization";
    case "config":
      return config.get(part.key.includes(":") ? part.key : `${project.name}:${part.key}`) ?? BLANK;
    case "unknown":
      return BLANK;
  }
}
