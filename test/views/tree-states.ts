/** Runs at chosen moments, made by the pure machine on a fake world: what the tree is drawn from. */
import type { Plan } from "../../src/plan/model.js";
import { gate, independent, lockstep, serial, up } from "../../src/sequence/builders.js";
import type { AuthoredPolicy } from "../../src/sequence/model.js";
import { http } from "../../src/sequence/probes.js";
import { drawTree, NOTHING_USUAL, type TreeInput, type TreeStyle } from "../../src/views/tree.js";
import { type FakeWorld, INSTANT, type Machine, planOf, simulate } from "../run/machine.js";

export const step = (name: string, spec: Partial<Parameters<typeof up>[1]> = {}) =>
  up(name, { dir: name, stack: "prod", ...spec });

export const REGIONS = ["us-east-1", "ap-southeast-2", "eu-west-1"];

export const look = (name: string, targets: readonly string[] = ["orders"], policy: AuthoredPolicy = {}) =>
  gate(name, { targets, probe: http({ url: "http://localhost/" }), interval: "1s", timeout: "2m", ...policy });

export const ARRIVED = look("policy-arrived", REGIONS, { consecutiveSuccessLimit: 5 });

/** The reference system's rollout, in small. */
export function rollout(arrived = ARRIVED): Plan {
  return planOf({
    name: "role-rollout",
    steps: [
      step("identity", { convergedWhen: [look("mapping-stands", ["identity"])] }),
      step("app"),
      lockstep("gateway", {
        members: REGIONS.map((region) => step(`gateway-${region}`)),
        convergedWhen: [arrived],
      }),
      independent("consumers", {
        members: [step("billing"), serial("reports", { members: [step("store"), step("pages")] })],
      }),
      step("flags", { readyWhen: [look("approved-by-team", ["team"])] }),
    ],
    consistentWhen: [look("same-everywhere", REGIONS)],
  });
}

/** Updates take 3 s; eu-west-1 shows the new policy after `late` milliseconds, the other regions at once. */
export function propagating(late: number): FakeWorld {
  return {
    operation: () => ({ takes: 3_000, succeeds: true }),
    look: (_gate, target, since) => {
      const arrived = target !== "eu-west-1" || since >= late;
      const observed = arrived ? { json: { policy: 2 }, status: 200 } : { json: { policy: "absent" }, status: 403 };
      const expected = { json: { policy: 2 }, status: 200 };
      return { takes: 20, verdict: arrived ? "pass" : "fail", observed, expected };
    },
  };
}

export const runUntil = (plan: Plan, until: number, world: FakeWorld = INSTANT, parallel = 4): Machine =>
  simulate(plan, world, until, parallel);

export function inputOf(machine: Machine, now: number, more: Partial<TreeInput> = {}): TreeInput {
  const { state, seen } = machine;
  return { state, seen, progress: {}, leases: {}, usual: NOTHING_USUAL, now, ...more };
}

/** As on a terminal of 80 columns, whose last stays free. */
export const BOOK: TreeStyle = { width: 79, height: 40, unicode: true, colour: false };

/** The tree of a machine that ran until `now`. */
export function treeAt(machine: Machine, now: number, more: Partial<TreeInput> = {}, style: Partial<TreeStyle> = {}) {
  return drawTree(inputOf(machine, now, more), { ...BOOK, ...style });
}
