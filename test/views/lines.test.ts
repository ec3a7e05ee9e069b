import { describe, expect, it } from "vitest";
import type { Measurement } from "../../src/gates/model.js";
import type { RunEvent } from "../../src/run/events.js";
import { describeDetails, describeEvent, describeLook } from "../../src/views/lines.js";
import { afterHeartbeat, noteLook, type SeenTarget } from "../../src/views/looks.js";
import { describeWaits } from "../../src/views/waits.js";

const CHANGES = { counts: {}, resources: [], diagnostics: [], engine: "3.200.0", providers: {}, duration: 1 };
const OPERATION = { operation: "rollout-k3m9qa.gateway.1.up", began: 0, ended: 3200 };

const look = (began: number, status: number): Measurement => ({
  number: 1,
  began,
  ended: began + 20,
  verdict: status === 200 ? "pass" : "fail",
  observed: status,
  expected: 200,
});

describe("describeEvent", () => {
  const said = (event: object) => describeEvent({ at: 0, ...event } as RunEvent);

  it("says what has been done by the verb that did it", () => {
    const changes = { ...CHANGES, counts: { create: 2, same: 4 } };
    expect(said({ type: "operation.succeeded", ...OPERATION, changes })).toBe("gateway: updated, 2 created, 3.2 s");
    const gone = { ...OPERATION, operation: "r.old.2.destroy", changes: { ...CHANGES, counts: { delete: 2 } } };
    expect(said({ type: "operation.succeeded", ...gone })).toBe("old: destroyed, 2 deleted, 3.2 s");
  });

  it("says what a step is put back to", () => {
    const intent = { step: "app", attempt: 2, verb: "up", stack: "s", operation: "b.app.2.up" };
    const source = { path: "app", sha256: "d", commit: "1a2b3c4d5e6f7a8b", dirty: false };
    expect(said({ type: "operation.intended", ...intent, source })).toBe("app: up (attempt 2), previewing");
    expect(said({ type: "operation.intended", ...intent, source, asOf: "a.app.1.up" })).toBe(
      "app: up (attempt 2), put back to a.app.1.up, commit 1a2b3c4d5e6f, previewing",
    );
  });

  it("says who said what to a gate, and whose signature it was where evo passed it on", () => {
    const word = { gate: "flags/ready/approved", reason: "read it" };
    const by = (event: object) => describeEvent({ at: 0, ...event } as RunEvent, undefined, "alice");
    expect(by({ type: "approval.given", ...word })).toBe("flags/ready/approved: approved by alice: read it");
    expect(by({ type: "approval.rejected", ...word, from: "change-system" })).toBe(
      "flags/ready/approved: rejected by change-system: read it",
    );
    expect(by({ type: "acknowledgment.received", ...word, targets: ["eu", "us"] })).toBe(
      "flags/ready/approved: eu, us acknowledged by alice: read it",
    );
    expect(by({ type: "gate.overridden", ...word, targets: ["eu"] })).toBe(
      "flags/ready/approved: overridden for eu, signed by alice: read it",
    );
    const previews = [{ step: "flags", digest: "d", changes: { ...CHANGES, counts: { update: 2 } } }];
    expect(by({ type: "approval.requested", gate: word.gate, plan: "p", previews })).toBe(
      "flags/ready/approved: approval is asked for; flags: 2 to update",
    );
  });

  it("says of what goes wrong where it is, and what that means", () => {
    const failed = { type: "operation.failed", ...OPERATION, reason: "the quota is used up" };
    expect(said({ ...failed, how: "failed" })).toBe("gateway: failed: the quota is used up");
    expect(said({ ...failed, how: "absent" })).toBe("gateway: did not start: the quota is used up");
    expect(said({ type: "run.halted", cause: "gate-timed-out", node: "gateway", reason: "eu-west-1: 403" })).toBe(
      "halted (gate-timed-out) at gateway: eu-west-1: 403",
    );
    expect(said({ type: "run.held", node: "gateway", gate: "gateway/canary", reason: "" })).toBe(
      "gateway: held: nothing goes on behind it before gateway/canary passes; evo keeps looking",
    );
    expect(said({ type: "gate.errored", gate: "g/a", timedOut: false, reason: "3 errors in a row" })).toBe(
      "g/a: could not look: 3 errors in a row",
    );
  });

  it("says that an override was signed", () => {
    expect(said({ type: "run.resumed", reason: "reviewed", acceptChangedCode: true })).toMatch(/signed: changed code/);
  });
});

describe("describeDetails", () => {
  it("lists resources with paths, never values, diagnostics and versions", () => {
    const changes = {
      ...CHANGES,
      providers: { aws: "7.48.0" },
      resources: [{ urn: "urn:a", type: "t", op: "replace", paths: ["tags.x"], replaces: ["name"] }],
      diagnostics: [{ severity: "warning", message: "deprecated" }],
    };
    expect(describeDetails({ at: 0, type: "operation.succeeded", ...OPERATION, changes } as RunEvent)).toEqual([
      "replace  urn:a  tags.x, replaced because of name",
      "warning: deprecated",
      "engine 3.200.0, aws 7.48.0",
    ]);
  });

  it("says of each target of a gate what was last seen, and how often it was looked at", () => {
    const counts = { pass: 3, fail: 10, inconclusive: 0, error: 0 };
    const targets = [
      { target: "eu", converged: true, last: look(0, 200), counts },
      { target: "us", converged: false, counts: { pass: 0, fail: 0, inconclusive: 0, error: 0 } },
    ];
    const event: RunEvent = { at: 0, type: "gate.passed", gate: "g/a", operations: [], targets, samples: [] };
    expect(describeDetails(event)).toEqual(["eu  200, as expected  (3 pass, 10 fail)", "us  not looked at  (no look)"]);
  });
});

describe("describeLook", () => {
  it("says how long it has been so, where it is not new", () => {
    expect(describeLook("g/a", "eu", look(100, 403), 100)).toBe("g/a  eu  403, expected 200");
    expect(describeLook("g/a", "eu", look(12_080, 403), 100)).toBe("g/a  eu  403, expected 200  for 12 s");
    expect(describeLook("g/a", "eu", look(12_080, 200), 100)).toBe("g/a  eu  200, as expected");
  });

  it("says why it could not look", () => {
    const error = { ...look(0, 500), verdict: "error" as const, observed: null, message: "connection refused" };
    expect(describeLook("g/a", "eu", error, 0)).toBe("g/a  eu  error: connection refused");
  });
});

describe("noteLook", () => {
  /** The statuses that are said, of looks a second apart; "|" is a heartbeat. */
  function saidOf(sights: readonly (number | "|")[]): { said: readonly number[]; seen: SeenTarget | undefined } {
    let seen: SeenTarget | undefined;
    const said: number[] = [];
    for (const [at, status] of sights.entries()) {
      if (status === "|") {
        seen = seen && afterHeartbeat(seen);
        continue;
      }
      const noted = noteLook(seen, look(at * 1000, status));
      seen = noted.seen;
      if (noted.say) said.push(status);
    }
    return { said, seen };
  }

  it("says the first look and every new sight, each once", () => {
    expect(saidOf([403, 403, 503, 503, 200, 200]).said).toEqual([403, 503, 200]);
  });

  it("counts a target that goes back and forth, and says it no more", () => {
    const { said, seen } = saidOf([403, 200, 403, 200, 403, "|", 200, 403, 200]);
    expect(said).toEqual([403, 200]);
    expect(seen).toMatchObject({ untold: 3, passes: 1, since: 8000 });
  });

  it("says a change again once the target was quiet for a whole heartbeat", () => {
    expect(saidOf([403, 200, "|", 200, "|", 403]).said).toEqual([403, 200, 403]);
  });

  it("is not flooded by a value that differs with each look", () => {
    expect(saidOf([501, 502, 503, 504, 505, 506, "|", 507]).said).toEqual([501, 502, 503, 507]);
  });

  it("counts passes in a row, and from when on they are", () => {
    expect(saidOf([200, 403, 200, 200, 200]).seen).toMatchObject({ passes: 3, since: 2000 });
  });
});

describe("describeWaits", () => {
  it("names what is waited for and since when, a few by name, in one line", () => {
    const waits = ["a", "b", "c"].map((what, at) => ({ what, since: at * 1000 }));
    expect(describeWaits(waits, 62_000, 2)).toBe("waiting for a (for 1 min 2 s); b (for 1 min 1 s); and 1 more");
    expect(describeWaits([], 0)).toBeUndefined();
  });
});
