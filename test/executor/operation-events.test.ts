import { describe, expect, test } from "vitest";
import { changeSet } from "../../src/executor/operation/changes.js";
import { type EngineEvent, parseEvent, plainText, seenIn } from "../../src/executor/operation/engine-events.js";
import { engineEnvironment } from "../../src/executor/operation/environment.js";
import type { Seen } from "../../src/executor/operation/journal.js";
import { doubtsOf, failureReason, lockReason, outcomeOf } from "../../src/executor/operation/outcome.js";
import { fold, initialState } from "../../src/executor/operation/state.js";

const asIs = (text: string): string => text;
const SECRET = "hunter2-hunter2";

function metadata(op: string, more: object = {}) {
  const state = { inputs: { password: SECRET }, outputs: { password: SECRET } };
  return { op, urn: "urn:a", type: "t:t:T", old: state, new: state, ...more };
}

describe("seenIn", () => {
  test("keeps property paths and never a value", () => {
    const detailedDiff = { "tags.b": { diffKind: "update" }, a: { diffKind: "add-replace" } };
    const event = { resourcePreEvent: { metadata: metadata("replace", { detailedDiff, keys: ["a"] }) } } as EngineEvent;
    const seen = seenIn(event, asIs);
    expect(seen).toEqual({
      kind: "step",
      urn: "urn:a",
      type: "t:t:T",
      op: "replace",
      paths: ["a", "tags.b"],
      replaces: ["a"],
    });
  });

  test.each(["debug", "info", "info#err"])(
    "drops %s diagnostics, which may carry what a program prints",
    (severity) => {
      expect(seenIn({ diagnosticEvent: { severity, message: SECRET } }, asIs)).toBeUndefined();
    },
  );

  test("redacts what it keeps, before it cuts", () => {
    const redact = (text: string): string => text.replaceAll(SECRET, "[secret]");
    const message = `${"x".repeat(3_990)}${SECRET} <{%reset%}>`;
    const seen = seenIn({ diagnosticEvent: { severity: "error", message } }, redact);
    expect(JSON.stringify(seen)).not.toContain(SECRET.slice(0, 6));
    expect(plainText("<{%fg 1%}>red\u001b[31m", asIs)).toBe("red");
  });

  test("a torn line is no event", () => {
    expect(parseEvent('{"sequence":')).toBeUndefined();
  });
});

describe("changeSet", () => {
  const step = (op: string, urn: string, type = "t:t:T"): Seen => ({
    kind: "step",
    urn,
    type,
    op,
    paths: [],
    replaces: [],
  });

  test("what a refresh found comes with the step's end", () => {
    const seen: Seen[] = [
      step("refresh", "urn:a"),
      step("refresh", "urn:b"),
      step("refresh", "urn:c"),
      { kind: "done", urn: "urn:a", op: "update" },
      { kind: "done", urn: "urn:b", op: "same" },
      { kind: "done", urn: "urn:c", op: "delete" },
    ];
    const changes = changeSet(seen, { engine: "3.200.0", duration: 5 });
    expect(changes.resources.map(({ urn, op }) => [urn, op])).toEqual([
      ["urn:a", "update"],
      ["urn:c", "delete"],
    ]);
    expect(changes.counts).toEqual({ update: 1, same: 1, delete: 1 });
  });

  test("tells providers with the version in their inputs, else in their name", () => {
    const aws: Seen = { ...(step("same", "urn::default_7_48_0", "pulumi:providers:aws") as Seen & { kind: "step" }) };
    const k8s = { ...aws, type: "pulumi:providers:kubernetes", version: "4.34.2" } as Seen;
    expect(changeSet([aws, k8s], { engine: "3.200.0", duration: 0 }).providers).toEqual({
      aws: "7.48.0",
      kubernetes: "4.34.2",
    });
  });
});

describe("outcomeOf", () => {
  const began = [
    { at: 1, line: "spawning", call: "attempt" },
    { at: 2, line: "accepted" },
  ] as const;
  const ending = { stderr: "", programErrors: [] };
  const state = (...lines: Parameters<typeof fold>[1][]) => [...began, ...lines].reduce(fold, initialState());
  const exited = (code: number) => ({ at: 9, line: "exited", call: "attempt", code, signal: null }) as const;

  test("exit 0 is success, by the engine's own end", () => {
    expect(outcomeOf(state(exited(0)), ending)).toMatchObject({ status: "succeeded", began: 1, ended: 9 });
  });

  test("a surprise stays refused even where the engine could not be stopped", () => {
    const surprise = { at: 5, line: "refused", reason: "it would delete a", surprise: true } as const;
    const outcome = outcomeOf(state(surprise, exited(0)), ending);
    expect(outcome).toMatchObject({ status: "refused", reason: expect.stringContaining("before it could be stopped") });
  });

  test("a refusal that came too late does not undo a success", () => {
    const late = { at: 5, line: "refused", reason: "stop" } as const;
    expect(outcomeOf(state(late, exited(0)), ending).status).toBe("succeeded");
    expect(outcomeOf(state(late, exited(255)), ending).status).toBe("refused");
  });

  const told = (message: string, urn?: string, phase: "preview" | "update" = "update") => {
    const seen = { kind: "diagnostic", severity: "error", message, ...(urn !== undefined && { urn }) } as const;
    return doubtsOf(state({ at: 5, line: "seen", phase, seen }, exited(255)));
  };

  test.each([
    ["error reading from server: EOF", /may have been done/],
    ["creating it: read tcp: connection reset by peer", /may have been done/],
    ["resource complete event returned an error: failed to save snapshot: no space left on device", /its checkpoint/],
  ])("whether it had an effect is not known after %s", (message, doubt) => {
    expect(told(message, "urn:a")).toEqual([expect.stringMatching(doubt)]);
    expect(told(message, "urn:a", "preview")).toEqual([]);
  });

  test("is known where the provider has answered, or only the program is gone", () => {
    expect(told("creating it: 409 it exists", "urn:a")).toEqual([]);
    expect(told("error reading from server: EOF")).toEqual([]);
    expect(told("error reading from server: EOF", "urn:pulumi:dev::app::pulumi:pulumi:Stack::app-dev")).toEqual([]);
  });

  test("a failure is told in the engine's words", () => {
    expect(failureReason(state(exited(255)), { ...ending, stderr: "error: no stack named 'x' found" })).toBe(
      "no stack named 'x' found",
    );
    expect(failureReason(state(exited(255)), ending)).toBe("the engine ended with exit code 255");
  });

  test("a lock names its holder", () => {
    const text =
      "the stack is currently locked by 1 lock(s). Either wait\n  file:///b/x.json: created by ann@host (pid 42) at 2026-01-01T00:00:00Z";
    expect(lockReason(text)).toBe("the stack is locked by ann on host (pid 42) since 2026-01-01T00:00:00Z");
    expect(lockReason("something else")).toBeUndefined();
  });
});

describe("engineEnvironment", () => {
  const parts = {
    base: { PATH: "/bin", PULUMI_CI_SYSTEM: "Pulumi Deployments" },
    step: { A: "1" },
    run: "run-1",
    operation: "run-1.app.1.up",
    directory: "/d",
    plugins: "/p",
    hold: true,
    transpileOnly: false,
  };

  test("carries our identity over any other and puts our plugins first", () => {
    const env = engineEnvironment(parts);
    expect(env).toMatchObject({ PATH: "/p:/bin", A: "1", EVO_HOLD: "update", EVO_OPERATION_DIR: "/d" });
    expect(env).toMatchObject({ PULUMI_CI_SYSTEM: "evo", PULUMI_CI_BUILD_NUMBER: "run-1.app.1.up" });
    expect(env).not.toHaveProperty("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION");
  });

  test("downloads no plugin past attached providers", () => {
    const env = engineEnvironment({ ...parts, base: { ...parts.base, PULUMI_DEBUG_PROVIDERS: "aws:1" } });
    expect(env).toHaveProperty("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true");
  });
});
