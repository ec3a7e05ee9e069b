/** Looks up a step's references at the moment of use; what was looked up is never kept (invariant 11). */
import { EvoError } from "../../errors.js";
import type { Value } from "../../gates/model.js";
import type { OperationRequest } from "../../run/ports.js";

type Lookup = (value: Value, request: OperationRequest) => Promise<string>;

export interface StepValues {
  readonly config: { readonly [key: string]: string };
  readonly secretConfig: { readonly [key: string]: string };
  readonly env: { readonly [name: string]: string };
  /** What came from a reference: to be masked. */
  readonly lookedUp: readonly string[];
}

/** Knows literals, `$env` and `$join`. Errors: `value.no-env`, `value.no-output`. */
export function environmentLookup(env: { readonly [name: string]: string }): Lookup {
  const look: Lookup = async (value, request) => {
    if (typeof value === "string") return value;
    if ("$join" in value) return (await Promise.all(value.$join.map((part) => look(part, request)))).join("");
    if ("$output" in value) {
      throw new EvoError("value.no-output", `step ${request.node.id}: outputs cannot be looked up here`);
    }
    const found = env[value.$env];
    if (found !== undefined) return found;
    throw new EvoError("value.no-env", `step ${request.node.id} needs the environment variable ${value.$env}`, {
      remedy: `set ${value.$env}`,
    });
  };
  return look;
}

/** All values of a step. */
export async function stepValues(request: OperationRequest, lookup: Lookup): Promise<StepValues> {
  const lookedUp: string[] = [];
  const all = async (values: { readonly [name: string]: Value } | undefined) => {
    const entries = Object.entries(values ?? {}).map(async ([name, value]) => {
      const text = await lookup(value, request);
      if (typeof value !== "string") lookedUp.push(text);
      return [name, text] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  };
  const { config, secretConfig, env } = request.node.options;
  return { config: await all(config), secretConfig: await all(secretConfig), env: await all(env), lookedUp };
}
