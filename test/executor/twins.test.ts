/** The same live resource in several stacks of a file backend: one type, one id. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FileStack } from "../../src/executor/stack/backend.js";
import { twinsOf } from "../../src/executor/stack/twins.js";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "evo-twins-"));
  checkpoint("app/prod", [resource("app", "queue", "q-1"), resource("app", "topic", "t-1"), resource("app", "made")]);
  checkpoint("shared/prod", [resource("shared", "theirs", "q-1"), resource("shared", "other", "q-2")]);
  checkpoint("shared/dev", [resource("shared", "theirs", "q-3")]);
});
afterAll(() => rmSync(directory, { recursive: true }));

const urn = (project: string, name: string) => `urn:pulumi:prod::${project}::aws:sqs/queue:Queue::${name}`;
const resource = (project: string, name: string, id?: string) => ({
  ...{ urn: urn(project, name), type: "aws:sqs/queue:Queue" },
  ...(id === undefined ? {} : { id }),
});

function checkpoint(name: string, resources: readonly object[]): void {
  const file = join(directory, ".pulumi", "stacks", `${name}.json`);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, JSON.stringify({ checkpoint: { latest: { resources } } }));
  writeFileSync(`${file}.bak`, "no checkpoint");
}

function stack(name: string): FileStack {
  const file = join(directory, ".pulumi", "stacks", `${name}.json`);
  const where = { url: `file://${directory}`, name: `organization/${name}`, directory };
  return { kind: "file", ...where, checkpoint: file, history: "", locks: "" };
}

describe("twins", () => {
  it("are resources of other stacks of the same type and id", () => {
    const asked = ["queue", "topic", "made"].map((name) => urn("app", name));
    expect(twinsOf(stack("app/prod"), asked)).toEqual([
      {
        urn: urn("app", "queue"),
        stack: `file://${directory}#organization/shared/prod`,
        other: urn("shared", "theirs"),
      },
    ]);
    expect(twinsOf(stack("app/prod"), [urn("app", "topic")])).toEqual([]);
  });

  it("are none of a stack that isn't there, or of a backend that is no folder", () => {
    expect(twinsOf(stack("app/nowhere"), [urn("app", "queue")])).toEqual([]);
    expect(twinsOf({ kind: "remote", url: "s3://b", name: "n", cloud: false }, [urn("app", "queue")])).toEqual([]);
  });
});
