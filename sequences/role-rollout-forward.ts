/**
 * Corrects the role rollout forward where users may have met the new policy already: what they use is not taken away. What
 * the gateways really are is looked at first; they are made whole in all regions before the flag is put again.
 */
import { defineSequence, lockstep, up } from "evo";
import { gateway, policyArrived, REGIONS, served } from "./role-rollout.js";

export default defineSequence({
  name: "role-rollout-forward",
  owner: "team-access",
  description: "Brings the role rollout to its end where users may use it already.",
  world: "./worlds/reference.ts",
  steps: [
    up("identity", {
      dir: "../stacks/identity",
      stack: "prod",
      expectNoChanges: true,
      accept: { "no-gate": "nothing is changed here: the gates behind it need the canary's secret" },
    }),
    lockstep("gateway", {
      members: REGIONS.map((region) =>
        up(gateway(region), { dir: "../stacks/gateway", stack: `prod-${region}`, refresh: true }),
      ),
      convergedWhen: [policyArrived],
    }),
    up("flags", { dir: "../stacks/flags", stack: "prod", refresh: true, convergedWhen: [served("users-served")] }),
  ],
  consistentWhen: [served("same-everywhere")],
});
