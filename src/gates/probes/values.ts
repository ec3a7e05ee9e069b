/**
 * Looks values up at the moment of use. What comes from the environment, and every secret output, is made known to the
 * redactor before anybody can use it (invariant 11); an error names the reference, never the value.
 */
import { secretsOf } from "../../redact.js";
import type { Value } from "../model.js";
import { cannotLook, type Looking, type StackOutputs } from "./context.js";
import { type Found, parsePath, read } from "./path.js";

/** The text behind a value. Errors: cannot-look where the variable, the step or the output is missing. */
export async function resolve(value: Value, looking: Looking): Promise<string> {
  if (typeof value === "string") return value;
  if ("$env" in value) return fromEnvironment(value.$env, looking);
  if ("$output" in value) return fromOutput(value.$output, looking);
  const parts = await Promise.all(value.$join.map((part) => resolve(part, looking)));
  return parts.join("");
}

/** Looks up each value of a record. */
export async function resolveAll(
  values: { readonly [name: string]: Value },
  looking: Looking,
): Promise<{ [name: string]: string }> {
  const entries = Object.entries(values).map(async ([name, value]) => [name, await resolve(value, looking)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

function fromEnvironment(name: string, { context }: Looking): string {
  const text = Object.hasOwn(context.env, name) ? context.env[name] : undefined;
  if (text === undefined) throw cannotLook(`the environment variable ${name} is not set`);
  context.redactor.add(text);
  return text;
}

async function fromOutput({ step, path }: { step: string; path: string }, looking: Looking): Promise<string> {
  const found = await readOutput(step, path, looking);
  if (!found.found) throw cannotLook(`the stack of step ${step} has no output ${path}`);
  const { value } = found;
  if (value === null || typeof value === "object") throw cannotLook(`output ${path} of step ${step} is no text`);
  return String(value);
}

/** What lies at a path in the outputs of a step's stack, and whether it is secret. */
export async function readOutput(
  step: string,
  path: string,
  { context, signal }: Looking,
): Promise<Found & { readonly secret: boolean }> {
  const outputs = await context.outputs(step, signal);
  const [name, rest] = locate(outputs, path);
  const output = name === undefined || !Object.hasOwn(outputs, name) ? undefined : outputs[name];
  if (output === undefined) return { found: false, secret: false };
  if (output.secret) for (const secret of secretsOf(output.value)) context.redactor.add(secret);
  return { ...read(output.value, rest), secret: output.secret };
}

/** An output whose whole name is the path comes first: names may have dots. */
function locate(outputs: StackOutputs, path: string): readonly [string | undefined, readonly string[]] {
  if (Object.hasOwn(outputs, path)) return [path, []];
  const [name, ...rest] = parsePath(path);
  return [name, rest];
}
