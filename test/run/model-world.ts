/**
 * The world of the model test: a clock that jumps, an engine that outlives whoever started it, looks that flap, and a
 * ledger that refuses what the real one refuses. It keeps a log of its own, against which the entries are audited.
 */
import type { Verdict } from "../../src/gates/model.js";
import type { RunEvent } from "../../src/run/events.js";
import type { Proposed } from "../../src/run/gates.js";
import type { OperationOutcome } from "../../src/run/ports.js";
import { NO_CHANGES } from "./machine.js";
import { type Case, draw, stream } from "./model-cases.js";

/** An entry, with what only the model knows of it. */
export interface ModelEntry {
  readonly number: number;
  readonly event: RunEvent;
  readonly causes: readonly number[];
  /** Entries of one append. */
  readonly batch: number;
  /** Which driver wrote it; 0: a person's word. */
  readonly driver: number;
  /** True order of things, whatever the clock says: when it was decided, and when it was committed. */
  readonly decided: number;
  readonly tick: number;
}

/** A look as the side table has it, with the true order of things. */
export interface ModelLook {
  readonly gate: string;
  readonly target: string;
  readonly number: number;
  readonly driver: number;
  readonly began: number;
  readonly ended: number;
  readonly verdict: Verdict;
  readonly beganTick: number;
  readonly endedTick: number;
}

export interface Operation {
  readonly id: string;
  phase: "previewing" | "waiting" | "updating" | "ended";
  /** True time of the next change by itself. */
  due: number;
  readonly began: number;
  refusal?: string;
  cancelled?: boolean;
  outcome?: OperationOutcome;
  endedTick?: number;
}

export interface Appending {
  readonly id: string;
  readonly events: readonly Proposed[];
  readonly expected: number;
  /** Absent: a person's word, which needs no lease. */
  readonly token?: number;
  readonly driver: number;
  readonly decided: number;
}

export type World = ReturnType<typeof createWorld>;

/** `ignoresVersion` is a fault that one of the seeded bugs puts in. */
export function createWorld(given: Case, ignoresVersion = false) {
  const rand = stream(given.seed);
  const luck = (name: string): number => draw(given.seed, name);
  const world = {
    rand,
    luck,
    chance: (rate: number): boolean => rate > 0 && rand() < rate,
    /** The end of all trouble: from then on everything goes well. */
    quiet: false,
    /** True time in milliseconds, what the clock is off by, and the true order of things. */
    time: 0,
    offset: 1_000_000_000,
    tick: 0,
    now: (): number => world.time + world.offset,
    token: 0,
    entries: [] as ModelEntry[],
    looks: [] as ModelLook[],
    operations: new Map<string, Operation>(),
    /** What the world itself saw go wrong, whatever the entries say. */
    wrongs: [] as string[],
    append,
    start,
    answer,
    cancel,
    advance,
    look,
    sourceOf: (stack: string): string =>
      !world.quiet && luck(`source ${stack}`) < given.rates.trouble * 0.05 && world.tick > 60 ? "changed" : "same",
  };
  const appends = new Map<string, readonly ModelEntry[]>();

  /** As `evo.append`: a repeat is recognised first, then the token is checked, then the version. */
  function append({ id, events, expected, token, driver, decided }: Appending) {
    const known = appends.get(id);
    if (known !== undefined) return known;
    if (token !== undefined && token !== world.token) return "fenced";
    if (expected !== world.entries.length && !ignoresVersion) return "conflict";
    const first = world.entries.length + 1;
    const entries = events.map(
      ({ event, causes }, place): ModelEntry => ({
        number: first + place,
        event,
        causes: causes.map((cause) => (typeof cause === "number" ? cause : first + cause.batch)),
        batch: first,
        driver,
        decided,
        tick: world.tick,
      }),
    );
    world.entries.push(...entries);
    appends.set(id, entries);
    return entries;
  }

  const spread = (name: string, usual: number, rare: number): number =>
    luck(`${name} rare`) < given.rates.flaps * 0.1 ? rare : 1 + Math.floor(luck(name) * usual);

  function start(id: string): void {
    if (world.operations.has(id)) world.wrongs.push(`${id} was started twice`);
    if (!world.entries.some(({ event }) => event.type === "operation.intended" && event.operation === id))
      world.wrongs.push(`invariant 1: ${id} was started without an intent in the ledger`);
    const due = world.time + spread(`preview ${id}`, 300, 5_000);
    world.operations.set(id, { id, phase: "previewing", due, began: world.now() });
  }

  function answer(id: string, word: "accept" | "refuse", reason = ""): void {
    const operation = world.operations.get(id);
    if (operation === undefined || operation.phase !== "waiting") return;
    if (word === "refuse") {
      end(operation, "refused", reason);
      return;
    }
    if (!world.entries.some(({ event }) => event.type === "operation.previewed" && event.operation === id))
      world.wrongs.push(`${id} was let on before its preview was recorded`);
    operation.phase = "updating";
    operation.due = world.time + spread(`update ${id}`, 3_000, 60_000);
  }

  function cancel(id: string): void {
    const operation = world.operations.get(id);
    if (operation === undefined || operation.phase === "ended") return;
    operation.cancelled = true;
    if (operation.phase === "waiting") end(operation, "cancelled", "it was cancelled");
    else operation.due = Math.min(operation.due, world.time + 200);
  }

  /** Engines go on, whoever follows them or not. */
  function advance(): void {
    for (const operation of world.operations.values()) {
      if (operation.due > world.time || operation.phase === "ended" || operation.phase === "waiting") continue;
      if (operation.phase === "updating" || operation.cancelled)
        end(operation, outcomeOf(operation), "the engine said so");
      else previewed(operation);
    }
  }

  function previewed(operation: Operation): void {
    const fate = world.quiet ? 1 : luck(`preview of ${operation.id}`) / (given.rates.trouble || 1e-9);
    if (fate < 0.1) end(operation, "locked", "the stack is locked");
    else if (fate < 0.2) end(operation, "failed", "the preview failed");
    else operation.phase = "waiting";
    if (operation.phase === "waiting" && fate < 0.35) operation.refusal = "it would delete what nobody asked it to";
  }

  function outcomeOf(operation: Operation): OperationOutcome["status"] {
    if (operation.cancelled) return "cancelled";
    const fate = world.quiet ? 1 : luck(`outcome of ${operation.id}`) / (given.rates.trouble || 1e-9);
    return fate < 0.6 ? "failed" : fate < 0.85 ? "unresolved" : "succeeded";
  }

  function end(operation: Operation, status: OperationOutcome["status"], reason: string): void {
    const times = { began: operation.began, ended: world.now() };
    operation.phase = "ended";
    operation.endedTick = world.tick;
    if (status === "unresolved") operation.outcome = { status, facts: ["the engine is gone"] };
    else if (status === "succeeded") operation.outcome = { status, ...times, changes: NO_CHANGES };
    else operation.outcome = { status, ...times, reason };
  }

  /** How long a look that begins now takes, and what it sees. */
  function look(gate: string, target: string, nth: number): { readonly takes: number; readonly verdict: Verdict } {
    const name = `${gate} ${target} ${nth}`;
    if (world.quiet) return { takes: 1 + Math.floor(luck(name) * 50), verdict: "pass" };
    const takes = spread(`takes ${name}`, 400, 8_000);
    if (luck(`flap ${name}`) >= given.rates.flaps + (nth < 3 ? 0.2 : 0)) return { takes, verdict: "pass" };
    const kind = luck(`kind ${gate} ${Math.floor(nth / 3)}`);
    return { takes, verdict: kind < 0.6 ? "fail" : kind < 0.8 ? "inconclusive" : "error" };
  }

  return world;
}
