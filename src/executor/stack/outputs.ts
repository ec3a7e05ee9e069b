/** A stack's outputs, from the file backend's own file where that says all, else by asking the CLI. Memory only. */
import { existsSync } from "node:fs";
import { EvoError } from "../../errors.js";
import { askEngine } from "../operation/engine-process.js";
import type { HostOrder } from "../operation/order.js";
import type { StackOutput } from "../settings.js";
import { readBackendFile } from "./backend.js";

type Question = Pick<HostOrder, "engine" | "env" | "project" | "stackName" | "stack">;
type Outputs = { readonly [name: string]: StackOutput };

interface RawState {
  readonly resources?: readonly { readonly type: string; readonly outputs?: { readonly [name: string]: unknown } }[];
}

/** What marks a value as more than JSON. Source: sdk/go/common/resource/sig/sig.go. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** What the CLI has shown of each stack, and for which stored outputs: the same ciphertext means the same values. */
type Shown = Map<string, { readonly stored: string; readonly values: Promise<{ readonly [name: string]: unknown }> }>;

/**
 * Reads outputs for one evo process. Gates look several times a second, and a CLI process for each look would load the
 * machine more than the updates do: it is asked again only when the stored outputs have changed. Errors of the function
 * returned: `stack.missing`, `stack.outputs`.
 */
export function createOutputsReader(): (question: Question) => Promise<Outputs> {
  const shown: Shown = new Map();
  return (question) => stackOutputs(question, shown);
}

async function stackOutputs(question: Question, shown: Shown): Promise<Outputs> {
  const stored = rootOutputs(await state(question));
  const special = Object.values(stored).some((value) => marks(value).length > 0);
  const values = special ? await shownOnce(question, stored, shown) : stored;
  const entries = Object.entries(stored).map(([name, value]) => {
    return [name, { value: values[name], secret: marks(value).includes(SECRET) }] as const;
  });
  return Object.fromEntries(entries);
}

async function state({ stack, ...question }: Question): Promise<RawState> {
  if (stack.kind === "remote") return JSON.parse(await ask(question, ["stack", "export"])).deployment ?? {};
  if (!existsSync(stack.checkpoint)) {
    throw new EvoError("stack.missing", `there is no stack ${stack.name} in ${stack.url}`);
  }
  return JSON.parse(readBackendFile(stack.checkpoint)).checkpoint?.latest ?? {};
}

function rootOutputs(state: RawState): { readonly [name: string]: unknown } {
  return state.resources?.find((resource) => resource.type === "pulumi:pulumi:Stack")?.outputs ?? {};
}

/** The kinds of all marked values in a stored value: secrets, assets, references. */
function marks(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const own = (value as { [key: string]: unknown })[SIGNATURE];
  return [...(typeof own === "string" ? [own] : []), ...Object.values(value).flatMap(marks)];
}

function shownOnce(question: Question, outputs: object, shown: Shown): Promise<{ readonly [name: string]: unknown }> {
  const key = `${question.stack.url}#${question.stack.name}`;
  const stored = JSON.stringify(outputs);
  const known = shown.get(key);
  if (known?.stored === stored) return known.values;
  const values = shownOutputs(question);
  shown.set(key, { stored, values });
  // What failed is asked again.
  values.catch(() => shown.get(key)?.values === values && shown.delete(key));
  return values;
}

async function shownOutputs(question: Question): Promise<{ readonly [name: string]: unknown }> {
  return JSON.parse(await ask(question, ["stack", "output", "--json", "--show-secrets"]));
}

async function ask(question: Omit<Question, "stack">, args: readonly string[]): Promise<string> {
  const { engine, env, project, stackName } = question;
  const all = [...args, "--stack", stackName, "--non-interactive"];
  const answer = await askEngine({ engine: engine.path, args: all, cwd: project.directory, env });
  if (answer.code === 0) return answer.stdout;
  throw new EvoError("stack.outputs", `the outputs of ${stackName} could not be read: ${answer.stderr.trim()}`, {
    source: "engine",
  });
}
