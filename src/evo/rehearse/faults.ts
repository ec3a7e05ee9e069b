/**
 * Makes a cell's fault: in the world where it has a place for it, so that users meet it too; else in what evo is shown.
 * Everything else of a run stays as it is: engine, probes, ledger, rules.
 */
import { readProject, shortStackName } from "../../executor/stack/project.js";
import type { PlanGate, StepNode } from "../../plan/model.js";
import { type Cell, gatesAt } from "../../rehearse/cells.js";
import type { CellSeen } from "../../rehearse/results.js";
import { nodeOf } from "../../run/edges.js";
import type { Probe } from "../../run/ports.js";
import { lastAttempt, type RunState } from "../../run/state.js";
import type { Fault } from "../../world/index.js";
import type { Session } from "../session.js";
import type { Beginning } from "./beginnings.js";
import type { Rehearsed } from "./bench.js";

/** A fault that stands. */
export interface Made {
  readonly by: CellSeen["by"];
  /** What the run looks through. */
  readonly probe: Probe;
  /** Ends it: what it kept back arrives. */
  lift(): Promise<void>;
}

/** What the world itself can keep from arriving: answers of a region's address. */
const ASKED_OF_A_REGION: readonly string[] = ["http", "custom", "command"];

/** Makes the fault of a cell from now on, for what has been applied at its beginning, too. */
export async function makeFault(session: Session, subject: Rehearsed, cell: Cell, from: Beginning): Promise<Made> {
  const { probe, world } = session;
  if (world === undefined) throw new Error("faults are for rehearsals");
  const lift = () => world.lift();
  if (cell.target === undefined) {
    await world.fault({ kind: "fails", stacks: stacksOf(subject, [cell.node]) });
    return { by: "provider", probe, lift };
  }
  const gates = gatesAt(subject.plan, cell);
  const kinds = gates.flatMap(({ targets }) =>
    targets.filter(({ name }) => name === cell.target).map((one) => one.probe.type),
  );
  if (!world.regions.includes(cell.target) || !kinds.every((kind) => ASKED_OF_A_REGION.includes(kind)))
    return { by: "look", ...shown(session, cell, gates) };
  const proves = [...new Set(gates.flatMap((gate) => gate.proves))];
  const place = { region: cell.target, stacks: stacksOf(subject, proves), from: since(from.state, proves) };
  await world.fault(arrivalFault(cell, gates, place, session.clock.now()));
  return { by: "world", probe, lift };
}

function stacksOf({ plan, root }: Rehearsed, steps: readonly string[]): readonly string[] {
  return steps.map((id) => {
    const step = nodeOf(plan, id) as StepNode;
    return `${readProject(step, root).name}/${shortStackName(step.stack.stack)}`;
  });
}

/** The first moment at which something of these steps can have been changed. */
function since(state: RunState | undefined, steps: readonly string[]): number {
  const intended = steps.flatMap((step) => (state && lastAttempt(state, step)?.intendedAt) ?? []);
  return intended.length === 0 ? 0 : Math.min(...intended);
}

function arrivalFault(
  { fault }: Cell,
  gates: readonly PlanGate[],
  place: { readonly region: string; readonly stacks: readonly string[]; readonly from: number },
  now: number,
): Fault {
  if (fault === "briefly") return { kind: "flaps", ...place, ...turns(gates) };
  const late = fault === "slowly" ? { until: now + lateness(gates) } : {};
  return { kind: "never-converges", ...place, ...late };
}

/** So late that the gate has to wait, and before it times out. */
function lateness(gates: readonly PlanGate[]): number {
  return Math.min(...gates.map(({ policy }) => policy.timeout)) / 2;
}

/** Milliseconds that a flapping change is away at least: gates look more often than that, on a busy machine too. */
const AWAY = 2_000;

/** Shown for less than the strictest of the gates needs to pass; hidden for so long that looks can't miss it. */
function turns(gates: readonly PlanGate[]): { readonly shown: number; readonly hidden: number } {
  const needed = gates.map(({ policy }) =>
    Math.max((policy.consecutiveSuccessLimit - 1) * policy.interval, policy.stableFor),
  );
  const interval = Math.max(...gates.map(({ policy }) => policy.interval));
  const longest = Math.max(...needed);
  return { shown: longest > 0 ? 0.6 * longest : 1.2 * interval, hidden: Math.max(2 * interval, AWAY) };
}

/** Passes at the target are kept from evo: always, until it is late, or but for short streaks. */
function shown({ probe, clock }: Session, { target, fault }: Cell, gates: readonly PlanGate[]): Omit<Made, "by"> {
  const began = clock.now();
  const streak = Math.max(1, ...gates.map(({ policy }) => policy.consecutiveSuccessLimit - 1));
  let lifted = false;
  let looks = 0;
  const hidden = (): boolean => {
    if (lifted) return false;
    if (fault === "slowly") return clock.now() < began + lateness(gates);
    return fault === "never" || looks++ % (streak + 1) === 0;
  };
  return {
    probe: {
      look: async (request, signal) => {
        const look = await probe.look(request, signal);
        const meant = request.target === target && gates.some(({ id }) => id === request.gate);
        if (!meant || look.verdict !== "pass" || !hidden()) return look;
        return { ...look, verdict: "fail", observed: "kept back by the rehearsal" };
      },
    },
    lift: async () => {
      lifted = true;
    },
  };
}
