/**
 * The run's own machine, played on nothing: every operation succeeds and every gate passes but for one fault. What it
 * records then is what a run would record, since it is the same `decide` and the same fold. Pure; time is a number.
 *
 * Waits are shortened, since what follows from a failure does not depend on how long it took: gates are judged after one
 * look, time-outs come after a few. Rules, attempts, order, quorums and recoveries are the plan's.
 */
import { tally } from "../../gates/assess.js";
import type { GatePolicy, Verdict } from "../../gates/model.js";
import type { GateId, NodeId, Plan, PlanGate } from "../../plan/model.js";
import type { Action } from "../../run/action.js";
import { decide } from "../../run/decide.js";
import type { RunEvent } from "../../run/events.js";
import { evolve, fold } from "../../run/evolve.js";
import { countsFrom, type GateEvidence, type Proposed } from "../../run/gates.js";
import { gatesOf, openAttempts, type RunState } from "../../run/state.js";

/** How an attempt ends badly; see `operation.failed`. */
export type OperationFault = "failed" | "refused" | "cancelled" | "locked" | "absent" | "unresolved";

/** The one thing that goes wrong, each time that it is tried. */
export type Fault =
  | { readonly step: NodeId; readonly how: OperationFault }
  /** `slow`: no limit is reached, and it does not converge. */
  | { readonly gate: GateId; readonly sees: Exclude<Verdict, "pass"> | "slow" };

/** Milliseconds of the played time. */
const INTERVAL = 1_000;
const TIMEOUT = 3 * INTERVAL;
/** What fails takes so long that all that may run beside it has come as far as it can: what is applied then is the most. */
const LONG = 600 * INTERVAL;
/** So long after it was held nothing but looks can come. */
const QUIET = 60 * INTERVAL;

/** Plays the plan until it stands still or ends; the state says how. `parallel`: operations at a time. */
export function play(plan: Plan, fault: Fault | undefined, parallel = 1_000): RunState {
  return new Play(shortened(plan, fault), fault, parallel).toTheEnd();
}

function shortened(plan: Plan, fault: Fault | undefined): Plan {
  const short = (gate: PlanGate): PlanGate => ({
    ...gate,
    // Words are given and withheld as looks are: what asks and what looks is judged alike.
    targets: gate.targets.map(({ name }) => ({ name, probe: { type: "custom", name } })),
    policy: shortPolicy(
      gate.policy,
      fault !== undefined && "gate" in fault && fault.gate === gate.id && fault.sees === "slow",
    ),
  });
  const nodes = plan.nodes.map((node) => ({
    ...node,
    window: 2 * INTERVAL,
    ready: node.ready.map(short),
    converged: node.converged.map(short),
  }));
  return { ...plan, nodes, consistent: plan.consistent.map(short) };
}

function shortPolicy(policy: GatePolicy, slow: boolean): GatePolicy {
  const { failureLimit, consecutiveErrorLimit, inconclusiveLimit, ...rest } = policy;
  const limits = slow
    ? {}
    : {
        ...(failureLimit === undefined ? {} : { failureLimit: 1 }),
        ...(consecutiveErrorLimit === undefined ? {} : { consecutiveErrorLimit: 1 }),
        ...(inconclusiveLimit === undefined ? {} : { inconclusiveLimit: 1 }),
      };
  const once = { consecutiveSuccessLimit: 1, stableFor: 0, initialDelay: 0 };
  return { ...rest, ...once, ...limits, interval: INTERVAL, requestTimeout: INTERVAL, timeout: TIMEOUT };
}

interface Due {
  readonly key: string;
  readonly at: number;
  readonly happen: () => void;
}

/** One played run. */
class Play {
  private state: RunState;
  private now = 0;
  private due: Due[] = [];
  private looks = 0;
  private readonly seen: { [gate: GateId]: GateEvidence } = {};

  constructor(
    plan: Plan,
    private readonly fault: Fault | undefined,
    parallel: number,
  ) {
    const versions = { evo: "", node: "", engine: "" };
    const start = { at: 0, plan, root: "", file: "", sources: [], parallel, versions };
    this.state = fold("played", [{ number: 1, event: { type: "run.started", ...start } }]);
  }

  toTheEnd(): RunState {
    while (!this.stands()) {
      const { actions, wakeAt } = decide(this.state, this.seen, this.now);
      const records = actions.find((action) => action.do === "record");
      if (records !== undefined) {
        this.record(records.events);
        continue;
      }
      const fresh = actions.filter((action) => !this.due.some(({ key }) => key === keyOf(action)));
      for (const action of fresh) this.perform(action);
      if (fresh.length === 0 && !this.passTime(wakeAt)) break;
    }
    return this.state;
  }

  /** Nothing more can come: it has ended, or stands with nothing under way, or was held long ago. */
  private stands(): boolean {
    if (openAttempts(this.state).length > 0) return false;
    if (this.state.status !== "running") return true;
    return Object.values(this.state.held).some(({ at }) => this.now > at + QUIET);
  }

  private passTime(wakeAt: number | undefined): boolean {
    const next = Math.min(...this.due.map(({ at }) => at), wakeAt ?? Number.POSITIVE_INFINITY);
    if (!Number.isFinite(next)) return false;
    this.now = Math.max(this.now, next);
    const happening = this.due.filter(({ at }) => at <= this.now);
    this.due = this.due.filter(({ at }) => at > this.now);
    for (const { happen } of happening) happen();
    return true;
  }

  private record(events: readonly Proposed[]): void {
    for (const { event } of events) this.state = evolve(this.state, { number: this.state.last + 1, event });
  }

  private tell(event: RunEvent): void {
    this.record([{ event, causes: [] }]);
  }

  private perform(action: Action): void {
    if (action.do === "look") this.look(action.gate, action.target, keyOf(action));
    if (action.do === "operate") this.operate(action);
  }

  private operate({ step, attempt, events }: Action & { readonly do: "operate" }): void {
    const operation = `played.${step}.${attempt}.up`;
    const source = { path: step, sha256: "" };
    this.record(events);
    this.tell({ type: "operation.intended", at: this.now, operation, step, attempt, verb: "up", stack: step, source });
    const takes = this.faultOf(step) === undefined ? 1 : LONG;
    this.due.push({ key: `step ${step}`, at: this.now + takes, happen: () => this.end(step, operation) });
  }

  private end(step: NodeId, operation: string): void {
    const [began, at] = [this.now - 1, this.now];
    const how = this.faultOf(step);
    if (how === "unresolved") this.tell({ type: "operation.unresolved", at, operation, facts: [] });
    else if (how !== undefined)
      this.tell({ type: "operation.failed", at, operation, began, ended: at, how, reason: how });
    else this.tell({ type: "operation.succeeded", at, operation, began, ended: at, changes: NO_CHANGES });
  }

  private faultOf(step: NodeId): OperationFault | undefined {
    return this.fault !== undefined && "step" in this.fault && this.fault.step === step ? this.fault.how : undefined;
  }

  private look(id: GateId, target: string, key: string): void {
    const gate = gatesOf(this.state.started.plan).find((one) => one.id === id) as PlanGate;
    const since = countsFrom(this.state, gate);
    const began = this.now;
    const takes = this.verdictOn(gate) === "pass" ? 1 : LONG;
    this.due.push({ key, at: began + takes, happen: () => this.seeing(gate, target, since, began) });
  }

  private seeing(gate: PlanGate, target: string, since: number, began: number): void {
    if (countsFrom(this.state, gate) !== since) return;
    const before = this.seen[gate.id]?.since === since ? this.seen[gate.id] : undefined;
    const verdict = this.verdictOn(gate);
    this.looks += 1;
    const look = { number: this.looks, began, ended: this.now, verdict, observed: null, expected: null };
    const tallies = { ...before?.tallies, [target]: tally(before?.tallies[target], look, gate.policy, since) };
    this.seen[gate.id] = { since, tallies, digests: {} };
  }

  private verdictOn({ id }: PlanGate): Verdict {
    const { fault } = this;
    if (fault === undefined || !("gate" in fault) || fault.gate !== id) return "pass";
    return fault.sees === "slow" ? "fail" : fault.sees;
  }
}

function keyOf(action: Action): string {
  return action.do === "look" ? `look ${action.gate} ${action.target}` : "step" in action ? `step ${action.step}` : "";
}

const NO_CHANGES = { counts: {}, resources: [], diagnostics: [], engine: "", providers: {}, duration: 0 };
