import { describe, expect, it } from "vitest";
import { schemaJson, sequenceSchema } from "../../src/sequence/schema.js";

describe("schemaJson", () => {
  it("describes what an author may write: strict objects, durations as texts or numbers", () => {
    const schema = schemaJson() as { required: string[]; additionalProperties: boolean };
    expect(schema).toMatchObject({ required: ["version", "name", "steps"], additionalProperties: false });
    expect(JSON.stringify(schema)).toContain('"interval":{"type":["string","number"]}');
  });
});

describe("sequenceSchema", () => {
  it("names the version that it reads", () => {
    const other = sequenceSchema.safeParse({ version: 2, name: "s", steps: [] });
    expect(other.error?.issues).toMatchObject([{ path: ["version"], message: "expected 1" }, { path: ["steps"] }]);
  });
});
