import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/plan/compile.js";
import { up } from "../../src/sequence/builders.js";
import type { Gate, Sequence } from "../../src/sequence/model.js";
import { describePlan } from "../../src/views/plan.js";
import { sequences } from "../plan/sequences.js";
import { planOf } from "../run/machine.js";

const canary: Gate = {
  name: "canary",
  interval: 500,
  timeout: 120_000,
  consecutiveSuccessLimit: 3,
  failureLimit: 5,
  targets: ["us-east", "eu-west"].map((region) => ({
    name: region,
    probe: {
      type: "http",
      url: { $join: ["https://", { $output: { step: "gateway", path: `hosts.${region}` } }, "/me"] },
      headers: { authorization: { $join: ["Bearer ", { $env: "CANARY" }] } },
      expect: {},
    },
  })),
};

const ROLLOUT: Sequence = {
  version: 1,
  name: "role-rollout",
  owner: "platform",
  steps: [
    { kind: "up", name: "identity", dir: "stacks/identity", stack: "dev", secretConfig: { token: { $env: "TOKEN" } } },
    {
      kind: "lockstep",
      name: "regions",
      members: [{ kind: "up", name: "gateway", dir: "stacks/gateway", stack: "dev", convergedWhen: [canary] }],
    },
    {
      kind: "serial",
      members: [{ kind: "destroy", name: "old", dir: "stacks/old", stack: "dev", onFailure: "retry" }],
    },
  ],
  consistentWhen: [{ name: "settled", targets: [{ name: "gateway", probe: { type: "settled", step: "gateway" } }] }],
};

describe("describePlan", () => {
  it("shows what is told beside a step, wherever it stands", () => {
    const beside = new Map([
      ["gateway", ["preview: 1 to update", `  update aws:apigateway/stage:Stage v1: ${"variables, ".repeat(8)}tags`]],
    ]);
    const lines = describePlan(compile(ROLLOUT), beside);
    const at = lines.findIndex((line) => line.includes("preview:"));
    expect(lines.slice(at - 1, at + 4)).toEqual([
      "   - up gateway  (stacks/gateway, stack dev)",
      "     preview: 1 to update",
      "       update aws:apigateway/stage:Stage v1: variables, variables, variables,",
      "         variables, variables, variables, variables, variables, tags",
      "     converges with regions",
    ]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it("tells the order, the waits, the gates and the stacks", () => {
    const [title, digests, ...lines] = describePlan(compile(ROLLOUT));
    expect(title).toBe("role-rollout, owned by platform: 3 steps, 2 gates");
    expect(digests).toMatch(/^plan [0-9a-f]{12}, sequence [0-9a-f]{12}$/);
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "
      1. up identity  (stacks/identity, stack dev)
         secret config: token
         converged when its update has succeeded (no gate)

      2. lockstep regions: members are one boundary
         starts after identity has converged
         - up gateway  (stacks/gateway, stack dev)
           converges with regions
         converged when, all within 1s:
           gate gateway/canary: at all 2 of us-east, eu-west
             http GET https://{gateway.hosts.us-east}/me
             http GET https://{gateway.hosts.eu-west}/me
             every 500ms, 3 passes in a row, 10s a look
             halt at 5 failed looks, halt after 2m

      3. serial sequence.3: one after the other
         starts after regions has converged
         1. destroy old  (stacks/old, stack dev)
            on failure: retry
            attempts: 2, 10s apart
            converged when its update has succeeded (no gate)
         converged when its members have

      at the end of the run, consistent when all hold at once:
         gate sequence/settled: at gateway
           settled: a refresh preview of gateway shows nothing to do
           every 5s, 1 pass, 10s a look
           halt after 10m"
    `);
  });

  it("shows what a step is put back to, once that is known", () => {
    const plan = planOf({ name: "s", steps: [up("app", { dir: "app", stack: "dev", asOf: "before-run" })] });
    expect(describePlan(plan).join("\n")).toMatch(/asOf: before-run/);
    const earlier = { operation: "a-k3m9xa.app.1.up", entry: 3, commit: "1a2b3c4d5e6f7a8b", sha256: "d", reads: {} };
    const nodes = plan.nodes.map((node) => ({
      ...node,
      earlier: { ...earlier, dir: "app", time: "2026-11-28T10:00:00.123456Z" },
    }));
    expect(
      describePlan({ ...plan, nodes })
        .join(" ")
        .replace(/\s+/g, " "),
    ).toContain("put back to a-k3m9xa.app.1.up, commit 1a2b3c4d5e6f, of 2026-11-28T10:00:00Z");
  });

  it("fits 80 columns but for single long words and deep nesting", () => {
    fc.assert(
      fc.property(sequences, (sequence) => {
        for (const line of describePlan(compile(sequence))) expect(line.length).toBeLessThanOrEqual(80);
      }),
      { numRuns: 50 },
    );
  });
});
