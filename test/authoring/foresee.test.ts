import { describe, expect, it } from "vitest";
import { describeChanges, describeForeseen } from "../../src/authoring/describe-preview.js";
import { type Foreseen, foresee, type Previewed, upstreamOf, withoutOutputs } from "../../src/authoring/foresee.js";
import type { Sequence } from "../../src/sequence/model.js";

const step = (name: string, more = {}) => ({ kind: "up" as const, name, dir: name, stack: "dev", ...more });
const previewed = (...ops: string[]): Previewed => ({
  status: "previewed",
  changes: {
    counts: {},
    resources: ops.map((op) => ({ urn: "u", type: "t", op, paths: [], replaces: [] })),
    diagnostics: [],
    engine: "3",
    providers: {},
    duration: 1,
  },
});

describe("upstreamOf", () => {
  it("names the earlier steps whose stacks a step reads or operates", () => {
    const sequence: Sequence = {
      version: 1,
      name: "s",
      steps: [
        step("a"),
        step("b"),
        step("c", { config: { x: { $output: { step: "a", path: "y" } } } }),
        { ...step("b2"), dir: "b" },
      ],
    };
    const needs = [
      { step: "b", needs: "a" },
      { step: "b", needs: "c" },
    ] as never;
    expect([...upstreamOf(sequence, { needs, unknown: [] })]).toEqual([
      ["a", []],
      ["b", ["a"]],
      ["c", ["a"]],
      ["b2", ["b"]],
    ]);
  });
});

describe("foresee", () => {
  const over = (given: { [name: string]: Previewed }) => {
    const upstream: { [name: string]: string[] } = { a: [], b: ["a"], c: ["b"] };
    const all = new Map<string, Foreseen>();
    for (const [name, seen] of Object.entries(given)) all.set(name, foresee(name, upstream[name] ?? [], seen, all));
    return [...all.values()].map(({ status, dependsOn }) => `${status} ${dependsOn.join()}`.trim());
  };
  const failed: Previewed = { status: "failed", reason: "no stack" };

  it("is certain of what depends on nothing that changes", () => {
    expect(over({ a: previewed("same", "read"), b: previewed("update"), c: previewed() })).toEqual([
      "certain",
      "certain",
      "mayChange b",
    ]);
  });

  it("passes uncertainty on", () => {
    expect(over({ a: previewed("create"), b: previewed(), c: previewed() })).toEqual([
      "certain",
      "mayChange a",
      "mayChange b",
    ]);
    expect(over({ a: previewed("create"), b: failed, c: failed })).toEqual(["certain", "notKnown a", "notKnown b"]);
  });

  it("blames a failure on nobody else", () => {
    expect(over({ a: previewed(), b: failed, c: previewed() })).toEqual(["certain", "failed", "mayChange b"]);
    const own: Previewed = { status: "failed", reason: "no passphrase", own: true };
    expect(over({ a: own, b: own, c: failed })).toEqual(["failed", "failed a", "notKnown b"]);
  });
});

describe("withoutOutputs", () => {
  it("names steps that make their stacks, and those of which nothing is known", () => {
    const resource = (type: string) => ({ urn: "u", type, op: "create", paths: [], replaces: [] });
    const creates = (type: string) => ({
      ...(previewed() as { changes: object }).changes,
      resources: [resource(type)],
    });
    const one = (step: string, more: object) => [step, { step, status: "certain", dependsOn: [], ...more }] as const;
    const earlier = new Map([
      one("new", { changes: creates("pulumi:pulumi:Stack") }),
      one("grown", { changes: creates("a:b:C") }),
      one("unknown", { status: "notKnown" }),
      one("may", { status: "mayChange" }),
    ]) as never;
    expect(withoutOutputs(["new", "grown", "unknown", "may"], earlier)).toEqual(["new", "unknown"]);
    expect(withoutOutputs(["grown"], earlier)).toEqual([]);
  });
});

describe("a preview in words", () => {
  const changes = {
    counts: { same: 2, update: 1, create: 0 },
    resources: [
      { urn: "urn:pulumi:dev::p::a:b:C::one", type: "a:b:C", op: "same", paths: [], replaces: [] },
      { urn: "urn:pulumi:dev::p::a:b:C::two", type: "a:b:C", op: "replace", paths: ["x", "y[0]"], replaces: ["x"] },
      { urn: "urn:x::default", type: "pulumi:providers:a", op: "update", paths: [], replaces: [] },
    ],
    diagnostics: [],
    engine: "3",
    providers: {},
    duration: 1,
  };

  it("says what is certain, and until when the rest is unknown", () => {
    const say = (one: Partial<Foreseen>) =>
      describeForeseen({ step: "s", status: "certain", dependsOn: [], changes, ...one });
    expect(say({})).toBe("1 to update");
    expect(say({ status: "mayChange", dependsOn: ["net"] })).toBe(
      "1 to update as things stand; unknown until net has run",
    );
    expect(say({ status: "notKnown", dependsOn: ["net", "app"], reason: "no stack\n\nnet/dev" })).toBe(
      "unknown until net, app have run (no stack; net/dev)",
    );
    expect(say({ status: "failed", reason: "no stack" })).toBe("can't be previewed: no stack");
  });

  it("names resources and the paths of their properties", () => {
    expect(describeChanges({ step: "s", status: "certain", dependsOn: [], changes })).toEqual([
      "replace a:b:C two: x (forces replacement), y[0]",
    ]);
  });
});
