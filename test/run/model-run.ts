/**
 * One run of the model: drivers, engines, people and the clock, stepped in random order. Trouble ends after a while; from
 * then on everything goes well and a person resumes whatever stands still, so that each run must come to its end.
 */
import { compile } from "../../src/plan/compile.js";
import type { RunEvent } from "../../src/run/events.js";
import type { Proposed } from "../../src/run/gates.js";
import { lastAttempt, openAttempts, type RunState } from "../../src/run/state.js";
import type { Sequence } from "../../src/sequence/model.js";
import { type Case, sequenceOf } from "./model-cases.js";
import type { Coverage } from "./model-coverage.js";
import {
  type Driver,
  foldWith,
  type Host,
  hear,
  MACHINE,
  type Machine,
  type Resume,
  record,
  takeUp,
  type Wait,
} from "./model-driver.js";
import { createWorld, type ModelEntry, type ModelLook, type Operation } from "./model-world.js";

/** Steps of the simulation with trouble, and in all. */
const TROUBLE = 160;
const LONGEST = 1_500;

/** Where drivers die more often than elsewhere, so that it is seen often enough. */
const RARE = new Set([
  "gate.failed",
  "gate.errored",
  "gate.inconclusive",
  "run.held",
  "run.completed",
  "operation.unresolved",
]);

/** What is left of a run: for the audit. */
export interface ModelRecord {
  readonly sequence: Sequence;
  readonly parallel: number;
  readonly entries: readonly ModelEntry[];
  readonly looks: readonly ModelLook[];
  readonly operations: ReadonlyMap<string, Operation>;
  /** What went wrong in the open: an effect without its intent, a loop that spins, an error thrown. */
  readonly wrongs: readonly string[];
  /** It came to its end within the steps that it was given. */
  readonly finished: boolean;
}

export function simulateModel(given: Case, coverage: Coverage, machine: Machine = MACHINE): ModelRecord {
  const sequence = sequenceOf(given);
  const plan = compile(sequence);
  const world = createWorld(given, machine.ignoresVersion);
  const { rates } = given;
  const drivers: Driver[] = [];
  let numbered = 0;
  let resumes = 0;

  const crashes: Host["crashes"] = (driver, when, events) => {
    const rare = events.some(({ event }) => RARE.has(event.type));
    if (world.quiet || !world.chance(rates.crashes * (rare ? 20 : 2))) return false;
    for (const { event } of events) coverage.reach(`crash ${when}`, event.type);
    driver.alive = false;
    return true;
  };
  const host: Host = { world, machine, coverage, crashes, sampled: new Map(), plan };

  const versions = { evo: "0", node: "20", engine: "3.200.0" };
  const sources = [...new Set(plan.nodes.flatMap((node) => (node.kind === "step" ? [node.stack.dir] : [])))].map(
    (path) => ({ path, sha256: "same" }),
  );
  const { parallel } = given;
  const first = {
    type: "run.started",
    at: world.now(),
    plan,
    root: "/",
    file: "s.ts",
    sources,
    parallel,
    versions,
  } as const;
  world.append({ id: "start", events: [{ event: first, causes: [] }], expected: 0, driver: 0, decided: 0 });
  let folded = foldWith(machine, world.entries);
  const isLeftAtOnce = !world.chance(0.9);
  if (isLeftAtOnce) coverage.reach("crash after", "run.started");

  /** What anybody reads from the ledger now. */
  function read(): RunState {
    for (const entry of world.entries.slice(folded.version)) folded = machine.evolve(folded, entry);
    return folded;
  }

  const isUp = (driver: Driver): boolean => driver.alive && driver.stoppedUntil <= world.time;
  const driving = (): Driver | undefined => drivers.find((driver) => isUp(driver) && driver.token === world.token);

  // ---------------------------------------------------------------------------------------------------- people

  function say(event: RunEvent): void {
    const state = read();
    if (!world.quiet && world.chance(rates.crashes * 10)) {
      coverage.reach("crash before", event.type);
      return;
    }
    const causes = [state.halt?.entry ?? state.drivenBy];
    const id = `word ${world.tick}`;
    const word = { id, events: [{ event, causes }], expected: world.entries.length, driver: 0, decided: world.tick };
    world.append(word);
    if (!world.quiet && world.chance(rates.crashes * 10)) {
      coverage.reach("crash after", event.type);
      world.append(word);
    }
    const driver = driving();
    if (driver === undefined || driver.tasks.has("hear")) return;
    driver.tasks.set("hear", hear(host, driver));
    driver.waits.set("hear", { until: world.now() + Math.floor(world.rand() * 1_000) });
  }

  function settle(state: RunState): boolean {
    const unknown = Object.values(state.steps)
      .flat()
      .find((attempt) => attempt.outcome?.status === "unresolved");
    if (unknown === undefined) return false;
    const as = world.rand() < 0.5 ? "succeeded" : "failed";
    say({ type: "operation.settled", at: world.now(), operation: unknown.operation, as, reason: "a person looked" });
    return true;
  }

  /** `evo retry`: only steps that were attempted, are not unresolved, and whose boundary is not open. */
  function retryable(state: RunState): readonly string[] {
    return plan.nodes.flatMap((node) => {
      const outcome = lastAttempt(state, node.id)?.outcome;
      const may = outcome !== undefined && outcome.status !== "unresolved" && state.opened[node.boundary] === undefined;
      return node.kind === "step" && may ? [node.id] : [];
    });
  }

  /** `fillSeen`: after what lies beside the ledger, and after what the entries tell. */
  function numbersOf(state: RunState): Map<string, number> {
    const numbers = new Map(host.sampled);
    for (const [gate, { measured }] of Object.entries(state.gates))
      for (const [target, { last }] of Object.entries(measured)) {
        const key = `${gate}\n${target}`;
        numbers.set(key, Math.max(last.number, numbers.get(key) ?? 0));
      }
    return numbers;
  }

  function adopt(state: RunState, resume: Resume): void {
    numbered += 1;
    world.token += 1;
    const before = drivers.at(-1);
    const driver: Driver = {
      id: numbered,
      token: world.token,
      state,
      seen: machine.keepsEvidence && before !== undefined ? before.seen : {},
      alive: true,
      adopted: false,
      active: true,
      bell: false,
      tasks: new Map(),
      waits: new Map(),
      stacks: new Set(),
      numbers: numbersOf(state),
      samples: 0,
      tickets: 0,
      serving: 0,
      stoppedUntil: 0,
    };
    driver.tasks.set("loop", takeUp(host, driver, resume));
    drivers.push(driver);
  }

  /** A person, or `evo serve`, finds the run without a driver. */
  function care(): unknown {
    const state = read();
    if (state.status === "completed" || state.status === "aborted") return undefined;
    const reason = "a person resumed it";
    if (state.status === "running") return adopt(state, { reason, acceptChangedCode: false });
    if ((world.quiet || world.chance(0.7)) && settle(state)) return;
    if (!world.quiet && world.chance(0.05) && openAttempts(state).length === 0) {
      world.token += 1; // `evo abort` takes the lease first.
      return say({ type: "run.aborted", at: world.now(), reason: "a person gave it up" });
    }
    const steps = world.quiet || world.chance(0.6) ? [] : retryable(state).filter(() => world.rand() < 0.5);
    if (world.quiet) resumes += 1;
    const acceptChangedCode = world.quiet || world.chance(0.3);
    adopt(state, { reason, acceptChangedCode, ...(steps.length === 0 ? {} : { steps }) });
  }

  function speak(): unknown {
    const state = read();
    const driver = driving();
    if (driver === undefined || state.status === "completed" || state.status === "aborted") return;
    const luck = world.rand();
    if (luck < 0.4) return void settle(state);
    const reason = "a person paused it";
    if (state.status !== "running") return;
    if (luck < 0.6) return say({ type: "run.paused", at: world.now(), reason });
    if (!driver.adopted || driver.tasks.has("say")) return;
    driver.tasks.set("say", pause(driver, reason));
    if (luck < 0.8) for (const { attempt } of openAttempts(driver.state)) world.cancel(attempt.operation);
  }

  function* pause(driver: Driver, reason: string): Generator<Wait, void, void> {
    while (driver.state.status === "running") {
      const { state } = driver;
      const event = { type: "run.paused", at: world.now(), reason } as const;
      const said: Proposed = { event, causes: [state.drivenBy] };
      if (yield* record(host, driver, [said], state)) return;
    }
  }

  // --------------------------------------------------------------------------------------------------- trouble

  const JUMPS = [1_000, -1_000, 20_000, -20_000, 3_600_000, -3_600_000, -3_600_000];

  function disturb(): void {
    const driver = driving();
    if (driver !== undefined && world.chance(rates.crashes)) {
      if (world.rand() < 0.75) {
        driver.alive = false;
        coverage.reach("crash", "between two steps");
      } else {
        driver.stoppedUntil = world.time + Math.floor(world.rand() * 20_000);
        coverage.reach("crash", "stopped, goes on later");
      }
    }
    if (world.chance(rates.words)) speak();
    if (world.chance(rates.jumps)) {
      const jump = JUMPS[Math.floor(world.rand() * JUMPS.length)] ?? 0;
      coverage.reach("clock", jump < 0 ? "back" : "forth");
      world.offset += jump;
    }
    if (driving() === undefined && world.rand() < 0.2) care();
  }

  // ------------------------------------------------------------------------------------------------- one step

  const mayGoOn = (wait: Wait | undefined): boolean => {
    if (wait === undefined || (wait.until === undefined && wait.due === undefined && wait.when === undefined))
      return true;
    if (wait.until !== undefined && wait.until <= world.now()) return true;
    return (wait.due !== undefined && wait.due <= world.time) || wait.when?.() === true;
  };

  function step(): boolean {
    const ready: [Driver, string][] = [];
    for (const driver of drivers)
      if (isUp(driver))
        for (const key of driver.tasks.keys()) if (mayGoOn(driver.waits.get(key))) ready.push([driver, key]);
    const chosen = ready[Math.floor(world.rand() * ready.length)];
    if (chosen === undefined) return false;
    const [driver, key] = chosen;
    const { done, value } = driver.tasks.get(key)?.next() ?? { done: true, value: undefined };
    if (done !== true) driver.waits.set(key, value as Wait);
    else {
      driver.tasks.delete(key);
      driver.waits.delete(key);
      driver.bell = true;
    }
    return true;
  }

  /** Nothing goes on by itself: time passes until something does. */
  function pass(): boolean {
    const dues: number[] = [];
    for (const driver of drivers) {
      if (!driver.alive) continue;
      if (driver.stoppedUntil > world.time) dues.push(driver.stoppedUntil);
      else
        for (const { until, due } of driver.waits.values())
          dues.push(until === undefined ? Infinity : until - world.offset, due ?? Infinity);
    }
    for (const { phase, due } of world.operations.values())
      if (phase === "previewing" || phase === "updating") dues.push(due);
    const next = Math.min(...dues.filter((due) => due > world.time));
    if (!Number.isFinite(next)) return false;
    world.time = next;
    world.advance();
    return true;
  }

  function calm(): void {
    world.quiet = true;
    for (const driver of drivers) driver.stoppedUntil = 0;
  }

  function isOver(): boolean {
    const { status } = read();
    return (status === "completed" || status === "aborted") && !drivers.some((driver) => driver.alive);
  }

  try {
    if (!isLeftAtOnce) care();
    for (world.tick = 1; world.tick < LONGEST && world.wrongs.length === 0; world.tick += 1) {
      for (let at = drivers.length - 1; at >= 0; at -= 1) if (!drivers[at]?.alive) drivers.splice(at, 1);
      if (isOver()) break;
      if (world.tick === TROUBLE) calm();
      if (!world.quiet) disturb();
      if (step() || pass()) continue;
      if (driving() !== undefined) world.wrongs.push("a driver waits for what cannot come");
      else care();
      if (resumes > 30) world.wrongs.push("resumed thirty times while all went well, and still not at its end");
    }
  } catch (error) {
    world.wrongs.push(`thrown: ${(error as Error).message}`);
  }
  const { entries, looks, operations, wrongs } = world;
  return { sequence, parallel, entries, looks, operations, wrongs, finished: isOver() };
}
