import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openCloud } from "../../src/world/cloud.js";
import { defineWorld } from "../../src/world/define.js";
import { changes } from "../../src/world/diff.js";
import { checkFault, describeFault, parseFault } from "../../src/world/fault.js";
import { invoke } from "../../src/world/invokes.js";
import type { Properties, WorldSpec } from "../../src/world/model.js";
import { type Making, newId, outputsOf, previewOf } from "../../src/world/outputs.js";
import { plain, secret, UNKNOWN } from "../../src/world/values.js";
import { chances, version } from "./builders.js";

describe("diff", () => {
  const STAGE = "aws:apigatewayv2/stage:Stage";
  test.each<[string, string, Properties, Properties, string[]]>([
    ["nothing", STAGE, { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, []],
    ["a nested value", STAGE, { a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }, ["update a[1].b"]],
    ["what came and went", STAGE, { a: 1 }, { b: 1 }, ["delete a", "add b"]],
    ["a key that is no identifier", STAGE, { t: { "x/y": 1 } }, { t: { "x/y": 2 } }, ['update t["x/y"]']],
    ["another kind of value", STAGE, { a: [1] }, { a: { b: 1 } }, ["update a"]],
    ["only secrecy", STAGE, { a: "x" }, { a: secret("x") }, []],
    ["a secret's content", STAGE, { a: secret("x") }, { a: secret("y") }, ["update a"]],
    ["what can't change in place", STAGE, { apiId: "1" }, { apiId: "2" }, ["update apiId replaces"]],
    ["a nested immutable", "kubernetes:apps/v1:Deployment", sel("a"), sel("b"), ["update spec.selector.app replaces"]],
    ["a name that only begins alike", STAGE, { apiIds: "1" }, { apiIds: "2" }, ["update apiIds"]],
  ])("%s", (_name, type, old, now, expected) => {
    const seen = changes(type, old, now).map(
      ({ kind, path, replaces }) => `${kind} ${path}${replaces ? " replaces" : ""}`,
    );
    expect(seen).toEqual(expected);
  });
  function sel(app: string): Properties {
    return { spec: { selector: { app } } };
  }
});

describe("outputs", () => {
  const making = (type: string, inputs: Properties): Making => ({
    seed: 1,
    type,
    urn: `urn:pulumi:prod::p::${type}::thing`,
    inputs,
    region: "eu-west-1",
    number: 1,
    origin: (region) => `http://127.0.0.1:1/${region}`,
  });

  test("a stage's URL leads to its region's address", () => {
    const stage = making("aws:apigatewayv2/stage:Stage", { name: "$default", apiId: "a" });
    expect(outputsOf(stage, newId(stage))).toMatchObject({ invokeUrl: "http://127.0.0.1:1/eu-west-1", apiId: "a" });
  });

  test("a generated secret is marked, and stays the same for life", () => {
    const client = making("aws:cognito/userPoolClient:UserPoolClient", { generateSecret: true });
    const id = newId(client);
    const { clientSecret } = outputsOf(client, id);
    expect(plain(clientSecret!)).toMatch(/^[0-9a-f]{52}$/);
    expect(clientSecret).not.toEqual(plain(clientSecret!));
    expect(outputsOf({ ...client, number: 2 }, id).clientSecret).toEqual(clientSecret);
  });

  test("a preview knows its inputs and nothing that the cloud adds", () => {
    const seen = previewOf(
      making("kubernetes:apps/v1:Deployment", { metadata: { name: "orders" }, spec: { replicas: 3 } }),
    );
    expect(seen).toMatchObject({ metadata: { name: "orders", uid: UNKNOWN }, status: UNKNOWN, spec: { replicas: 3 } });
  });

  test("a workload's status says that it is there", () => {
    const deployment = making("kubernetes:apps/v1:Deployment", { spec: { replicas: 3 } });
    expect(outputsOf(deployment, "default/x").status).toMatchObject({ updatedReplicas: 3, readyReplicas: 3 });
  });

  test("a type that nobody heard of gets an id and gives its inputs back", () => {
    const other = making("acme:index:Rocket", { size: 3 });
    expect(newId(other)).toMatch(/^[0-9a-f]{16}$/);
    expect(outputsOf(other, "id")).toEqual({ size: 3 });
  });
});

test("invokes: the caller's identity, and arguments back where the world has no answer", () => {
  expect(invoke("aws:index/getCallerIdentity:getCallerIdentity", {}, "r")).toMatchObject({ accountId: "123456789012" });
  expect(invoke("aws:index/getRegion:getRegion", {}, "eu-west-1")).toMatchObject({ name: "eu-west-1" });
  expect(invoke("acme:index:thing", { a: 1 }, "r")).toEqual({ id: "acme:index:thing", a: 1 });
});

describe("the cloud", () => {
  const key = Buffer.alloc(32, 7);
  const opened = () => {
    const dir = mkdtempSync(join(tmpdir(), "evo-cloud-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const file = join(dir, "cloud.ndjson");
    return { file, cloud: openCloud(file, key, chances()) };
  };

  test("remembers changes, faults and their end; secrets lie sealed on disk (invariant 11)", () => {
    const { file, cloud } = opened();
    cloud.take(version({ properties: { token: secret("canary-secret"), deep: [{ x: secret({ y: "canary" }) }] } }));
    cloud.fault({ kind: "never-converges", region: "eu-west-1", from: 5, began: 5 });
    cloud.fault({ kind: "fails", stacks: ["p/prod"], from: 6, until: 7, began: 6 });
    cloud.lift(9);
    expect(readFileSync(file, "utf8")).not.toContain("canary");
    const again = openCloud(file, key, chances());
    expect(again.versions).toEqual(cloud.versions);
    expect(again.faults).toEqual([
      { kind: "never-converges", region: "eu-west-1", from: 5, until: 9, began: 5 },
      { kind: "fails", stacks: ["p/prod"], from: 6, until: 7, began: 6 },
    ]);
  });

  test("a last line that was cut off is no change, and doesn't spoil the next", () => {
    const { file, cloud } = opened();
    cloud.take(version());
    appendFileSync(file, '{"kind":"version","ver');
    openCloud(file, key, chances()).take(version());
    expect(openCloud(file, key, chances()).versions.map(({ number }) => number)).toEqual([1, 2]);
  });

  test("what replaced another under the same URN is found by its own id", () => {
    const { cloud } = opened();
    const first = cloud.take(version({ id: "one" }));
    const second = cloud.take(version({ id: "two" }));
    expect([first.number, second.number]).toEqual([1, 2]);
    expect(cloud.live(first.urn, "two")?.number).toBe(2);
    expect(cloud.live(first.urn, "three")).toBeUndefined();
  });
});

describe("a world's declaration", () => {
  const spec: WorldSpec = {
    name: "w",
    regions: { a: { edges: 5 } },
    propagation: [],
    endpoint: () => ({ status: 200 }),
  };
  test.each<[string, object, RegExp]>([
    ["too few edges", { regions: { a: { edges: 4 } } }, /regions\.a\.edges/],
    ["no region", { regions: {} }, /at least one region/],
    ["a range the wrong way round", { propagation: [{ types: "*", delay: [5, 1] }] }, /smaller to the larger/],
    [
      "a region that isn't there",
      { propagation: [{ types: "*", delay: [1, 5], regions: { b: [1, 2] } }] },
      /no region "b"/,
    ],
    ["a fault elsewhere", { faults: [{ kind: "never-converges", region: "b" }] }, /no region "b"/],
    ["an unknown key", { sead: 1 }, /sead/],
    ["no endpoint", { endpoint: "x" }, /endpoint/],
  ])("%s is refused", (_name, over, message) => {
    expect(() => defineWorld({ ...spec, ...over } as WorldSpec)).toThrow(message);
  });

  test("faults in text", () => {
    expect(parseFault("never-converges:a")).toEqual({ kind: "never-converges", region: "a" });
    expect(parseFault("never-converges:a/2")).toEqual({ kind: "never-converges", region: "a", edge: "a/2" });
    expect(parseFault("flaps:a/2")).toMatchObject({ kind: "flaps", edge: "a/2", shown: 500, hidden: 500 });
    expect(parseFault("fails:gateway/prod-a")).toEqual({ kind: "fails", stacks: ["gateway/prod-a"] });
    expect(
      ["never-converges:a", "flaps:a/2", "fails:gateway/prod-a"].map((text) => describeFault(parseFault(text))),
    ).toEqual(["never-converges:a", "flaps:a/2", "fails:gateway/prod-a"]);
    expect(() => parseFault("sometimes:a")).toThrow(/no fault/);
    expect(() => checkFault(defineWorld(spec), { kind: "never-converges", region: "b" })).toThrow(/no region "b"/);
    expect(() => checkFault(defineWorld(spec), { kind: "never-converges", region: "a", edge: "a/6" })).toThrow(
      /1 to 5/,
    );
  });
});
