import { describe, expect, it } from "vitest";
import { EvoError } from "../../../src/errors.js";
import type { StackOutputProbe } from "../../../src/gates/model.js";
import type { StackOutputs } from "../../../src/gates/probes/index.js";
import { createRedactor } from "../../../src/redact.js";
import type { CustomLook } from "../../../src/sequence/model.js";
import { lookOnce } from "./looking.js";

const CANARY = "canary-7f3a9e";

describe("stackOutput", () => {
  const outputs: StackOutputs = {
    url: { value: "https://a.example", secret: false },
    replicas: { value: 3, secret: false },
    urls: { value: { "eu-west": ["https://eu"] }, secret: false },
    "dotted.name": { value: true, secret: false },
    password: { value: CANARY, secret: true },
  };
  const probe = (given: Omit<StackOutputProbe, "type" | "step">): StackOutputProbe => ({
    type: "stackOutput",
    step: "app",
    ...given,
  });
  const cases: readonly (readonly [Omit<StackOutputProbe, "type" | "step">, string, unknown])[] = [
    [{ path: "url", equals: "https://a.example" }, "pass", "https://a.example"],
    [{ path: "url", equals: "other" }, "fail", "string, 17 characters"],
    [{ path: "replicas", atLeast: 3 }, "pass", 3],
    [{ path: "urls.eu-west[0]", equals: "https://eu" }, "pass", "https://eu"],
    [{ path: "dotted.name", equals: true }, "pass", true],
    [{ path: "missing", exists: true }, "fail", "absent"],
    [{ path: "missing", exists: false }, "pass", "absent"],
    [{ path: "toString", exists: true }, "fail", "absent"],
    [{ path: "password", exists: true, reveal: true }, "pass", "secret"],
    [{ path: "password", matches: "^canary" }, "pass", "secret"],
    [{ path: "password", equals: "x" }, "fail", "secret"],
  ];
  it.each(cases)("%j: %s", async (given, verdict, observed) => {
    const look = await lookOnce(probe(given), { context: { outputs: async () => outputs } });
    expect(look).toMatchObject({ verdict, observed: { [given.path]: observed } });
    expect(JSON.stringify(look)).not.toContain(CANARY);
  });

  it("is an error when the outputs can't be read, without a secret in the reason", async () => {
    const failing = (error: unknown) => ({ outputs: () => Promise.reject(error), redactor: createRedactor([CANARY]) });
    const given = probe({ path: "a", exists: false });
    const known = await lookOnce(given, { context: failing(new EvoError("x", `no stack ${CANARY}`)) });
    expect(known).toEqual({
      verdict: "error",
      observed: null,
      expected: { a: { exists: false } },
      message: "no stack [secret]",
    });
    expect((await lookOnce(given, { context: failing(new Error("a\nb")) })).message).toBe("Error: a b");
    expect((await lookOnce(given, { context: failing(CANARY) })).message).not.toContain(CANARY);
  });
});

describe("settled", () => {
  const settled = (changes: number) =>
    lookOnce(
      { type: "settled", step: "app" },
      { context: { settled: async (step) => ({ changes, summary: `${step}: 2 to update` }) } },
    );
  it("passes when a refresh preview shows nothing", async () => {
    expect(await settled(0)).toEqual({ verdict: "pass", observed: { changes: 0 }, expected: { changes: 0 } });
  });
  it("fails when it shows changes", async () => {
    expect(await settled(2)).toMatchObject({ verdict: "fail", observed: { changes: 2 }, message: "app: 2 to update" });
  });
  it("is an error when nobody can say", async () => {
    expect((await settled(Number.NaN)).verdict).toBe("error");
  });
});

describe("custom", () => {
  const look = (custom: CustomLook, more: Parameters<typeof lookOnce>[1] = {}) =>
    lookOnce(
      { type: "custom", name: "mine", input: { path: "/a" } },
      { ...more, context: { customs: new Map([["mine", custom]]), ...more.context } },
    );

  it("gets its input, its target and a signal, and answers a look", async () => {
    const answer = await look((input, { target, signal }) => ({
      verdict: "pass",
      observed: { input: input as never, target, aborted: signal.aborted },
      expected: null,
    }));
    expect(answer).toEqual({
      verdict: "pass",
      observed: { input: { path: "/a" }, target: "eu-west", aborted: false },
      expected: null,
    });
  });

  it.each<[string, CustomLook, string]>([
    ["throws", () => Promise.reject(new TypeError(`bad ${CANARY}`)), "TypeError: bad [secret]"],
    ["throws at once, no error", () => Promise.reject("x"), "something that is no error was thrown"],
    ["answers nothing", (() => undefined) as never, "custom probe mine answered no look: the answer"],
    [
      "answers an unknown verdict and no JSON",
      (() => ({ verdict: "ok", observed: () => 1, expected: 1 })) as never,
      "custom probe mine answered no look: verdict, observed",
    ],
  ])("is an error when it %s", async (_, custom, message) => {
    const answer = await look(custom, { context: { redactor: createRedactor([CANARY]) } });
    expect(answer).toEqual({ verdict: "error", observed: null, expected: null, message });
  });

  it("is an error when the sequence has none of that name", async () => {
    const answer = await lookOnce({ type: "custom", name: "other" });
    expect(answer).toMatchObject({ verdict: "error", message: "the sequence has no custom probe other" });
  });

  it("is not waited for longer than its time-out, and is told", async () => {
    let told: Promise<void> | undefined;
    const answer = await look(
      (_, { signal }) => {
        told = new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
        return new Promise(() => undefined);
      },
      { timeout: 20 },
    );
    expect(answer).toMatchObject({ verdict: "error", message: "no answer within 20 ms" });
    await told;
  });

  it("is fit to be stored: redacted, and bounded", async () => {
    const redactor = createRedactor([CANARY]);
    const answer = await look(
      () => ({
        verdict: "fail",
        observed: { [CANARY]: `Bearer ${"a1".repeat(20)}` },
        expected: "x".repeat(10_000),
        message: `${"m".repeat(195)}${CANARY}`,
      }),
      { context: { redactor } },
    );
    expect(answer.observed).toEqual({ "[secret]": "Bearer [secret]" });
    expect(answer.expected).toBe("string, 10000 characters");
    expect(answer.message).toBe(`${"m".repeat(195)}[secr`);
  });
});
