import { describe, expect, it } from "vitest";
import type { Json } from "../../../src/gates/model.js";
import { compileSchema } from "../../../src/gates/probes/json-schema.js";

describe("compileSchema", () => {
  type Row = readonly [schema: Json, value: Json, broken: string | undefined];
  const tree = { $defs: { node: { properties: { next: { $ref: "#/$defs/node" }, n: { type: "integer" } } } } };
  // As text: a literal with a `then` would look like a promise.
  const conditional = JSON.parse('{"if":{"type":"string"},"then":{"minLength":2},"else":{"minimum":2}}') as Json;
  const rows: readonly Row[] = [
    [true, 1, undefined],
    [false, 1, "#"],
    [{ type: "integer" }, 1, undefined],
    [{ type: "integer" }, 1.5, "#/type"],
    [{ type: ["string", "null"] }, null, undefined],
    [{ type: "object" }, [], "#/type"],
    [{ const: { a: [1, 2] } }, { a: [1, 2] }, undefined],
    [{ enum: [1, "a"] }, "b", "#/enum"],
    // What zod's fromJSONSchema lets pass.
    [{ required: ["a"] }, {}, "#/required"],
    [{ minimum: 3 }, 2, "#/minimum"],
    [{ items: { type: "string" } }, [1], "#/items/type"],
    [{ contains: { type: "string" } }, [1], "#/contains"],
    [{ contains: { type: "string" }, maxContains: 1 }, ["a", "b"], "#/contains"],
    [{ contains: false, minContains: 0 }, [], undefined],
    [{ multipleOf: 0.1 }, 0.3, undefined],
    [{ multipleOf: 2 }, 3, "#/multipleOf"],
    [{ exclusiveMinimum: 1, exclusiveMaximum: 2 }, 2, "#/exclusiveMaximum"],
    [{ minLength: 2 }, "💩", "#/minLength"],
    [{ pattern: "^a" }, "ba", "#/pattern"],
    [{ uniqueItems: true }, [{ a: 1 }, { a: 1 }], "#/uniqueItems"],
    [{ prefixItems: [{ type: "string" }], items: false }, ["a", 1], "#/items"],
    [
      { properties: { a: { properties: { "b/c": { type: "null" } } } } },
      { a: { "b/c": 1 } },
      "#/properties/a/properties/b~1c/type",
    ],
    [{ properties: { toString: { type: "string" } } }, {}, undefined],
    [
      { properties: { a: true }, patternProperties: { "^x": true }, additionalProperties: false },
      { a: 1, x1: 1 },
      undefined,
    ],
    [{ properties: { a: true }, additionalProperties: false }, { b: 1 }, "#/additionalProperties"],
    [{ propertyNames: { maxLength: 1 } }, { ab: 1 }, "#/propertyNames/maxLength"],
    [{ dependentRequired: { a: ["b"] } }, { a: 1 }, "#/dependentRequired"],
    [{ dependentSchemas: { a: { required: ["b"] } } }, { a: 1 }, "#/dependentSchemas/a/required"],
    [{ allOf: [true, { minimum: 2 }] }, 1, "#/allOf/1/minimum"],
    [{ anyOf: [{ type: "string" }, { minimum: 2 }] }, 1, "#/anyOf"],
    [{ oneOf: [{ minimum: 1 }, { minimum: 2 }] }, 3, "#/oneOf"],
    [{ not: { type: "string" } }, "a", "#/not"],
    [conditional, 1, "#/if"],
    [conditional, "a", "#/if"],
    [conditional, 2, undefined],
    [{ ...tree, $ref: "#/$defs/node" }, { next: { next: { n: 1 } } }, undefined],
    [{ ...tree, $ref: "#/$defs/node" }, { next: { n: "1" } }, "#/$ref/properties/next/$ref/properties/n/type"],
    [{ $defs: { a: { $anchor: "text", type: "string" } }, $ref: "#text" }, 1, "#/$ref/type"],
    [{ format: "email", title: "annotations assert nothing" }, "x", undefined],
  ];
  it.each(rows)("%j of %j: %s", (schema, value, broken) => {
    expect(compileSchema(schema)(value)).toBe(broken);
  });

  it.each<[Json, string]>([
    [{ requird: ["a"] }, "requird"],
    [{ properties: { a: { unevaluatedProperties: false } } }, "unevaluatedProperties"],
    [{ items: 1 }, "#/items"],
    [{ constructor: 1 }, "constructor"],
    [{ allOf: 1 }, "allOf"],
    [{ $defs: { a: { $id: "other" } } }, "#/$defs/a"],
    [1, "#"],
  ])("refuses %j, since a schema that is not understood must not pass", (schema, named) => {
    expect(() => compileSchema(schema)).toThrow(named);
  });

  it.each<[Json, string]>([
    [{ $ref: "#/$defs/none" }, "#/$defs/none"],
    [{ $ref: "https://example.com/schema" }, "another document"],
    [{ $ref: "#" }, "refers to itself"],
    [{ pattern: "(" }, "regular expression"],
  ])("cannot judge by %j", (schema, named) => {
    expect(() => compileSchema(schema)("x")).toThrow(named);
  });
});
