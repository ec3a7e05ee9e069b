import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NeverConverges, StandingFault } from "../../src/world/model.js";
import {
  arrival,
  type Chances,
  delayAt,
  edgesOf,
  matchesType,
  partsOf,
  place,
  typeOf,
  type Version,
  viewOf,
} from "../../src/world/propagation.js";
import { chances, version } from "./builders.js";

const WEST = edgesOf(chances().definition, "eu-west-1");
const spread = (of: Version, with_: Chances = chances()) => WEST.map((edge) => delayAt(with_, of, "eu-west-1", edge));

describe("delays", () => {
  test.each([
    ["what no rule names arrives at once", "random:index:Id", "eu-west-1", 0, 0],
    ["the rule's own range", "aws:cognito/userPool:UserPool", "eu-west-1", 100, 200],
    ["the region's range where it has one", "aws:lambda/function:Function", "eu-west-1", 1_000, 5_000],
    ["a pattern that ends in *", "aws:lambda/permission:Permission", "eu-west-1", 1_000, 5_000],
  ])("%s", (_name, type, region, min, max) => {
    const delays = spread(version({ type, region }));
    expect(Math.min(...(delays as number[]))).toBeGreaterThanOrEqual(min);
    expect(Math.max(...(delays as number[]))).toBeLessThanOrEqual(max);
  });

  test("a regional resource never goes to another region", () => {
    const of = version({ type: "aws:lambda/function:Function", region: "us-east-1" });
    expect(spread(of)).toEqual(WEST.map(() => undefined));
  });

  test("in every seed one edge is early, one is late, and each has its own delay", () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(20), (seed, number) => {
        const of = version({ type: "aws:lambda/function:Function", region: "eu-west-1", number });
        const delays = spread(of, chances({ seed })) as number[];
        expect(Math.min(...delays)).toBeLessThanOrEqual(1_800);
        expect(Math.max(...delays)).toBeGreaterThanOrEqual(4_200);
        expect(new Set(delays).size).toBeGreaterThan(1);
      }),
    );
  });

  test("they follow from the seed alone, and the pace stretches them", () => {
    const of = version({ type: "aws:lambda/function:Function", region: "eu-west-1" });
    expect(spread(of, chances({ seed: 7 }))).toEqual(spread(of, chances({ seed: 7 })));
    expect(spread(of, chances({ seed: 7 }))).not.toEqual(spread(of, chances({ seed: 8 })));
    const stretched = spread(of, chances({ pace: 10 })) as number[];
    expect(Math.max(...stretched)).toBeGreaterThan(40_000);
  });
});

describe("arrival", () => {
  const due = 1_000;
  const placed = { ...version({ at: 0 }), resource: undefined, due: new Map([["eu-west-1/1", due]]) };
  const standing = (fault: Partial<NeverConverges>): StandingFault => ({
    kind: "never-converges",
    region: "eu-west-1",
    from: 0,
    began: 0,
    ...fault,
  });
  test.each<[string, StandingFault[], number | undefined]>([
    ["without faults it arrives when it is due", [], due],
    ["never while a fault stands", [standing({})], undefined],
    ["at once when the fault is lifted", [standing({ until: 3_000 })], 3_000],
    ["a fault that began later came too late", [standing({ from: due + 1 })], due],
    ["a fault that ended before doesn't matter", [standing({ until: 500 })], due],
    ["another region's fault doesn't matter", [standing({ region: "us-east-1" })], due],
    ["another edge's fault doesn't matter", [standing({ edge: "eu-west-1/2" })], due],
    ["this edge's fault does", [standing({ edge: "eu-west-1/1" })], undefined],
    ["another stack's fault doesn't matter", [standing({ stacks: ["p/dev"] })], due],
    ["this stack's fault does", [standing({ stacks: ["p/prod"] })], undefined],
    ["a fault whose end is known: late, and then it is there", [standing({ until: 7_000 })], 7_000],
    ["other types' fault doesn't matter", [standing({ types: "kubernetes:*" })], due],
  ])("%s", (_name, faults, expected) => {
    expect(arrival(faults, placed, "eu-west-1", "eu-west-1/1")).toBe(expected);
  });
});

describe("an edge's view", () => {
  const of = (number: number, value: string | undefined, at: number) =>
    place(
      chances(),
      version({ number, at, ...(value === undefined ? { properties: undefined } : { properties: { value } }) }),
    );
  const seen = (versions: ReturnType<typeof of>[], now: number) =>
    viewOf([], versions, "us-east-1", "us-east-1/1", now).resources.map(({ properties }) => properties.value);

  test.each([
    ["nothing before it was made", [of(1, "a", 100)], 99, []],
    ["the newest version", [of(1, "a", 100), of(2, "b", 200)], 200, ["b"]],
    ["not yet the newest", [of(1, "a", 100), of(2, "b", 200)], 199, ["a"]],
    ["nothing once the deletion has arrived", [of(1, "a", 100), of(2, undefined, 200)], 200, []],
  ])("%s", (_name, versions, now, expected) => {
    expect(seen(versions, now)).toEqual(expected);
  });

  test("a flapping change is seen in turns, and what was there before in the others, until the fault is lifted", () => {
    const flaps = { kind: "flaps", region: "us-east-1", shown: 30, hidden: 70, from: 100, began: 200 } as const;
    const at = (now: number, fault: StandingFault = flaps) =>
      viewOf([fault], [of(1, "a", 0), of(2, "b", 150)], "us-east-1", "us-east-1/1", now).resources.map(
        ({ properties }) => properties.value,
      );
    expect([200, 269, 270, 299, 300, 370].map((now) => at(now))).toEqual([["a"], ["a"], ["b"], ["b"], ["a"], ["b"]]);
    expect(at(300, { ...flaps, until: 300 })).toEqual(["b"]);
    expect(at(300, { ...flaps, stacks: ["q/prod"] })).toEqual(["b"]);
  });

  test("a newer version that overtook an older one stays", () => {
    const late = { ...of(1, "old", 0), due: new Map([["us-east-1/1", 500]]) };
    const early = { ...of(2, "new", 10), due: new Map([["us-east-1/1", 20]]) };
    expect(seen([late, early], 600)).toEqual(["new"]);
  });
});

test("URNs and patterns", () => {
  const urn = "urn:pulumi:prod::gateway::my:Component$aws:lambda/function:Function::a::b";
  expect(partsOf(urn)).toEqual({ stack: "prod", project: "gateway", name: "a::b" });
  expect(typeOf(urn)).toBe("aws:lambda/function:Function");
  expect(matchesType("aws:lambda/*", "aws:lambda/function:Function")).toBe(true);
  expect(matchesType("aws:lambda/function:Function", "aws:lambda/function:FunctionUrl")).toBe(false);
});
