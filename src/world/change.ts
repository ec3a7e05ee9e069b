/** A change in the simulated cloud behind everybody's back: what a person does in a console, as a person says it. */
import { z } from "zod";
import { EvoError } from "../errors.js";
import type { Cloud } from "./cloud.js";
import type { Json, Properties } from "./model.js";
import type { Placed } from "./propagation.js";
import { isSecret, secret } from "./values.js";

export interface WorldChange {
  /** The whole URN, `<type>::<name>` or the name in the program. */
  readonly resource: string;
  /** Only in this stack: its name, where a name alone would mean several resources. */
  readonly stack?: string;
  /** `delete` takes the resource away. */
  readonly change: "delete" | { readonly path: string; readonly value: Json };
}

export const changeSchema: z.ZodType<WorldChange> = z.strictObject({
  resource: z.string().min(1),
  stack: z.string().optional(),
  change: z.union([z.literal("delete"), z.strictObject({ path: z.string().min(1), value: z.json() })]),
}) as z.ZodType<WorldChange>;

/** Makes the change: a new version of the live resource that no engine knows of. Errors: `world.change`. */
export function makeChange(cloud: Cloud, value: unknown, at: number): Placed {
  const parsed = changeSchema.safeParse(value);
  if (!parsed.success) throw refusal(`Not a change: ${parsed.error.issues[0]?.message}.`);
  const { change } = parsed.data;
  const { urn, type, id, region, properties, inputs } = liveResource(cloud, parsed.data);
  const base = { urn, type, id, at, ...(region === undefined ? {} : { region }) };
  if (change === "delete") return cloud.take(base);
  const path = keysIn(change.path);
  return cloud.take({
    ...base,
    properties: withValue(properties ?? {}, path, change.value),
    inputs: withValue(inputs ?? {}, path, change.value),
  });
}

function liveResource(cloud: Cloud, { resource, stack }: WorldChange): Placed {
  const newest = new Map(cloud.versions.map((version) => [version.urn, version]));
  const live = [...newest.values()].filter(({ properties }) => properties !== undefined);
  const means = ({ urn, type }: Placed): boolean => {
    const [head = "", , , name = ""] = urn.split("::");
    const inStack = stack === undefined || head === `urn:pulumi:${stack}`;
    return inStack && [urn, name, `${type}::${name}`].includes(resource);
  };
  const [only, ...others] = live.filter(means);
  if (only === undefined) throw refusal(`The world has no live resource "${resource}".`, namesOf(live));
  if (others.length > 0)
    throw refusal(
      `"${resource}" means several resources.`,
      [only, ...others].map(({ urn }) => urn),
    );
  return only;
}

function namesOf(live: readonly Placed[]): readonly string[] {
  return live.map(({ urn, type }) => `${type}::${urn.split("::").at(-1)}`);
}

function refusal(message: string, names: readonly string[] = []): EvoError {
  const remedy = names.length === 0 ? {} : { remedy: `Name one of: ${names.slice(0, 20).join(", ")}.` };
  return new EvoError("world.change", message, remedy);
}

/** `tags.team`, `routes[0].path`, `labels["a.b"]`. */
function keysIn(path: string): readonly string[] {
  return [...path.matchAll(/\["([^"]+)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, plain]) => quoted ?? index ?? plain ?? "",
  );
}

function withValue(object: Properties, [key = "", ...rest]: readonly string[], value: Json): Properties {
  return { ...object, [key]: changed(object[key], rest, value) };
}

/** What was secret stays marked as such. */
function changed(old: Json | undefined, rest: readonly string[], value: Json): Json {
  if (isSecret(old)) return secret(changed(old.value, rest, value));
  const [key, ...deeper] = rest;
  if (key === undefined) return value;
  if (Array.isArray(old)) return old.map((each, at) => (String(at) === key ? changed(each, deeper, value) : each));
  const container = typeof old === "object" && old !== null ? (old as Properties) : {};
  return withValue(container, rest, value);
}
