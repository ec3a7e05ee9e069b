/** What a plan says of its failures is what the machine does: asked of it, and compared with runs on a fake world. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../../../src/plan/compile.js";
import type { Plan } from "../../../src/plan/model.js";
import { stepsOf } from "../../../src/run/edges.js";
import { lastAttempt, type RunState } from "../../../src/run/state.js";
import { independent, serial } from "../../../src/sequence/builders.js";
import { failurePaths } from "../../../src/views/failure/paths.js";
import { play } from "../../../src/views/failure/play.js";
import { describeFailures } from "../../../src/views/failure/text.js";
import { sequences } from "../../plan/sequences.js";
import { INSTANT, planOf, simulate } from "../../run/machine.js";
import { look, rollout, step } from "../tree-states.js";

const textOf = (plan: Plan, width = 80) => `\n${describeFailures(failurePaths(plan), width).join("\n")}\n`;
const pathsOf = (plan: Plan, place: string) =>
  failurePaths(plan).places.find(({ step: id, gate }) => id === place || gate === place)?.paths ?? [];

describe("the paths of failure", () => {
  it("are told place by place, and once what is the same in every step", () => {
    expect(textOf(rollout())).toMatchInlineSnapshot(`
      "
      role-rollout: what would happen if it failed here or there (plan ce5c691aae05)

      every step
        stopped by a person, refused by evo, its stack is locked: halts
        its engine never started: tried 3 times; then halts
        nobody knows how it ended: halts until somebody settles it

      identity
        failed: halts
        applied by then: nothing

      gate identity/mapping-stands
        does not converge in time: halts
        applied by then, at most: identity

      app
        failed: halts
        applied by then, at most: identity

      gateway-us-east-1
        failed: halts
        applied by then, at most: identity, app, gateway-ap-southeast-2,
          gateway-eu-west-1

      gateway-ap-southeast-2
        failed: halts
        applied by then, at most: identity, app, gateway-us-east-1, gateway-eu-west-1

      gateway-eu-west-1
        failed: halts
        applied by then, at most: identity, app, gateway-us-east-1,
          gateway-ap-southeast-2

      gate gateway/policy-arrived
        does not converge in time: halts
        applied by then, at most: identity, app, gateway-us-east-1,
          gateway-ap-southeast-2, gateway-eu-west-1

      billing
        failed: halts
        applied by then, at most: identity, app, gateway-us-east-1,
          gateway-ap-southeast-2, gateway-eu-west-1, store, pages

      store
        failed: halts
        applied by then, at most: identity, app, gateway-us-east-1,
          gateway-ap-southeast-2, gateway-eu-west-1, billing

      pages
        failed: halts
        applied by then, at most: identity, app, gateway-us-east-1,
          gateway-ap-southeast-2, gateway-eu-west-1, billing, store

      gate flags/ready/approved-by-team, before it starts
        does not converge in time: halts
        applied by then, at most: identity, app, gateway-us-east-1,
          gateway-ap-southeast-2, gateway-eu-west-1, billing, store, pages

      flags
        failed: halts
        applied by then, at most: identity, app, gateway-us-east-1,
          gateway-ap-southeast-2, gateway-eu-west-1, billing, store, pages

      gate sequence/same-everywhere, at the end
        does not converge in time: halts as inconsistent
        applied by then, at most: identity, app, gateway-us-east-1,
          gateway-ap-southeast-2, gateway-eu-west-1, billing, store, pages, flags
      "
    `);
  });

  it("follow the rules of steps and gates: retry, continue, hold, recover", () => {
    const back = { name: "back", when: { notApplied: ["flags"] }, sequence: "back.ts", start: "at-once" } as const;
    const forward = { name: "forward", when: { applied: ["flags"] }, sequence: "forward.ts" } as const;
    const plan = planOf({
      name: "s",
      recovery: [back, forward],
      steps: [
        step("one", { retry: { attempts: 3, backoff: "30s" } }),
        independent("both", {
          members: [
            step("left", { onFailure: "continue" }),
            serial("right", {
              members: [step("a"), step("b", { convergedWhen: [look("b-stands", ["b"], { onTimeout: "hold" })] })],
            }),
          ],
        }),
        step("flags", {
          onFailure: "recover",
          convergedWhen: [
            look("served", ["eu", "us"], {
              failureLimit: 3,
              onFailure: "recover",
              consecutiveErrorLimit: 5,
              onError: "hold",
            }),
          ],
        }),
      ],
    });
    expect(textOf(plan)).toMatchInlineSnapshot(`
      "
      s: what would happen if it failed here or there (plan b15a3ad0054f)

      one
        failed: tried 3 times, 30 s apart; then halts; evo recover answers with
          back.ts (rule back)
        stopped by a person: halts; evo recover answers by the rules of the plan
        refused by evo, its stack is locked: halts
        its engine never started: tried 3 times; then halts; evo recover answers by
          the rules of the plan
        nobody knows how it ended: halts until somebody settles it
        applied by then: nothing

      left
        failed: the rest of its group goes on; then halts; evo recover answers with
          back.ts (rule back)
        stopped by a person: halts; evo recover answers by the rules of the plan
        refused by evo, its stack is locked: halts
        its engine never started: tried 3 times; then halts; evo recover answers by
          the rules of the plan
        nobody knows how it ended: halts until somebody settles it
        applied by then, at most: one, a, b

      a
        failed: halts; evo recover answers with back.ts (rule back)
        stopped by a person: halts; evo recover answers by the rules of the plan
        refused by evo, its stack is locked: halts
        its engine never started: tried 3 times; then halts; evo recover answers by
          the rules of the plan
        nobody knows how it ended: halts until somebody settles it
        applied by then, at most: one, left

      b
        failed: halts; evo recover answers with back.ts (rule back)
        stopped by a person: halts; evo recover answers by the rules of the plan
        refused by evo, its stack is locked: halts
        its engine never started: tried 3 times; then halts; evo recover answers by
          the rules of the plan
        nobody knows how it ended: halts until somebody settles it
        applied by then, at most: one, left, a

      gate b/b-stands
        does not converge in time: holds: evo keeps looking until it converges or a
          person decides
        applied by then, at most: one, left, a, b

      flags
        failed: halts: its rule says recover, and no recovery fits
        stopped by a person, refused by evo, its stack is locked: halts
        its engine never started: tried 3 times; then halts; evo recover answers by
          the rules of the plan
        nobody knows how it ended: halts until somebody settles it
        applied by then, at most: one, left, a, b

      gate flags/served
        fails, does not converge in time: halts; evo recover answers with forward.ts
          (rule forward)
        can't be looked at: holds: evo keeps looking until it converges or a person
          decides
        applied by then, at most: one, left, a, b, flags
      "
    `);
    expect(pathsOf(plan, "one")[0]).toEqual({
      kind: "failed",
      rule: "retry",
      comesTo: "halts",
      cause: "operation-failed",
      attempts: 3,
      backoff: 30_000,
      othersGoOn: false,
      recovery: { rule: "back", sequence: "back.ts", starts: "on a person's word" },
      applied: [],
    });
    expect(pathsOf(plan, "flags")[0]).toMatchObject({
      rule: "recover",
      attempts: 1,
      applied: ["one", "left", "a", "b"],
    });
  });

  it("say of a gate in dry run that it holds nothing back", () => {
    const dry = planOf({
      name: "s",
      steps: [step("one", { convergedWhen: [look("dry", ["a"], { dryRun: true })] }), step("two")],
    });
    expect(pathsOf(dry, "one/dry")).toMatchObject([{ kind: "timed out", comesTo: "goes on", applied: ["one", "two"] }]);
  });
});

const standing = (state: RunState) => ({
  status: state.status,
  cause: state.halt?.cause,
  node: state.halt?.node,
  attempts: Object.fromEntries(Object.entries(state.steps).map(([id, attempts]) => [id, attempts.length])),
  applied: stepsOf(state.started.plan).flatMap(({ id }) =>
    lastAttempt(state, id)?.outcome?.status === "succeeded" ? [id] : [],
  ),
});

describe("a played failure", () => {
  it("comes to what a run with the plan's own waits comes to", () => {
    fc.assert(
      fc.property(sequences, fc.nat(), (sequence, pick) => {
        const plan = compile(sequence);
        const steps = stepsOf(plan);
        const failing = steps[pick % steps.length]?.id ?? "";
        const world = {
          ...INSTANT,
          operation: (id: string) => ({ takes: id === failing ? 600_000 : 10, succeeds: id !== failing }),
        };
        const { state } = simulate(plan, world, 86_400_000, 1_000);
        expect(standing(play(plan, { step: failing, how: "failed" }))).toEqual(standing(state));
      }),
      { numRuns: 15, endOnFailure: true },
    );
  });
});
