/** Convergence times of a sequence's gates and targets over its earlier runs. Pure. */
import type { GateId } from "../plan/model.js";
import type { Watched } from "./gates-watched.js";

/** All durations are milliseconds. */
export interface ConvergenceTimes {
  readonly gate: GateId;
  /** Absent: the gate as a whole, until it passed. Else until the target showed what is expected and kept to it. */
  readonly target?: string;
  /** How many passes were watched from beginning to end: what the times are taken from. */
  readonly count: number;
  readonly median?: number;
  readonly p95?: number;
  /** Of the newest of them. */
  readonly last?: number;
  /** Runs that looked at it at all. */
  readonly runs: number;
  readonly flaps: number;
  readonly wavers: number;
  readonly timedOut: number;
  readonly failed: number;
}

/** One row for each gate, in the order in which they were first met, and behind it one for each target. `watched`: oldest run first. */
export function timesOf(watched: readonly Watched[]): readonly ConvergenceTimes[] {
  const rows = new Map<string, Watched[]>();
  for (const one of watched) {
    const key = `${one.gate}\n${one.target ?? ""}`;
    rows.set(key, [...(rows.get(key) ?? []), one]);
  }
  const all = [...rows.values()].flatMap((some) => (some[0] === undefined ? [] : [rowOf(some[0], some)]));
  return [...new Set(all.map(({ gate }) => gate))].flatMap((gate) => {
    const own = all.filter((row) => row.gate === gate);
    return [...own.filter(({ target }) => target === undefined), ...own.filter(({ target }) => target !== undefined)];
  });
}

function rowOf({ gate, target }: Watched, all: readonly Watched[]): ConvergenceTimes {
  const times = all.flatMap((one) => one.times);
  const sum = (of: (one: Watched) => number) => all.reduce((before, one) => before + of(one), 0);
  return {
    gate,
    ...(target === undefined ? {} : { target }),
    count: times.length,
    ...statistics(times),
    runs: new Set(all.map(({ run }) => run)).size,
    flaps: sum(({ flaps }) => flaps),
    wavers: sum(({ wavers }) => wavers),
    timedOut: sum(({ timedOut }) => timedOut),
    failed: sum(({ failed }) => failed),
  };
}

function statistics(times: readonly number[]): Pick<ConvergenceTimes, "median" | "p95" | "last"> {
  const [median, p95, last] = [percentile(times, 0.5), percentile(times, 0.95), times.at(-1)];
  return median === undefined || p95 === undefined || last === undefined ? {} : { median, p95, last };
}

/** By nearest rank: a value that was really taken. Undefined where there is none. `part`: from 0 (exclusive) to 1. */
export function percentile(values: readonly number[], part: number): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(part * values.length) - 1)];
}

/** The row of a gate, or of one of its targets. */
export function timesFor(
  rows: readonly ConvergenceTimes[],
  gate: GateId,
  target?: string,
): ConvergenceTimes | undefined {
  return rows.find((row) => row.gate === gate && row.target === target);
}
