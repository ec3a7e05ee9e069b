/**
 * Takes the role rollout back where a gateway has failed and no user has met the new policy. This is no inverse of the
 * rollout: the gateways come first and all at once, so that no two regions differ in what they know; the service follows
 * them. The roles of the identity provider stay: what has read them keeps working, and a role that no policy asks for
 * harms nobody.
 */
import { defineSequence, gate, http, lockstep, output, stackOutput, text, up } from "evo";
import { gateway, REGIONS } from "./role-rollout.js";

const BEFORE = "1";

/** What any user meets, at each of a region's edges: the policy from before. */
const servedAsBefore = (name: string) =>
  gate(name, {
    targets: REGIONS,
    probe: (region) =>
      http({
        url: text`${output(gateway(region), "url")}/orders`,
        expect: { status: 200, json: [{ path: "policy", equals: 1 }] },
      }),
    interval: "100ms",
    timeout: "2m",
    onTimeout: "hold",
    consecutiveSuccessLimit: 10,
  });

export default defineSequence({
  name: "role-rollout-recovery",
  owner: "team-access",
  description: "Takes the role rollout back before any user has met it.",
  world: "./worlds/reference.ts",
  steps: [
    lockstep("gateway", {
      members: REGIONS.map((region) =>
        up(gateway(region), {
          dir: "../stacks/gateway",
          stack: `prod-${region}`,
          config: { "gateway:policyVersion": BEFORE },
        }),
      ),
      convergedWhen: [servedAsBefore("served-as-before")],
      accept: { "order-missing": "gateways read the service's address only, and that stays what it is" },
    }),
    up("app", {
      dir: "../stacks/app",
      stack: "prod",
      config: { "app:rolesVersion": BEFORE },
      convergedWhen: [
        gate("rolled-out", {
          targets: ["orders"],
          probe: stackOutput({ path: "updatedReplicas", atLeast: 1 }),
          interval: "1s",
          timeout: "10m",
        }),
      ],
    }),
  ],
  consistentWhen: [servedAsBefore("same-everywhere")],
});
