/** Checkpoints compared, and what of a live state may be shown. */
import { describe, expect, it } from "vitest";
import { driftedIn } from "../../src/executor/stack/live.js";
import { compareSnapshots, resourcesIn } from "../../src/executor/stack/snapshot.js";
import type { Json } from "../../src/gates/model.js";

const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:abc" };
const urn = (name: string) => `urn:pulumi:dev::p::t:m:T::${name}`;
const resource = (name: string, inputs: object, more: object = {}) => ({
  urn: urn(name),
  type: "t:m:T",
  id: name,
  inputs,
  outputs: inputs,
  ...more,
});
const file = (...resources: object[]) => JSON.stringify({ version: 3, checkpoint: { latest: { resources } } });
const exported = (...resources: object[]) => JSON.stringify({ version: 3, deployment: { resources } });

describe("compareSnapshots", () => {
  const before = file(resource("a", { x: 1, tags: { team: "one" } }), resource("b", {}));
  it.each([
    ["the same", before, []],
    [
      "capitals, as pulumi import writes them",
      before.replace("checkpoint", "Checkpoint").replace("latest", "Latest"),
      [],
    ],
    ["a property", file(resource("a", { x: 1, tags: { team: "two" } }), resource("b", {})), ["update a tags.team"]],
    [
      "one more",
      file(resource("a", { x: 1, tags: { team: "one" } }), resource("b", {}), resource("c", {})),
      ["create c "],
    ],
    ["one less", exported(resource("a", { x: 1, tags: { team: "one" } })), ["delete b "]],
    [
      "another id",
      file(resource("a", { x: 2, tags: { team: "one" } }, { id: "z" }), resource("b", {})),
      ["replace a x"],
    ],
  ])("%s", (_, after, expected) => {
    const changed = compareSnapshots(resourcesIn(before), resourcesIn(after));
    expect(changed.map(({ op, urn, paths }) => `${op} ${urn.split("::").at(-1)} ${paths.join(",")}`)).toEqual(expected);
  });

  it("can't tell two secrets apart, but sees a value that became one", () => {
    const [a, b] = [
      resourcesIn(file(resource("a", { p: SECRET }))),
      resourcesIn(file(resource("a", { p: { ...SECRET, ciphertext: "v1:def" } }))),
    ];
    expect(compareSnapshots(a, b)).toEqual([]);
    expect(compareSnapshots(a, resourcesIn(file(resource("a", { p: "plain" }))))).toMatchObject([{ paths: ["p"] }]);
  });
});

describe("driftedIn", () => {
  const found = (path: string, live: unknown, declared: unknown = "old") => ({
    op: "update",
    urn: urn("a"),
    type: "t:m:T",
    old: { inputs: { [path]: declared } },
    new: { inputs: { [path]: live } },
    detailedDiff: { [path]: {} },
  });
  const known = (inputs: object, more: object = {}) =>
    new Map(resourcesIn(file(resource("a", inputs, more))).map((one) => [one.urn, one]));
  const shown = (one: ReturnType<typeof driftedIn>) => one?.properties[0];
  const same = (value: Json) => value;

  it("shows a plain value", () => {
    expect(shown(driftedIn(found("size", 3, 2) as never, known({ size: 2 }), same))).toEqual({
      path: "size",
      declared: 2,
      live: 3,
    });
  });
  it.each([
    ["a secret of the checkpoint", found("size", "live"), known({ size: SECRET })],
    ["something with a secret in it", found("size", { a: "live" }), known({ size: { a: SECRET } })],
    [
      "an output that the program declared secret",
      found("size", "live"),
      known({ size: 1 }, { additionalSecretOutputs: ["size"] }),
    ],
    ["a name that says so", found("dbPassword", "live"), known({ dbPassword: "x" })],
    [
      "what the engine masks",
      { ...found("size", "live"), new: { inputs: { size: "live" }, outputs: { size: "[secret]" } } },
      known({ size: 1 }),
    ],
    [
      "a mapping, into which anything may have been put",
      found("size", { a: "live" }, { a: 1 }),
      known({ size: { a: 1 } }),
    ],
    ["what was added past the program", found("size", "live"), known({ other: 1 })],
    ["a resource that no checkpoint tells of", found("size", "live"), new Map()],
  ])("masks %s", (_, event, checkpoint) => {
    const one = driftedIn(event as never, checkpoint, same);
    expect(JSON.stringify(one)).not.toContain('live"}');
    expect(shown(one)).toMatchObject({ declared: "[secret]", live: "[secret]" });
  });
  it("knows a resource that is gone from one that is as declared", () => {
    expect(driftedIn({ op: "delete", urn: urn("a"), type: "t" }, known({}), same)).toMatchObject({ op: "gone" });
    expect(driftedIn({ op: "same", urn: urn("a"), type: "t" }, known({}), same)).toBeUndefined();
  });
});
