/**
 * How long gates have taken to converge, read from the entries of runs: a run is folded again, and each pass is measured
 * from the moment its gate could first be looked at. Pure. Only what was watched without a break counts as a time: while
 * nobody drove a run, nobody knows when a target arrived.
 */
import { isMet } from "../gates/assess.js";
import type { Measurement } from "../gates/model.js";
import type { GateId, NodeId, PlanGate } from "../plan/model.js";
import type { RunEvent, RunId } from "../run/events.js";
import { evolve, fold, type Numbered } from "../run/evolve.js";
import { countsFrom } from "../run/gates.js";
import { overrideOf } from "../run/overrides.js";
import { gatesOf, type RunState } from "../run/state.js";

/** What the entries of one run tell of a gate (without a target) or of one of its targets. */
export interface Watched {
  readonly run: RunId;
  readonly gate: GateId;
  readonly target?: string;
  /**
   * Milliseconds of each pass. Of a gate: until it passed. Of a target: until it showed what is expected and kept to it.
   * Both from the end of the updates that the gate proves, or of what came before it.
   */
  readonly times: readonly number[];
  /** How often it stopped passing after it had converged, and before. */
  readonly flaps: number;
  readonly wavers: number;
  /** How often the gate was judged against while it had not converged; a gate's own count, or a target's share in it. */
  readonly timedOut: number;
  readonly failed: number;
}

/** Everything that a run tells of its gates: of each one that was looked at, and of each of its targets. */
export function watchedIn(run: RunId, entries: readonly Numbered[]): readonly Watched[] {
  const [first, ...rest] = entries;
  if (first === undefined) return [];
  const log: Log = { books: new Map(), breaks: [] };
  let state = fold(run, [first]);
  for (const numbered of rest) {
    state = evolve(state, numbered);
    if (numbered.event.type === "run.adopted") breakOff(log, numbered.event.at);
    else note(log, state, numbered.event);
  }
  return [...log.books.values()].map(({ streak: _, ...book }) => ({ run, ...book }));
}

interface Log {
  readonly books: Map<string, Book>;
  /** When a run was taken over or taken up again: before that nobody may have looked. */
  readonly breaks: number[];
}

/** What is known of a gate or target so far. */
interface Book {
  readonly gate: GateId;
  readonly target?: string;
  readonly times: number[];
  flaps: number;
  wavers: number;
  timedOut: number;
  failed: number;
  /** The streak of passes that goes on: its first look, and whether a verdict has said that it is one that converged. */
  streak?: { readonly first: Measurement; readonly converged: boolean } | undefined;
}

function bookOf({ books }: Log, gate: GateId, target?: string): Book {
  const key = `${gate}\n${target ?? ""}`;
  const known = books.get(key);
  if (known !== undefined) return known;
  const named = target === undefined ? {} : { target };
  const made = { gate, ...named, times: [], flaps: 0, wavers: 0, timedOut: 0, failed: 0 };
  books.set(key, made);
  return made;
}

/** Streaks begin anew, but what had converged and is found not to pass has flapped. */
function breakOff({ books, breaks }: Log, at: number): void {
  breaks.push(at);
  for (const book of books.values()) if (book.streak?.converged !== true) book.streak = undefined;
}

function note(log: Log, state: RunState, event: RunEvent): void {
  const gates = gatesOf(state.started.plan);
  if (event.type === "operation.intended") forget(log, gates, event.step);
  if (!("gate" in event)) return;
  const gate = gates.find(({ id }) => id === event.gate);
  if (gate === undefined) return;
  if (event.type === "gate.measured")
    for (const look of event.measurements) noteLook(bookOf(log, gate.id, event.target), gate, look);
  if (event.type === "gate.passed") notePass(log, state, gate, event.at);
  if (event.type === "gate.failed" || event.type === "gate.errored" || event.type === "gate.inconclusive")
    noteAgainst(log, event);
}

/** What is seen after another update says nothing about the one before. */
function forget({ books }: Log, gates: readonly PlanGate[], step: NodeId): void {
  for (const { id, proves } of gates)
    if (proves.includes(step)) for (const book of books.values()) if (book.gate === id) book.streak = undefined;
}

/** Of a streak only its ends are recorded; how many looks lie between, their numbers tell. */
function noteLook(book: Book, gate: PlanGate, look: Measurement): void {
  if (look.verdict === "pass") {
    book.streak ??= { first: look, converged: false };
    return;
  }
  if (book.streak === undefined) return;
  if (book.streak.converged || hadConverged(book.streak.first, look, gate)) book.flaps += 1;
  else book.wavers += 1;
  book.streak = undefined;
}

function hadConverged(first: Measurement, broken: Measurement, { policy }: PlanGate): boolean {
  const passes = broken.number - first.number;
  return passes > 0 && isMet({ passes, kept: [first, broken] }, policy);
}

function noteAgainst(
  log: Log,
  event: RunEvent & { readonly type: `gate.${"failed" | "errored" | "inconclusive"}` },
): void {
  for (const { target, converged } of event.targets) {
    const { streak } = bookOf(log, event.gate, target);
    if (converged && streak !== undefined) bookOf(log, event.gate, target).streak = { ...streak, converged };
  }
  const missing = event.targets.flatMap(({ target, converged }) => (converged ? [] : [target]));
  for (const book of [bookOf(log, event.gate), ...missing.map((target) => bookOf(log, event.gate, target))])
    if (event.timedOut) book.timedOut += 1;
    else book.failed += 1;
}

function notePass(log: Log, state: RunState, gate: PlanGate, at: number): void {
  const from = beginningOf(state, gate);
  const isWatched = (until: number) => !log.breaks.some((one) => one > from && one <= until);
  const add = (until: number, target?: string) => {
    const book = bookOf(log, gate.id, target);
    if (isWatched(until)) book.times.push(until - from);
  };
  // What somebody signed to go on without has not converged: how long that took is no time of the gate's.
  if (overrideOf(state, gate) === undefined) add(at);
  for (const { name } of gate.targets) {
    const measured = state.gates[gate.id]?.measured[name];
    if (measured?.last.verdict === "pass") add(Math.max(from, measured.since), name);
  }
}

/** When a gate could first be looked at, whoever may have resumed the run since. */
export function beginningOf(state: RunState, gate: PlanGate): number {
  return countsFrom({ ...state, resumedAt: state.started.at }, gate);
}
