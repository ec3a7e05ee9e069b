/** Convergence times for people. Pure. */
import type { ConvergenceTimes } from "./gates-times.js";
import { duration, table } from "./text.js";

/** `usually 4.2 s (median of 7, 95% within 9.1 s)`; with `waited`, milliseconds, how that compares; or that nothing is known. */
export function describeUsual(times: ConvergenceTimes | undefined, waited: number | undefined): string {
  if (times?.median === undefined || times.p95 === undefined) return "usual time: no data";
  const { median, p95, count } = times;
  const usual = `usually ${duration(median)} (median of ${count}, p95 ${duration(p95)})`;
  if (waited === undefined) return usual;
  return `${usual}; ${duration(waited)} by now${waited > p95 ? ", longer than most" : ""}`;
}

/** A row for each gate, and one below for each target. */
export function describeTimes(rows: readonly ConvergenceTimes[], width: number): readonly string[] {
  if (rows.length === 0) return ["no run has looked at a gate of it yet: no data"];
  const time = (value: number | undefined) => (value === undefined ? "no data" : duration(value));
  const cells = rows.map((row) => [
    row.target === undefined ? row.gate : `  ${row.target}`,
    String(row.count),
    time(row.median),
    time(row.p95),
    time(row.last),
    remarks(row),
  ]);
  return table([["GATE", "PASSES", "MEDIAN", "P95", "LAST", ""], ...cells], width);
}

function remarks({ timedOut, failed, flaps, wavers }: ConvergenceTimes): string {
  const counts = [
    [timedOut, "timed out"],
    [failed, "failed"],
    [flaps, "flapped"],
    [wavers, "wavered"],
  ] as const;
  return counts.flatMap(([count, what]) => (count === 0 ? [] : [`${what} ${count}x`])).join(", ");
}
