import { describe, expect, it } from "vitest";
import type { Json } from "../../../src/gates/model.js";
import { compileSchema } from "../../../src/gates/probes/json-schema.js";

describe("compileSchema", () => {
  const tree = { $defs: { node: { properties: { next: { $ref: "#/$defs/node" }, n: { type: "integer" } } } } };
  it.each<readonly [schema: Json, value: Json, broken: string | undefined]>([
    [true, 1, undefined],
    [{ type: "integer" }, 1.5, "#/type"],
    // What zod's fromJSONSchema lets pass.
    [{ required: ["a"] }, {}, "#/required"],
    [{ minimum: 3 }, 2, "#/minimum"],
    [{ contains: { type: "string" } }, [1], "#/contains"],
    [{ multipleOf: 0.1 }, 0.3, undefined],
    [{ properties: { toString: { type: "string" } } }, {}, undefined],
    [
      { properties: { a: { properties: { "b/c": { type: "null" } } } } },
      { a: { "b/c": 1 } },
      "#/properties/a/properties/b~1c/type",
    ],
    [{ ...tree, $ref: "#/$defs/node" }, { next: { next: { n: 1 } } }, undefined],
    [{ ...tree, $ref: "#/$defs/node" }, { next: { n: "1" } }, "#/properties/n/type"],
    [{ $defs: { a: { $anchor: "text", type: "string" } }, $ref: "#text" }, "a", undefined],
    [{ format: "email", title: "annotations assert nothing" }, "x", undefined],
  ])("%j of %j: %s", (schema, value, broken) => {
    expect(compileSchema(schema)(value)).toBe(broken);
  });

  it.each<Json>([
    { requird: ["a"] },
    { type: "text" },
    { properties: { a: { nope: 1 } } },
    { items: 1 },
    { $ref: "https://example.com/schema" },
    { $ref: "#/$defs/nowhere" },
    1,
    null,
    [],
  ])("refuses %j: a schema that is not understood must not pass (invariant 2)", (schema) => {
    expect(() => compileSchema(schema)).toThrow("schema");
  });
});
