/**
 * JSON Schema 2020-12, as far as one document can say it. zod's `fromJSONSchema` is no help here: it passes what it does
 * not know (`contains`, `required` without `type`), and a gate must not pass because its schema was not understood
 * (invariant 2). So an unknown keyword is refused; `format` and the other annotations assert nothing, as the standard has it.
 */
import type { Json } from "../model.js";
import { cannotLook } from "./context.js";
import { CHECKS, isObject, place, type Schema } from "./json-schema-rules.js";

/** References may be recursive, values may not be deeper than this. */
const DEEPEST = 256;

/**
 * Makes a function from a value to the JSON pointer of the first rule in the schema that it breaks; undefined where it
 * meets them all. Errors: cannot-look on a schema that has a keyword which is not supported, or is malformed.
 */
export function compileSchema(schema: Json): (value: Json) => string | undefined {
  refuseUnknown(schema, "#");
  return (value) => {
    const broken = violated(schema, value, schema, 0);
    return broken === undefined ? undefined : `#${broken}`;
  };
}

function violated(schema: Json, value: Json, root: Json, depth: number): string | undefined {
  if (typeof schema === "boolean") return schema ? undefined : "";
  if (depth > DEEPEST) throw cannotLook(`the schema refers to itself more than ${DEEPEST} times`);
  const scope = {
    schema: schema as Schema,
    below: (part: Json, of: Json) => violated(part, of, root, depth + 1),
    resolve: (reference: string) => resolve(reference, root),
  };
  for (const [keyword, rule] of Object.entries(scope.schema)) {
    const broken = CHECKS.get(keyword)?.(rule, value, scope);
    if (broken !== undefined) return `/${keyword}${broken}`;
  }
  return undefined;
}

/** A place in the same document: a JSON pointer, or an anchor. */
function resolve(reference: string, root: Json): Json {
  if (!reference.startsWith("#")) throw cannotLook(`the schema refers to another document: ${reference}`);
  const fragment = decodeURIComponent(reference.slice(1));
  const target = fragment === "" || fragment.startsWith("/") ? pointed(root, fragment) : anchored(root, fragment);
  if (target === undefined) throw cannotLook(`the schema has no ${reference}`);
  return target;
}

function pointed(root: Json, pointer: string): Json | undefined {
  const segments = pointer.split("/").slice(1);
  return segments.reduce<Json | undefined>((at, segment) => {
    const key = segment.replaceAll("~1", "/").replaceAll("~0", "~");
    return typeof at === "object" && at !== null && Object.hasOwn(at, key) ? (at as Schema)[key] : undefined;
  }, root);
}

function anchored(schema: Json, anchor: string): Json | undefined {
  if (typeof schema !== "object" || schema === null) return undefined;
  if (isObject(schema) && schema.$anchor === anchor) return schema;
  for (const part of Object.values(schema)) {
    const found = anchored(part, anchor);
    if (found !== undefined) return found;
  }
  return undefined;
}

const ONE = new Set(["not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames"]);
const LISTS = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);
const MAPS = new Set(["properties", "patternProperties", "dependentSchemas", "$defs", "definitions"]);
const SILENT = new Set(
  [
    "$schema $id $anchor $comment $defs definitions then else minContains maxContains title description default",
    "deprecated readOnly writeOnly examples format contentEncoding contentMediaType contentSchema",
  ].flatMap((words) => words.split(" ")),
);

function refuseUnknown(schema: Json, at: string): void {
  if (typeof schema === "boolean") return;
  if (!isObject(schema)) throw cannotLook(`the schema has no schema at ${at}`);
  if (at !== "#" && schema.$id !== undefined) throw cannotLook(`the schema has a schema document of its own at ${at}`);
  for (const [keyword, given] of Object.entries(schema)) {
    if (!CHECKS.has(keyword) && !SILENT.has(keyword))
      throw cannotLook(`the schema keyword ${keyword} at ${at} is not supported`);
    for (const [name, part] of subschemas(keyword, given)) refuseUnknown(part, `${at}/${keyword}${name}`);
  }
}

function subschemas(keyword: string, given: Json): readonly (readonly [string, Json])[] {
  if (ONE.has(keyword)) return [["", given]];
  if (!LISTS.has(keyword) && !MAPS.has(keyword)) return [];
  if (typeof given !== "object" || given === null) throw cannotLook(`the schema keyword ${keyword} is malformed`);
  return Object.entries(given).map(([name, part]) => [place(name), part] as const);
}
