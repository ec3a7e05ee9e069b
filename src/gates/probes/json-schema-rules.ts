/** The keywords of JSON Schema 2020-12, one rule each: what a value breaks, as a place below the keyword. */
import { canonical } from "../../canonical.js";
import type { Json } from "../model.js";
import { cannotLook } from "./context.js";

export type Schema = { readonly [keyword: string]: Json };

export interface Scope {
  /** The schema that the keyword stands in, for those that depend on their neighbours. */
  readonly schema: Schema;
  /** The place of the first rule in a subschema that a value breaks; undefined where it meets them all. */
  below(schema: Json, value: Json): string | undefined;
  /** The schema that a `$ref` leads to. */
  resolve(reference: string): Json;
}

/** Says nothing where the value meets the rule, else the place in the schema, below the keyword, that it breaks. */
export type Check = (rule: Json, value: Json, scope: Scope) => string | undefined;

function meets(schema: Json, value: Json, scope: Scope): boolean {
  return scope.below(schema, value) === undefined;
}

type Kind<T extends Json> = (value: Json) => value is T;
const isNumber: Kind<number> = (value): value is number => typeof value === "number";
const isString: Kind<string> = (value): value is string => typeof value === "string";
const isList: Kind<readonly Json[]> = (value): value is readonly Json[] => Array.isArray(value);
export const isObject: Kind<Schema> = (value): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A rule about one kind of value; values of other kinds meet it. */
function about<T extends Json>(kind: Kind<T>, holds: (rule: never, value: T, scope: Scope) => boolean): Check {
  return (rule, value, scope) => (!kind(value) || holds(rule as never, value, scope) ? undefined : "");
}

function rule(holds: (rule: never, value: Json, scope: Scope) => boolean): Check {
  return (given, value, scope) => (holds(given as never, value, scope) ? undefined : "");
}

/** Applies schemas to parts of a value: the first that is broken, with its place. */
function parts<T extends Json>(
  kind: Kind<T>,
  of: (rule: never, value: T, scope: Scope) => Iterable<readonly [place: string, schema: Json, part: Json]>,
): Check {
  return (given, value, scope) => {
    if (!kind(value)) return undefined;
    for (const [place, schema, part] of of(given as never, value, scope)) {
      const broken = scope.below(schema, part);
      if (broken !== undefined) return `${place}${broken}`;
    }
    return undefined;
  };
}

const same = (a: Json, b: Json) => canonical(a) === canonical(b);
const characters = (text: string) => [...text].length;
export const place = (name: string) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;

function isType(type: string, value: Json): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "null") return value === null;
  if (type === "array") return isList(value);
  return type === "object" ? isObject(value) : typeof value === type;
}

function isMultiple(step: number, value: number): boolean {
  const times = value / step;
  return Math.abs(times - Math.round(times)) <= 1e-9 * Math.max(1, Math.abs(times));
}

function isEvaluated(name: string, { schema }: Scope): boolean {
  const patterns = Object.keys((schema.patternProperties ?? {}) as Schema);
  return (
    Object.hasOwn((schema.properties ?? {}) as Schema, name) || patterns.some((source) => pattern(source).test(name))
  );
}

function isContained(item: Json, list: readonly Json[], scope: Scope): boolean {
  const { minContains = 1, maxContains = list.length } = scope.schema;
  const count = list.filter((member) => meets(item, member, scope)).length;
  return count >= (minContains as number) && count <= (maxContains as number);
}

function pattern(source: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch {
    throw cannotLook("the schema has a pattern that is no regular expression");
  }
}

/** Every keyword that asserts something, or applies a schema that does. */
export const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>(
  Object.entries({
    $ref: (reference, value, scope) => scope.below(scope.resolve(reference as string), value),
    type: rule((types: string | string[], value) => [types].flat().some((type) => isType(type, value))),
    const: rule((expected: Json, value) => same(expected, value)),
    enum: rule((options: Json[], value) => options.some((option) => same(option, value))),
    allOf: (schemas, value, scope) => {
      for (const [at, schema] of (schemas as Json[]).entries()) {
        const broken = scope.below(schema, value);
        if (broken !== undefined) return `/${at}${broken}`;
      }
      return undefined;
    },
    anyOf: rule((schemas: Json[], value, scope) => schemas.some((schema) => meets(schema, value, scope))),
    oneOf: rule((schemas: Json[], value, scope) => schemas.filter((it) => meets(it, value, scope)).length === 1),
    not: rule((schema: Json, value, scope) => !meets(schema, value, scope)),
    if: rule((condition: Json, value, scope) => {
      const then = meets(condition, value, scope) ? scope.schema.then : scope.schema.else;
      return then === undefined || meets(then, value, scope);
    }),
    minimum: about(isNumber, (least: number, value) => value >= least),
    maximum: about(isNumber, (most: number, value) => value <= most),
    exclusiveMinimum: about(isNumber, (least: number, value) => value > least),
    exclusiveMaximum: about(isNumber, (most: number, value) => value < most),
    multipleOf: about(isNumber, (step: number, value) => isMultiple(step, value)),
    minLength: about(isString, (least: number, text) => characters(text) >= least),
    maxLength: about(isString, (most: number, text) => characters(text) <= most),
    pattern: about(isString, (source: string, text) => pattern(source).test(text)),
    minItems: about(isList, (least: number, list) => list.length >= least),
    maxItems: about(isList, (most: number, list) => list.length <= most),
    uniqueItems: about(isList, (on: boolean, list) => !on || new Set(list.map(canonical)).size === list.length),
    contains: about(isList, (item: Json, list, scope) => isContained(item, list, scope)),
    prefixItems: parts(isList, (schemas: Json[], list) =>
      schemas.slice(0, list.length).map((schema, at) => [`/${at}`, schema, list[at] as Json] as const),
    ),
    items: parts(isList, (schema: Json, list, scope) =>
      list.slice(((scope.schema.prefixItems ?? []) as Json[]).length).map((item) => ["", schema, item] as const),
    ),
    minProperties: about(isObject, (least: number, value) => Object.keys(value).length >= least),
    maxProperties: about(isObject, (most: number, value) => Object.keys(value).length <= most),
    required: about(isObject, (names: string[], value) => names.every((name) => Object.hasOwn(value, name))),
    dependentRequired: about(isObject, (rules: { [name: string]: string[] }, value) =>
      Object.entries(rules).every(
        ([name, names]) => !Object.hasOwn(value, name) || names.every((other) => Object.hasOwn(value, other)),
      ),
    ),
    dependentSchemas: parts(isObject, (schemas: Schema, value) =>
      Object.entries(schemas).flatMap(([name, schema]) =>
        Object.hasOwn(value, name) ? [[place(name), schema, value] as const] : [],
      ),
    ),
    properties: parts(isObject, (schemas: Schema, value) =>
      Object.entries(schemas).flatMap(([name, schema]) =>
        Object.hasOwn(value, name) ? [[place(name), schema, value[name] as Json] as const] : [],
      ),
    ),
    patternProperties: parts(isObject, (schemas: Schema, value) =>
      Object.entries(schemas).flatMap(([source, schema]) =>
        Object.entries(value).flatMap(([name, part]) =>
          pattern(source).test(name) ? [[place(source), schema, part] as const] : [],
        ),
      ),
    ),
    additionalProperties: parts(isObject, (schema: Json, value, scope) =>
      Object.entries(value).flatMap(([name, part]) => (isEvaluated(name, scope) ? [] : [["", schema, part] as const])),
    ),
    propertyNames: parts(isObject, (schema: Json, value) =>
      Object.keys(value).map((name) => ["", schema, name] as const),
    ),
  } satisfies { [keyword: string]: Check }),
);
