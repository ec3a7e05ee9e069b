/**
 * Values as the engine sends them: secrets, unknowns, assets and references are objects or texts with a signature.
 * (Source: sdk/go/common/resource/properties.go and plugin/rpc.go of pulumi/pulumi.)
 */
import type { Json, Properties } from "./model.js";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
/** Stands for any value that a preview can't know yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Marks a value as secret. */
export function secret(value: Json): Json {
  return { [SIGNATURE]: SECRET, value };
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is a marked secret. */
export function isSecret(value: Json | undefined): value is { readonly value: Json } {
  return isObject(value) && value[SIGNATURE] === SECRET;
}

/** The value without its marks, at every depth: what a cloud would get. */
export function plain(value: Json): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  if (value[SIGNATURE] === SECRET || value[SIGNATURE] === OUTPUT) return plain(value.value ?? UNKNOWN);
  return mapped(value, plain);
}

/** `plain` for a resource's properties. */
export function plainProperties(properties: Properties): Properties {
  return mapped(properties, plain);
}

/** Every secret in a value, replaced by what the function makes of it. */
export function withSecrets(value: Json, replace: (secret: Json) => Json): Json {
  if (isSecret(value)) return replace(value.value);
  if (Array.isArray(value)) return value.map((each) => withSecrets(each, replace));
  return isObject(value) ? mapped(value, (each) => withSecrets(each, replace)) : value;
}

function mapped(value: { readonly [key: string]: Json }, change: (each: Json) => Json): { [key: string]: Json } {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, change(each)]));
}

/** A value's text at a dotted path, where there is one. */
export function textAt(properties: Properties, ...path: readonly string[]): string | undefined {
  let value: Json | undefined = properties;
  for (const key of path) value = isObject(value) ? value[key] : undefined;
  return typeof value === "string" && value !== UNKNOWN ? value : undefined;
}
