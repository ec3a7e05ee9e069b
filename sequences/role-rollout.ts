/**
 * A new role reaches every user, in an order in which nobody is refused: the identity provider, the service, the
 * gateways of all regions, and only then the flag that makes users' requests subject to the new policy.
 */
import { defineSequence, gate, http, lockstep, output, settled, stackOutput, text, up } from "evo";

export const REGIONS = ["us-east-1", "ap-southeast-2", "eu-west-1"] as const;
type Region = (typeof REGIONS)[number];

/** The version of roles and policy that this evolution brings (as in the stacks' config). */
const VERSION = 2;

export const gateway = (region: Region) => `gateway-${region}`;

/** The canary holds every role: it meets the policies before any user does. */
const canary = { "x-canary": output("identity", "canarySecret") };

/**
 * A region's address stands for several edges, and each request meets one of them, in rotation. Ten passes in a row
 * meet each of five edges, wherever they begin; one pass would prove one edge. Slow is not wrong: what lags may still
 * arrive, and until it has the flag stays off.
 */
const EVERY_EDGE = {
  interval: "100ms",
  timeout: "2m",
  onTimeout: "hold",
  consecutiveSuccessLimit: 10,
  stableFor: "2s",
} as const;

/** Users don't meet the new policy before the flag: a look at what they see would pass at once and prove nothing. */
export const policyArrived = gate("policy-arrived", {
  targets: REGIONS,
  probe: (region) =>
    http({
      url: text`${output(gateway(region), "url")}/orders`,
      headers: { ...canary, "x-policy-version": String(VERSION) },
      expect: { status: 200, json: [{ path: "policy", equals: VERSION }] },
    }),
  quorum: "all",
  ...EVERY_EDGE,
});

/** What users meet: the canary without a wish of its own gets the policy that the flag names. */
export const served = (name: string) =>
  gate(name, {
    targets: REGIONS,
    probe: (region) =>
      http({
        url: text`${output(gateway(region), "url")}/orders`,
        headers: canary,
        expect: { status: 200, json: [{ path: "policy", equals: VERSION }] },
      }),
    interval: "50ms",
    timeout: "2m",
    consecutiveSuccessLimit: EVERY_EDGE.consecutiveSuccessLimit,
    onTimeout: "hold",
  });

/** Nothing uses what these two bring before the gateways do: what fails in passing is tried again. */
const AGAIN = { attempts: 2, backoff: "2s" } as const;

export default defineSequence({
  name: "role-rollout",
  owner: "team-access",
  description: "Brings the role order-approver to all regions without refusing anybody on the way.",
  world: "./worlds/reference.ts",
  steps: [
    up("identity", {
      dir: "../stacks/identity",
      stack: "prod",
      retry: AGAIN,
      convergedWhen: [
        gate("mapping-stands", {
          targets: ["identity"],
          probe: settled(),
          interval: "2s",
          timeout: "5m",
          onTimeout: "hold",
        }),
      ],
    }),
    up("app", {
      dir: "../stacks/app",
      stack: "prod",
      retry: AGAIN,
      convergedWhen: [
        gate("rolled-out", {
          targets: ["orders"],
          probe: stackOutput({ path: "updatedReplicas", atLeast: 1 }),
          interval: "1s",
          timeout: "10m",
          onTimeout: "hold",
        }),
      ],
    }),
    lockstep("gateway", {
      onFailure: "recover",
      members: REGIONS.map((region) => up(gateway(region), { dir: "../stacks/gateway", stack: `prod-${region}` })),
      convergedWhen: [policyArrived],
    }),
    up("flags", {
      dir: "../stacks/flags",
      stack: "prod",
      onFailure: "recover",
      convergedWhen: [served("users-served")],
    }),
  ],
  consistentWhen: [served("same-everywhere")],
  recovery: [
    // Users meet the new policy only through the flag: before it, everything can still be taken back.
    { name: "take-back", when: { notApplied: ["flags"] }, sequence: "./role-rollout-recovery.ts", start: "at-once" },
    // Behind it they use it already, and what they use is not taken away from them.
    { name: "correct-forward", sequence: "./role-rollout-forward.ts", start: "at-once" },
  ],
});
