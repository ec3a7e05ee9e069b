import { describe, expect, it } from "vitest";
import * as evo from "../../src/index.js";

const { custom, defineSequence, env, gate, http, independent, output, serial, text, up, z } = evo;
const stack = { dir: ".", stack: "dev" };

describe("gate", () => {
  it("asks the probe function once for each target", () => {
    const built = gate("live", {
      targets: ["eu", "us"],
      probe: (region) => http({ url: `https://${region}.example` }),
    });
    expect(built.targets.map(({ name, probe }) => [name, (probe as { url: string }).url])).toEqual([
      ["eu", "https://eu.example"],
      ["us", "https://us.example"],
    ]);
  });
});

describe("lists", () => {
  it("become serial groups, at any depth", () => {
    const { steps } = defineSequence({ name: "s", steps: [[up("a", stack), [up("b", stack)]], up("c", stack)] });
    expect(JSON.parse(JSON.stringify(steps))).toMatchObject([
      { kind: "serial", members: [{ name: "a" }, { kind: "serial", members: [{ name: "b" }] }] },
      { name: "c" },
    ]);
  });

  it("may be named or not", () => {
    expect(serial({ members: [] }).name).toBeUndefined();
    expect(serial("rest", { members: [] }).name).toBe("rest");
  });
});

describe("text", () => {
  it("joins literals and references", () => {
    expect(text`https://${output("gateway", "host")}/v${2}?k=${env("K")}`).toEqual({
      $join: ["https://", { $output: { step: "gateway", path: "host" } }, "/v", "2", "?k=", { $env: "K" }],
    });
  });

  it("is a plain text without references", () => {
    expect(text`a${"b"}`).toBe("ab");
  });
});

describe("types", () => {
  it("refuse what a sequence cannot say", () => {
    const wrong = () => [
      // @ts-expect-error: an unknown key
      up("a", { ...stack, timeout: "5s", dirr: "x" }),
      // @ts-expect-error: no stack
      up("a", { dir: "." }),
      // @ts-expect-error: no duration
      gate("g", { targets: ["eu"], interval: "5 seconds", probe: http({ url: "https://example.org" }) }),
      // @ts-expect-error: no such rule
      up("a", { ...stack, onFailure: "explode" }),
      // @ts-expect-error: a group has members
      independent("g", {}),
      // @ts-expect-error: a key that a probe doesn't have
      http({ url: "https://example.org", verb: "GET" }),
      // @ts-expect-error: an input that the schema refuses
      custom("c", { input: z.object({ min: z.number() }), look: () => never() })({ min: "3" }),
      // @ts-expect-error: a target that is not listed
      gate("g", { targets: ["eu", "us"], probe: (region) => http({ url: { eu: "a" }[region] }) }),
    ];
    expect(wrong).toBeTypeOf("function");
  });

  it("accept what it can", () => {
    const durations: evo.Duration[] = ["500ms", "10s", "2m", "1h30m", "1h", "2m30s", 10];
    expect(durations).toHaveLength(7);
  });
});

function never(): never {
  throw new Error("not called");
}
