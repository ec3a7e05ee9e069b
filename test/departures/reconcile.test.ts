/** The one-step sequence that reconciles a departure: what it keeps of the step that it is made from, and what it adds. */
import { describe, expect, it } from "vitest";
import { departuresOf } from "../../src/departures/known.js";
import type { Departure } from "../../src/departures/model.js";
import { changedIn, reconciledBy, reconciledEntry, reconcilingSequence } from "../../src/departures/reconcile.js";
import { compile } from "../../src/plan/compile.js";
import type { RunState } from "../../src/run/state.js";
import type { Sequence, Step } from "../../src/sequence/model.js";
import { entry, STACK } from "./support.js";

const step: Step = {
  kind: "up",
  name: "identity",
  dir: "stacks/identity",
  stack: "prod",
  env: { REGION: "eu" },
  replace: ["urn:other"],
  expectNoChanges: true,
  convergedWhen: [{ name: "served", targets: [] }],
};
const sequence: Sequence = { version: 1, name: "rollout", owner: "team", steps: [step] };
const [drift, update] = departuresOf(
  [
    entry(1, "departure.detected", { id: "d-1", kind: "drift" }, { sequence: "rollout", step: "identity" }),
    entry(2, "departure.detected", { id: "d-2", kind: "update" }),
  ],
  0,
) as readonly [Departure, Departure];
const common = { reason: "nobody asked", mayDestroy: false, targets: ["urn:a"] } as const;

describe("the sequence that reconciles", () => {
  it("adopts by a refresh of the resources that departed, with the step's gates and environment", () => {
    const made = reconcilingSequence(sequence, step, { ...common, means: "adopt", departure: drift });
    const { replace: _, expectNoChanges: __, ...kept } = step;
    expect(made).toMatchObject({ name: "reconcile-d-1", owner: "team", description: "nobody asked" });
    expect(made.steps).toEqual([{ ...kept, kind: "refresh", targets: ["urn:a"] }]);
  });

  it("reverts drift by an update that refreshes first and may delete nothing, unless it was told that it may", () => {
    const made = (departure: Departure, mayDestroy: boolean) =>
      reconcilingSequence(sequence, step, { ...common, means: "revert", departure, mayDestroy }).steps[0];
    expect(made(drift, false)).toMatchObject({ kind: "up", refresh: true, expectNoDeletes: true, targets: ["urn:a"] });
    expect(made(update, false)).toMatchObject({ kind: "up", expectNoDeletes: true });
    expect(made(update, false)).not.toHaveProperty("refresh");
    expect(made(drift, true)).not.toHaveProperty("expectNoDeletes");
  });

  it("says in its plan which departure it reconciles, and how; no other plan does", () => {
    const state = (of: Sequence) => ({ started: { plan: compile(of) } }) as RunState;
    const made = reconcilingSequence(sequence, step, { ...common, means: "adopt", departure: drift });
    expect(reconciledBy(state(made))).toEqual({ id: "d-1", means: "adopt" });
    expect(reconciledBy(state(sequence))).toBeUndefined();
  });
});

describe("the resources that an entry tells of", () => {
  it("are the drifted one, or those that changed where all are listed, and never the stack itself", () => {
    expect(changedIn(entry(1, "x", { drifted: { urn: "urn:a" } }))).toEqual(["urn:a"]);
    const changed = [
      { urn: "urn:a", type: "t" },
      { urn: "urn:stack", type: "pulumi:pulumi:Stack" },
    ];
    expect(changedIn(entry(1, "x", { changed, resources: 2 }))).toEqual(["urn:a"]);
    expect(changedIn(entry(1, "x", { changed, resources: 200 }))).toBeUndefined();
    expect(changedIn(entry(1, "x", { changed: null }))).toBeUndefined();
  });
});

it("the entry that closes it names the departure and the run as its causes", () => {
  const run = { run: "reconcile-d-1-abc", last: 9 };
  expect(reconciledEntry(drift, { at: 5, how: "reverted", reason: "nobody asked", run })).toMatchObject({
    type: "departure.reconciled",
    stack: STACK,
    sequence: "rollout",
    step: "identity",
    causes: [1, 9],
    body: { id: "d-1", how: "reverted", reason: "nobody asked", by: "reconcile-d-1-abc" },
  });
});
