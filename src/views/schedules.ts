/** Schedules of scans, as people and programs want to see them. Pure. */
import type { Order, Schedule } from "../departures/schedules.js";
import { duration, table } from "./text.js";

/** One schedule. Times are milliseconds since the epoch. */
export interface ScheduleRow extends Schedule {
  /** When its cron comes next. */
  readonly next?: number;
  readonly last?: Pick<Order, "due" | "entry"> & { readonly stacks: number; readonly done: number };
}

/** A table, one schedule a line. */
export function describeSchedules(rows: readonly ScheduleRow[], now: number, width: number): readonly string[] {
  if (rows.length === 0) return ["there is no schedule; evo serve scans where there is one"];
  const cells = rows.map(({ name, cron, timezone, what, rehearse, next, last }) => [
    name,
    cron,
    timezone,
    `${what.length === 0 ? "all" : what.join(" ")}${rehearse ? " (rehearsal)" : ""}`,
    next === undefined ? "never" : `in ${duration(next - now)}`,
    last === undefined ? "never" : `${duration(now - last.due)} ago, ${last.done} of ${last.stacks} looked at`,
  ]);
  return table([["NAME", "CRON", "ZONE", "WHAT", "NEXT", "LAST DUE"], ...cells], width);
}
