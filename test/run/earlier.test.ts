/** What `asOf` means by the record alone: one operation, or why there is none. */
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/gates/model.js";
import type { AsOf, StepNode } from "../../src/plan/model.js";
import { operationMeant, type Past, putTo } from "../../src/run/earlier.js";
import { fold } from "../../src/run/evolve.js";
import type { Entry } from "../../src/run/ports.js";
import { up } from "../../src/sequence/builders.js";
import type { StepSpec } from "../../src/sequence/model.js";
import { env, output } from "../../src/sequence/probes.js";
import { planOf, started } from "./machine.js";

const STACK = "file:///state#organization/app/dev";
const SOURCE = { path: "app", sha256: "d1", commit: "c1", dirty: false };

/** Entries that tell `up a 1`: the first attempt of step app in run a; each has an intent and an outcome. */
function past(...told: readonly string[]): Past {
  const entries = told.flatMap((text, at): readonly Entry[] => {
    const [verb = "", run = "", how = "succeeded"] = text.split(" ");
    if (verb === "anew") return [entry(10 * at, "stack.baselined", undefined, { anew: true })];
    if (verb === "foreign") return [];
    const operation = `${run}.app.1.${verb}`;
    const intent = { operation, step: "app", attempt: 1, verb, stack: STACK, source: SOURCE };
    const intended = entry(10 * at, "operation.intended", operation, intent);
    if (how === "open") return [intended];
    const type = how.startsWith("settled-") ? "operation.settled" : `operation.${how}`;
    return [intended, entry(10 * at + 1, type, operation, { operation, as: how.replace("settled-", "") })];
  });
  const foreign = told.flatMap((text, at) => (text === "foreign" ? [{ entry: 10 * at, summary: "an update" }] : []));
  return { stack: STACK, entries, foreign };
}

function entry(number: number, type: string, operation: string | undefined, body: { [key: string]: unknown }): Entry {
  const of = operation === undefined ? {} : { operation, run: operation.split(".")[0] as string };
  const rest = { ledger: "l", version: 1, rehearsal: false, causes: [], text: "", previous: "", hash: "" };
  const actor = { claimed: "t", authenticated: "t" };
  return {
    ...rest,
    ...of,
    number,
    type,
    time: `2026-11-28T10:00:${number}Z`,
    stack: STACK,
    actor,
    body: body as { [key: string]: Json },
  };
}

const stepOf = (spec: Partial<StepSpec>): StepNode =>
  planOf({ name: "s", steps: [up("app", { dir: "app", stack: "dev", ...spec })] }).nodes[0] as StepNode;

function meant(asOf: AsOf, record: Past, answered?: string): string {
  try {
    return operationMeant(stepOf({ asOf }), asOf, record, answered).intent.operation;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe("before-run", () => {
  it.each([
    ["the newest that had succeeded before it", ["up a", "up b", "up r"], "b.app.1.up"],
    ["not what the run itself has done", ["up a", "up r failed", "up r"], "a.app.1.up"],
    ["past a failed one", ["up a", "up b failed", "up r"], "a.app.1.up"],
    ["past a refresh", ["up a", "refresh b", "up r"], "a.app.1.up"],
    ["one that a person settled", ["up a", "up b settled-succeeded", "up r"], "b.app.1.up"],
    ["not one that was settled as failed", ["up a", "up b settled-failed", "up r"], "a.app.1.up"],
    ["what is there, where the run never touched it", ["up a", "up b"], "b.app.1.up"],
    ["nothing, where the run was the first", ["up r"], "earlier.nothing-before"],
    ["nothing, where all before failed", ["up a failed", "up r"], "earlier.nothing-before"],
    ["nothing, after a destroy", ["up a", "destroy b", "up r"], "earlier.nothing-before"],
    ["nothing of another life of the world", ["up a", "anew", "up r"], "earlier.nothing-before"],
    ["no guess past somebody else's change", ["up a", "foreign", "up r"], "earlier.foreign"],
    ["somebody's change that was updated over", ["foreign", "up a", "up r"], "a.app.1.up"],
    ["somebody's change that came after the run's own", ["up a", "up r", "foreign"], "a.app.1.up"],
  ])("is %s", (_, told, expected) => {
    expect(meant("before-run", past(...told), "r")).toBe(expected);
  });

  it("is refused in a run that answers none", () => {
    expect(meant("before-run", past("up a"))).toBe("earlier.no-run");
  });
});

describe("an operation", () => {
  it.each([
    ["that succeeded", "a.app.1.up", ["up a", "foreign", "up b"], "a.app.1.up"],
    ["that nobody recorded", "x.app.1.up", ["up a"], "earlier.unknown"],
    ["that failed", "a.app.1.up", ["up a failed"], "earlier.not-succeeded"],
    ["without a known outcome", "a.app.1.up", ["up a unresolved"], "earlier.not-succeeded"],
    ["that is under way", "a.app.1.up", ["up a open"], "earlier.not-succeeded"],
    ["of another life of the world", "a.app.1.up", ["up a", "anew"], "earlier.unknown"],
  ])("%s", (_, asOf, told, expected) => {
    expect(meant(asOf as AsOf, past(...told))).toBe(expected);
  });
});

describe("the state that is frozen", () => {
  const pool = up("identity", { dir: "identity", stack: "dev" });
  const config = { mode: "first", pool: output("identity", "pool") };
  const recorded = (spec: Partial<StepSpec>) =>
    fold("a", [started(planOf({ name: "old", steps: [pool, up("app", { dir: "old/app", stack: "dev", ...spec })] }))])
      .started;
  const succeeded = (source: object) => {
    const found = operationMeant(stepOf({}), "a.app.1.up", past("up a"), undefined);
    return { ...found, intent: { ...found.intent, source: { ...SOURCE, ...source } } };
  };

  it("has the recorded values as they were declared, and the step's own word on all else", () => {
    const spec = { config, secretConfig: { key: env("KEY") }, parallel: 2, transpileOnly: true, createStack: true };
    const step = putTo(stepOf({ asOf: "a.app.1.up", expectNoDeletes: true }), succeeded({}), recorded(spec));
    expect(step.options).toEqual({
      asOf: "a.app.1.up",
      config,
      secretConfig: { key: { $env: "KEY" } },
      transpileOnly: true,
      expectNoDeletes: true,
    });
    expect(step.earlier).toEqual({
      operation: "a.app.1.up",
      entry: 1,
      time: "2026-11-28T10:00:1Z",
      dir: "old/app",
      commit: "c1",
      sha256: "d1",
      reads: { identity: { dir: "identity", stack: "dev" } },
    });
    expect(step.stack).toEqual({ dir: "app", stack: "dev" });
  });

  it("is that of the first, where the recorded step had been put back itself", () => {
    const before = putTo(stepOf({ asOf: "a.app.1.up" }), succeeded({}), recorded({ config }));
    const again = { ...recorded({}), plan: { ...recorded({}).plan, nodes: [before] } };
    const step = putTo(stepOf({ asOf: "before-run" }), succeeded({ path: "old/app@c1" }), again);
    expect(step.earlier).toEqual(before.earlier);
    expect(step.options.config).toEqual(config);
  });

  it.each([
    ["earlier.no-commit", { commit: undefined }, {}],
    ["earlier.dirty", { dirty: true }, {}],
    ["earlier.partial", {}, { targets: ["urn:pulumi:dev::app::a:b:C::c"] }],
  ])("%s: is refused", (code, source, spec) => {
    const put = () => putTo(stepOf({ asOf: "a.app.1.up" }), succeeded(source), recorded(spec));
    expect(put).toThrowError(expect.objectContaining({ code, exit: 2, remedy: expect.stringMatching(/./) }));
  });
});
