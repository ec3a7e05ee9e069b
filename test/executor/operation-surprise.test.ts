import { describe, expect, test } from "vitest";
import {
  deleteRefusal,
  droppedSince,
  dropRefusal,
  previewRefusal,
  type Step,
  surpriseIn,
} from "../../src/executor/operation/surprise.js";

function step(op: string, name: string, type = "aws:s3/bucket:Bucket"): Step {
  return { op, type, urn: `urn:pulumi:dev::app::${type}::${name}` };
}
const stack = (op: string): Step => step(op, "app-dev", "pulumi:pulumi:Stack");
const provider = (op: string): Step => step(op, "default", "pulumi:providers:aws");

describe("previewRefusal", () => {
  test.each<[string, Step[], boolean]>([
    ["nothing at all on an empty stack", [stack("create")], false],
    ["nothing registered, one would be deleted", [stack("same"), step("delete", "a")], true],
    ["only a provider registered", [stack("same"), provider("same"), step("delete", "a")], true],
    ["one is kept, one is deleted", [stack("same"), step("same", "a"), step("delete", "b")], false],
    ["all are replaced by others", [stack("same"), step("create", "c"), step("delete", "a")], false],
    ["nothing registered, the refresh before it looked at one", [step("refresh", "a"), step("delete", "a")], true],
    ["a read is a registration", [stack("same"), step("read", "a"), step("delete", "b")], false],
  ])("%s", (_what, steps, refused) => {
    expect(previewRefusal(steps) !== undefined).toBe(refused);
  });

  test("names what would be gone", () => {
    const many = Array.from({ length: 7 }, (_, number) => step("delete", `r${number}`));
    expect(previewRefusal(many)).toMatch(/delete all 7 of the stack \(.*::r0, .* and 2 more\)/);
  });
});

describe("deleteRefusal", () => {
  test.each<[string, Step[], boolean]>([
    ["creates and updates", [stack("update"), step("create", "a"), step("update", "b"), step("refresh", "c")], false],
    ["a deletion", [step("same", "a"), step("delete", "b")], true],
    ["a replacement", [step("create-replacement", "a"), step("replace", "a"), step("delete-replaced", "a")], true],
    ["a default provider that is dropped", [step("same", "a"), provider("delete")], false],
  ])("%s", (_what, steps, refused) => {
    expect(deleteRefusal(steps) !== undefined).toBe(refused);
  });
});

describe("droppedSince", () => {
  test.each<[string, Step[], Step[], string[]]>([
    ["the same resources", [step("same", "a"), step("update", "b")], [step("update", "b"), step("same", "a")], []],
    ["one was not registered again", [step("same", "a"), step("same", "b")], [step("same", "a")], ["b"]],
    ["one that was only to be created", [step("same", "a"), step("create", "b")], [step("same", "a")], []],
    ["one that the preview would delete", [step("same", "a"), step("delete", "b")], [step("same", "a")], []],
    ["more than the preview showed", [step("same", "a")], [step("same", "a"), step("create", "c")], []],
    ["a replaced one", [step("replace", "a")], [step("create-replacement", "a")], []],
    [
      "a default provider, for which there is no use any more",
      [step("same", "a"), provider("same")],
      [step("same", "a")],
      [],
    ],
    ["a provider of the program's own", [step("same", "eu", "pulumi:providers:aws")], [], ["eu"]],
  ])("%s", (_what, preview, update, dropped) => {
    expect(droppedSince(preview, update).map((urn) => urn.split("::").at(-1))).toEqual(dropped);
  });

  test("nothing dropped is no refusal", () => {
    expect(dropRefusal([])).toBeUndefined();
    expect(dropRefusal(["urn:pulumi:dev::app::T::b"])).toContain("T::b");
  });
});

describe("surpriseIn", () => {
  test.each<[string, Step[], Step, boolean]>([
    ["a create is none", [], step("create", "a"), false],
    ["an update is none", [step("same", "a")], step("update", "a"), false],
    ["a deletion that was shown", [step("delete", "a")], step("delete", "a"), false],
    ["a deletion that was not shown", [], step("delete", "a"), true],
    ["a deletion of what was shown as kept", [step("same", "a")], step("delete", "a"), true],
    ["a replacement that was shown", [step("replace", "a")], step("create-replacement", "a"), false],
    ["a replacement of what was shown as updated", [step("update", "a")], step("replace", "a"), true],
    ["a default provider's end", [provider("same")], provider("delete"), false],
    ["the deletion that ends a shown replacement", [step("replace", "a")], step("delete-replaced", "a"), false],
    ["the discarding of a shown replacement's read", [step("read-replacement", "a")], step("discard", "a"), false],
  ])("%s", (_what, preview, now, surprising) => {
    expect(surpriseIn(preview, now) !== undefined).toBe(surprising);
  });
});
