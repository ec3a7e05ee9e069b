/**
 * What a sequence reaches for that no rehearsal has: stacks outside, encrypted settings, functions of providers, addresses
 * and variables of gates. Each needs a stand-in that the world's author declares; what is missing is said before anything
 * starts, with what to paste.
 */
import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import type { Outside } from "../authoring/outside.js";
import { EvoError, EXIT } from "../errors.js";
import { readProject, readStackSettings, shortStackName } from "../executor/stack/project.js";
import type { Plan } from "../plan/model.js";
import { stepsOf } from "../run/edges.js";
import { gatesOf } from "../run/state.js";
import { encryptedPaths, KNOWN_INVOKES, type StandIns, type World } from "../world/index.js";
import { isDefaultWorld } from "./rehearsal.js";

/** Errors that carry what to paste; `stub` is printed as it is. */
export class StandInsMissing extends EvoError {
  constructor(
    missing: readonly Missing[],
    readonly stub: string,
    where: string,
  ) {
    const said = missing.map(({ what }) => `\n  ${what}`).join("");
    super(
      "rehearsal.stand-ins",
      `the rehearsal lacks ${missing.length === 1 ? "a stand-in" : `${missing.length} stand-ins`}:${said}`,
      {
        exit: EXIT.usage,
        remedy: `${where}:`,
      },
    );
  }
}

/** What has no stand-in: a line that says so, and what to declare. */
interface Missing {
  readonly what: string;
  readonly standIns: StandIns;
}

export interface Reach {
  readonly plan: Plan;
  readonly root: string;
  /** The sequence file. */
  readonly file: string;
  /** The world's module; absolute. */
  readonly module: string;
  readonly outside: Outside;
  /** What programs and gates see of the environment. */
  readonly env: { readonly [name: string]: string };
}

/** Errors: `rehearsal.stand-ins` (exit 2) with all that is missing. */
export function demandStandIns(reach: Reach, world: Pick<World, "standIns" | "regions" | "has">): void {
  const missing = [
    ...missingStacks(reach, world),
    ...missingSettings(reach, world),
    ...missingFunctions(reach, world),
    ...missingAddresses(reach, world),
    ...missingVariables(reach),
  ];
  if (missing.length === 0) return;
  const all = missing.reduce((sum, { standIns }) => merged(sum, standIns), world.standIns);
  const { stub, where } = stubFor(reach, all);
  throw new StandInsMissing(missing, stub, where);
}

function missingStacks(
  { outside, root }: Reach,
  { standIns, has }: Pick<World, "standIns" | "has">,
): readonly Missing[] {
  return outside.stacks.flatMap(({ written, project, stack, outputs }): readonly Missing[] => {
    // What can't be told from the text may as well be a stack of the sequence: the engine will say it.
    if (project === undefined) return [];
    const declared = Object.keys(standIns.stacks ?? {});
    if (
      stack === undefined
        ? declared.some((name) => name.startsWith(`${project}/`))
        : declared.includes(`${project}/${stack}`)
    )
      return [];
    if (has(project, stack)) return [];
    const name = `${project}/${stack ?? "prod"}`;
    const which = stack === undefined ? "; which stack is not written out" : "";
    return [
      {
        what: `${relative(root, written.file)}:${written.line}: StackReference ${written.text}: no step brings the stack ${name}${which}`,
        standIns: { stacks: { [name]: Object.fromEntries(outputs.map((output) => [output, MADE_UP])) } },
      },
    ];
  });
}

function missingSettings({ plan, root }: Reach, { standIns }: Pick<World, "standIns">): readonly Missing[] {
  return stepsOf(plan).flatMap((step) => {
    const project = readProject(step, root);
    const settings = readStackSettings(project, step.stack.stack);
    if (settings === undefined || !existsSync(settings.file)) return [];
    const name = `${project.name}/${shortStackName(step.stack.stack)}`;
    const declared = standIns.config?.[name] ?? {};
    return encryptedPaths(readFileSync(settings.file, "utf8"))
      .filter((path) => !(path in declared))
      .map((path) => ({
        what: `${relative(root, settings.file)}: ${path} is encrypted, and no rehearsal decrypts anything`,
        standIns: { config: { [name]: { [path]: MADE_UP } } },
      }));
  });
}

function missingFunctions({ outside, root }: Reach, { standIns }: Pick<World, "standIns">): readonly Missing[] {
  const known = [...KNOWN_INVOKES, ...Object.keys(standIns.invokes ?? {})];
  const unknown = outside.functions.filter(({ token }) => !known.includes(token));
  return [...new Map(unknown.map((one) => [one.token, one])).values()].map(({ token, file, line }) => ({
    what: `${relative(root, file)}:${line}: ${token} is answered by the cloud, and the world has no answer`,
    standIns: { invokes: { [token]: { id: MADE_UP } } },
  }));
}

function missingAddresses(
  { plan }: Reach,
  { standIns, regions }: Pick<World, "standIns" | "regions">,
): readonly Missing[] {
  const asked = gatesOf(plan).flatMap((gate) =>
    gate.targets.flatMap(({ probe }) => {
      const origin = probe.type === "http" && typeof probe.url === "string" ? originOf(probe.url) : undefined;
      return origin === undefined || origin in (standIns.addresses ?? {}) ? [] : [[origin, gate.name] as const];
    }),
  );
  return [...new Map(asked)].map(([origin, gate]) => ({
    what: `gate ${gate} asks ${origin}, which is outside of the world`,
    standIns: { addresses: { [origin]: regions[0] ?? "local" } },
  }));
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

function originOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin, hostname } = new URL(url);
  return LOOPBACK.test(hostname) ? undefined : origin;
}

function missingVariables({ plan, env }: Reach): readonly Missing[] {
  const gates = gatesOf(plan).flatMap(({ targets }) => targets.map(({ probe }) => probe));
  const steps = stepsOf(plan).map(({ options }) => [options.config, options.secretConfig, options.env]);
  const names = [...new Set([...gates, ...steps].flatMap(variablesIn))];
  return names
    .filter((name) => env[name] === undefined)
    .map((name) => ({
      what: `env("${name}"): a rehearsal gets nothing of your environment`,
      standIns: { env: { [name]: MADE_UP } },
    }));
}

function variablesIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const name = (value as { readonly $env?: unknown }).$env;
  return typeof name === "string" ? [name] : Object.values(value).flatMap(variablesIn);
}

// ----------------------------------------------------------------------------------------------------------- stubs

const MADE_UP = "stand-in";

function merged(one: StandIns, other: StandIns): StandIns {
  return deep(one, other) as StandIns;
}

function deep(one: unknown, other: unknown): unknown {
  if (!isObject(one) || !isObject(other)) return other ?? one;
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return Object.fromEntries(keys.map((key) => [key, deep(one[key], other[key])]));
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A whole world where the sequence names none; else what belongs into the one that it names. */
function stubFor(
  { plan, file, module, root }: Reach,
  standIns: StandIns,
): { readonly stub: string; readonly where: string } {
  const block = `  standIns: ${source(standIns, "  ")},`;
  if (!isDefaultWorld(module))
    return {
      stub: block,
      where: `correct the values and put this into defineWorld in ${relative(root, module)}, in place of its standIns`,
    };
  const { name } = plan.sequence;
  const stub = [
    'import { defineWorld } from "evo";',
    "",
    "export default defineWorld({",
    `  name: "${name}",`,
    "  regions: { local: { edges: 5 } },",
    "  propagation: [],",
    "  endpoint: () => ({ status: 200, body: {} }),",
    block,
    "});",
  ].join("\n");
  return {
    stub,
    where: `correct the values, save this as worlds/${name}.ts beside ${relative(root, file)}, and name it there: world: "./worlds/${name}.ts"`,
  };
}

/** A value as TypeScript, in the house style of whoever reads it: keys bare where they can be. */
function source(value: unknown, indent: string): string {
  if (!isObject(value)) return JSON.stringify(value);
  const lines = Object.entries(value).map(([key, each]) => {
    const bare = /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
    return `${indent}  ${bare}: ${source(each, `${indent}  `)},`;
  });
  return lines.length === 0 ? "{}" : ["{", ...lines, `${indent}}`].join("\n");
}
