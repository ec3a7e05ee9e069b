/**
 * A driver of the model: what src/run/{loop,operate,look,recorder}.ts and `takeUp` do, line by line, as generators. Each
 * `yield` is an `await` of theirs: whatever else goes on may come between, a crash too.
 */
import { tally as countLook, worthRecording } from "../../src/gates/assess.js";
import type { Plan, StepNode } from "../../src/plan/model.js";
import type { Action, Decision } from "../../src/run/action.js";
import { decide } from "../../src/run/decide.js";
import type { RunEvent } from "../../src/run/events.js";
import { evolve, fold, type Numbered } from "../../src/run/evolve.js";
import {
  causesOfLooks,
  countsFrom,
  type Evidence,
  type GateEvidence,
  isMeasurable,
  operationsProved,
  type Proposed,
  provedBy,
} from "../../src/run/gates.js";
import { stackResource, stacksInUse } from "../../src/run/leases.js";
import { STOPPED } from "../../src/run/operate.js";
import type { OperationOutcome } from "../../src/run/ports.js";
import { gatesOf, lastAttempt, type RunState } from "../../src/run/state.js";
import { NO_CHANGES } from "./machine.js";
import type { Coverage } from "./model-coverage.js";
import type { ModelEntry, World } from "./model-world.js";

/** When a task goes on: at once, or at a time of the clock, at a true time, or when something is so. */
export interface Wait {
  readonly until?: number;
  readonly due?: number;
  readonly when?: () => boolean;
}

export type Task<T = void> = Generator<Wait, T, void>;

/** The functions under test; a seeded bug puts its own in their place. */
export interface Machine {
  readonly decide: (state: RunState, seen: Evidence, now: number) => Decision;
  readonly evolve: (state: RunState, entry: Numbered) => RunState;
  readonly tally: typeof countLook;
  readonly countsFrom: typeof countsFrom;
  readonly isMeasurable: typeof isMeasurable;
  readonly provedBy: typeof provedBy;
  /** The ledger takes an append whatever version it expects. */
  readonly ignoresVersion?: boolean;
  /** Whoever takes over goes on with what the one before had seen. */
  readonly keepsEvidence?: boolean;
  /** Taking up a halted run records no `run.resumed`. */
  readonly forgetsHalt?: boolean;
}

export const MACHINE: Machine = { decide, evolve, tally: countLook, countsFrom, isMeasurable, provedBy };

/** The state that entries fold to, by this machine. */
export function foldWith(machine: Machine, entries: readonly Numbered[]): RunState {
  return entries.slice(1).reduce(machine.evolve, fold("r", entries.slice(0, 1)));
}

export interface Driver {
  readonly id: number;
  readonly token: number;
  state: RunState;
  seen: Evidence;
  alive: boolean;
  /** It has said that it drives the run, and drives it. */
  adopted: boolean;
  /** False once nothing new may start or be looked at. */
  active: boolean;
  bell: boolean;
  readonly tasks: Map<string, Task>;
  readonly waits: Map<string, Wait>;
  readonly stacks: Set<string>;
  readonly numbers: Map<string, number>;
  samples: number;
  /** The recorder's queue. */
  tickets: number;
  serving: number;
  /** A stopped process (SIGSTOP) does nothing until then (true time). */
  stoppedUntil: number;
}

/** What the simulation gives its drivers. */
export interface Host {
  readonly world: World;
  readonly machine: Machine;
  readonly coverage: Coverage;
  /** Whether the driver dies here, before or after the append of these. */
  crashes(driver: Driver, when: "before" | "after", events: readonly Proposed[]): boolean;
  /** Numbers of looks that reached the side table, across drivers. */
  readonly sampled: Map<string, number>;
  readonly plan: Plan;
}

const NEVER: Wait = { when: () => false };

export interface Resume {
  readonly reason: string;
  readonly acceptChangedCode: boolean;
  readonly steps?: readonly string[];
}

/** Takes a run up as `evo resume` and `evo serve` do: load, fold, say who drives it, then go on with empty evidence. */
export function* takeUp(host: Host, driver: Driver, resume: Resume): Task {
  const at = host.world.now();
  const { state } = driver;
  yield {};
  const last = [state.halt?.entry ?? state.last];
  const holder = `driver ${driver.id}`;
  const adopted: Proposed = {
    event: { type: "run.adopted", at, holder, token: String(driver.token) },
    causes: last,
  };
  const plain = state.status === "running" && !resume.acceptChangedCode && resume.steps === undefined;
  const resumed: Proposed = { event: { type: "run.resumed", at, ...resume }, causes: [{ batch: 0 }, ...last] };
  yield* record(host, driver, plain || host.machine.forgetsHalt ? [adopted] : [adopted, resumed]);
  yield* turns(host, driver);
}

/** `turns` in loop.ts. */
export function* turns(host: Host, driver: Driver): Task {
  const { world, machine, coverage } = host;
  driver.adopted = true;
  for (let spins = 0, at = world.time; driver.alive; spins += 1) {
    const { state } = driver;
    if (at !== world.time) spins = 0;
    at = world.time;
    const decided = world.tick;
    const { actions, wakeAt } = machine.decide(state, driver.seen, world.now());
    for (const action of actions) coverage.reach("action", action.do);
    const toRecord = actions.find((action) => action.do === "record");
    if (toRecord !== undefined) {
      yield* flush(host, driver);
      yield* record(host, driver, toRecord.events, state, decided);
      keepOnly(driver);
      continue;
    }
    if (state.status !== "running") driver.active = false;
    const fresh = actions.filter((action) => !driver.tasks.has(keyOf(action)));
    for (const action of fresh) driver.tasks.set(keyOf(action), perform(host, driver, action));
    const idle = isIdle(driver);
    if (state.status !== "running" && idle) break;
    if (idle && wakeAt === undefined)
      world.wrongs.push("the run is running, but nothing is under way and nobody wakes");
    if (spins > 500) world.wrongs.push(`the loop spins: it is to wake at ${wakeAt} and it is ${world.now()}`);
    if (world.wrongs.length > 0) return;
    yield wakeAt === undefined ? { when: () => driver.bell } : { until: wakeAt, when: () => driver.bell };
    driver.bell = false;
  }
  yield* flush(host, driver);
  driver.alive = false;
}

/** `hear` in loop.ts: what others have recorded meanwhile. */
export function* hear(host: Host, driver: Driver): Task {
  const turn = driver.tickets++;
  yield { when: () => driver.serving === turn };
  catchUp(host, driver);
  driver.serving += 1;
  driver.bell = true;
}

function keyOf(action: Action): string {
  if (action.do === "look") return `look ${action.gate} ${action.target}`;
  if (action.do === "ask") return `ask ${action.gate}`;
  return action.do === "record" ? "record" : `step ${action.step}`;
}

/** Nothing that was decided is under way; hearing and saying don't count. */
function isIdle(driver: Driver): boolean {
  return ![...driver.tasks.keys()].some((key) => key.startsWith("look ") || key.startsWith("step "));
}

function perform(host: Host, driver: Driver, action: Action): Task {
  if (action.do === "operate") return operate(host, driver, action.step);
  if (action.do === "follow") return followOperation(host, driver, action.step);
  if (action.do === "look") return look(host, driver, action.gate, action.target);
  throw new Error("entries are recorded by the loop itself");
}

// ------------------------------------------------------------------------------------------------------- recorder

function take(host: Host, driver: Driver, entries: readonly ModelEntry[]): void {
  for (const entry of entries) driver.state = host.machine.evolve(driver.state, entry);
}

function catchUp(host: Host, driver: Driver): void {
  take(
    host,
    driver,
    host.world.entries.filter((entry) => entry.number > driver.state.last),
  );
}

let ids = 0;

/** The recorder: one append after the other, based on a state where it matters, repeated where the reply was lost. */
export function* record(
  host: Host,
  driver: Driver,
  events: readonly Proposed[],
  basedOn?: RunState,
  decided = host.world.tick,
): Task<boolean> {
  const { world } = host;
  const turn = driver.tickets++;
  if (driver.serving !== turn) yield { when: () => driver.serving === turn };
  for (;;) {
    if (basedOn !== undefined && basedOn !== driver.state) {
      driver.serving += 1;
      return false;
    }
    const before = driver.state;
    yield {};
    if (host.crashes(driver, "before", events)) yield NEVER;
    ids += 1;
    const request = {
      id: `${ids}`,
      events,
      expected: before.version,
      token: driver.token,
      driver: driver.id,
      decided,
    };
    let reply = world.append(request);
    if (Array.isArray(reply) && host.crashes(driver, "after", events)) yield NEVER;
    yield {};
    if (!world.quiet && world.chance(0.02)) {
      host.coverage.reach("duplicate", "append repeated");
      reply = world.append(request);
    }
    if (reply === "fenced") {
      host.coverage.reach("fenced", "append");
      driver.alive = false;
      yield NEVER;
    } else if (reply === "conflict") {
      host.coverage.reach("conflict", basedOn === undefined ? "said again" : "decided anew");
      catchUp(host, driver);
      if (driver.state === before) throw new Error("conflict without a newer entry");
    } else {
      take(host, driver, reply as readonly ModelEntry[]);
      driver.serving += 1;
      return true;
    }
  }
}

function* flush(host: Host, driver: Driver): Task {
  if (driver.samples === 0) return;
  driver.samples = 0;
  yield {};
  for (const [key, number] of driver.numbers) host.sampled.set(key, Math.max(number, host.sampled.get(key) ?? 0));
}

// -------------------------------------------------------------------------------------------------------- operate

function keepOnly(driver: Driver): void {
  const used = stacksInUse(driver.state);
  for (const stack of driver.stacks) if (!used.has(stackResource(stack))) driver.stacks.delete(stack);
}

function stepNode(driver: Driver, step: string): StepNode {
  const node = driver.state.started.plan.nodes.find((candidate) => candidate.id === step);
  if (node?.kind !== "step") throw new Error(`${step} is not a step`);
  return node;
}

function* operate(host: Host, driver: Driver, step: string): Task {
  const { world } = host;
  const node = stepNode(driver, step);
  yield {};
  const stack = node.stack.dir;
  const source = { path: stack, sha256: world.sourceOf(stack) };
  if (!driver.stacks.has(stack)) return yield* takeStack(host, driver, stack);
  const operation = yield* intend(host, driver, node, stack, source);
  if (operation === undefined) return;
  yield {};
  if (!holdsLease(host, driver)) return yield NEVER;
  if (!world.quiet && world.luck(`start ${operation}`) < 0.01)
    return yield* recordOutcome(host, driver, step, operation, {
      status: "failed",
      began: world.now(),
      ended: world.now(),
      reason: "its folder is gone",
    });
  world.start(operation);
  yield* follow(host, driver, step, operation);
}

/** The check right before an effect: a lease that was lost ends the driving. */
function holdsLease(host: Host, driver: Driver): boolean {
  if (driver.token === host.world.token) return true;
  host.coverage.reach("fenced", "effect");
  driver.alive = false;
  return false;
}

function* takeStack(host: Host, driver: Driver, stack: string): Task {
  yield {};
  const { world } = host;
  if (world.quiet || !world.chance(0.05)) driver.stacks.add(stack);
  else yield { until: world.now() + 2_000, when: () => !driver.active };
}

function* intend(
  host: Host,
  driver: Driver,
  node: StepNode,
  stack: string,
  source: { readonly path: string; readonly sha256: string },
): Task<string | undefined> {
  const { state } = driver;
  const now = host.world.now();
  const action = host.machine
    .decide(state, driver.seen, now)
    .actions.find((candidate) => candidate.do === "operate" && candidate.step === node.id);
  if (action === undefined || action.do !== "operate") return undefined;
  if (source.sha256 !== "same" && !state.acceptChangedCode) {
    const reason = `${source.path} has changed`;
    const event: RunEvent = { type: "run.halted", at: now, cause: "sources-changed", node: node.id, reason };
    yield* record(host, driver, [{ event, causes: [state.started.entry] }], state);
    return undefined;
  }
  const operation = `r.${node.id}.${action.attempt}.${node.verb}`;
  const intent = { operation, step: node.id, attempt: action.attempt, verb: node.verb, stack, source };
  const event: RunEvent = { type: "operation.intended", at: now, ...intent };
  return (yield* record(host, driver, [...action.events, { event, causes: action.causes }], state))
    ? operation
    : undefined;
}

function* followOperation(host: Host, driver: Driver, step: string): Task {
  const attempt = lastAttempt(driver.state, step);
  if (attempt === undefined || attempt.outcome !== undefined) return;
  if (!driver.stacks.has(attempt.stack)) return yield* takeStack(host, driver, attempt.stack);
  yield* follow(host, driver, step, attempt.operation);
}

function* follow(host: Host, driver: Driver, step: string, id: string): Task {
  const { world, coverage } = host;
  yield {};
  const operation = world.operations.get(id);
  if (operation === undefined)
    return yield* recordOutcome(host, driver, step, id, {
      status: "absent",
      began: 0,
      ended: world.now(),
      reason: "it was never started",
    });
  yield { when: () => operation.phase !== "previewing" };
  if (operation.phase === "waiting") yield* previewed(host, driver, step, id, operation.refusal);
  if (!world.quiet && world.chance(0.1) && operation.phase !== "ended") {
    coverage.reach("duplicate", "preview reported again");
    yield* previewed(host, driver, step, id, operation.refusal);
  }
  yield { when: () => operation.phase === "ended" };
  if (operation.outcome !== undefined) yield* recordOutcome(host, driver, step, id, operation.outcome);
}

function* previewed(host: Host, driver: Driver, step: string, operation: string, refusal: string | undefined): Task {
  const { world } = host;
  const attempt = attemptOf(driver, step, operation);
  if (attempt.previewed === undefined) {
    const refused = refusal === undefined ? {} : { refusal };
    const event: RunEvent = {
      type: "operation.previewed",
      at: world.now(),
      operation,
      preview: NO_CHANGES,
      ...refused,
    };
    yield* record(host, driver, [{ event, causes: [attempt.entry] }]);
  }
  yield {};
  if (refusal !== undefined) return world.answer(operation, "refuse", refusal);
  if (driver.state.status !== "running") return world.answer(operation, "refuse", STOPPED);
  if (!holdsLease(host, driver)) return yield NEVER;
  world.answer(operation, "accept");
}

function* recordOutcome(host: Host, driver: Driver, step: string, operation: string, outcome: OperationOutcome): Task {
  const at = host.world.now();
  const attempt = attemptOf(driver, step, operation);
  const event = outcomeEvent(operation, outcome, at);
  if (event.type === "operation.failed") host.coverage.reach("operation failed", event.how);
  yield* record(host, driver, [{ event, causes: [attempt.previewed?.entry ?? attempt.entry] }]);
}

function outcomeEvent(operation: string, outcome: OperationOutcome, at: number): RunEvent {
  if (outcome.status === "unresolved") return { type: "operation.unresolved", at, operation, facts: outcome.facts };
  if (outcome.status === "succeeded") {
    const { status: _, ...rest } = outcome;
    return { type: "operation.succeeded", at, operation, ...rest };
  }
  const { status, ...rest } = outcome;
  const how = status === "refused" && outcome.reason.includes(STOPPED) ? "cancelled" : status;
  return { type: "operation.failed", at, operation, how, ...rest };
}

function attemptOf(driver: Driver, step: string, operation: string) {
  const attempt = driver.state.steps[step]?.find((candidate) => candidate.operation === operation);
  if (attempt === undefined) throw new Error(`no intent of ${operation} is recorded`);
  return attempt;
}

// ----------------------------------------------------------------------------------------------------------- look

function* look(host: Host, driver: Driver, id: string, target: string): Task {
  const { world, machine } = host;
  const gate = gatesOf(host.plan).find((candidate) => candidate.id === id);
  if (gate === undefined) throw new Error(`the plan has no gate ${id}`);
  const since = machine.countsFrom(driver.state, gate);
  const proves = machine.provedBy(driver.state, gate);
  const began = world.now();
  const beganTick = world.tick;
  const key = `${id}\n${target}`;
  const { takes, verdict } = world.look(id, target, driver.numbers.get(key) ?? 0);
  const ended = world.time + takes;
  yield { due: ended };
  if (!driver.active) return;
  const number = (driver.numbers.get(key) ?? 0) + 1;
  driver.numbers.set(key, number);
  const measurement = { number, began, ended: world.now(), verdict, observed: verdict, expected: "pass" };
  const log = { gate: id, target, number, driver: driver.id, began, ended: world.now(), verdict };
  if (!machine.isMeasurable(driver.state, gate) || machine.countsFrom(driver.state, gate) !== since) return;
  if (machine.provedBy(driver.state, gate) !== proves) return;
  const operations = operationsProved(driver.state, gate);
  world.looks.push({ ...log, beganTick, endedTick: world.tick });
  const kept = driver.seen[id];
  const before: GateEvidence =
    kept?.since === since && kept.proves === proves ? kept : { since, proves, tallies: {}, digests: {} };
  const previous = before.tallies[target];
  const next = machine.tally(previous, measurement, gate.policy, since);
  driver.seen = { ...driver.seen, [id]: { ...before, tallies: { ...before.tallies, [target]: next } } };
  driver.samples += 1;
  if (driver.samples >= 50) yield* flush(host, driver);
  else yield {};
  if (!worthRecording(previous, next)) return;
  const event: RunEvent = {
    type: "gate.measured",
    at: world.now(),
    gate: id,
    target,
    operations,
    measurements: [measurement],
    counts: next.counts,
  };
  yield* record(host, driver, [{ event, causes: causesOfLooks(driver.state, gate) }]);
}
