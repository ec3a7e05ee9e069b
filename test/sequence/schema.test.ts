import { readFileSync } from "node:fs";
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

describe("docs/sequence.schema.json", () => {
  it("is what evo schema prints (npm run docs writes it)", () => {
    const file = new URL("../../docs/sequence.schema.json", import.meta.url);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(JSON.parse(JSON.stringify(schemaJson())));
  });
});
