/** When a scheduled scan falls due: cron with time zones, by a library. Time is an argument; milliseconds. */
import { Cron } from "croner";
import type { Schedule, ScheduleSpec } from "../../departures/schedules.js";

type Times = Pick<ScheduleSpec, "cron" | "timezone">;

function cronOf({ cron, timezone }: Times): Cron {
  return new Cron(cron, { timezone, paused: true });
}

/** Why a cron expression or a time zone can't be used, in the library's words; nothing where it can. */
export function cronProblem(times: Times): string | undefined {
  try {
    return cronOf(times).nextRun() === null ? "it never comes to pass" : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** When the cron comes next. */
export function nextOf(times: Times, now: number): number | undefined {
  return cronOf(times).nextRun(new Date(now))?.getTime();
}

/** A time at which a scan is due, and how many times of the cron it stands for: what was missed is done by it, too. */
export interface Due {
  readonly at: number;
  readonly times: number;
}

/** Most times that are counted. */
const COUNTED = 100;

/** The newest time that is due. `last`: the one that was ordered last. */
export function dueOf(schedule: Schedule, last: number | undefined, now: number): Due | undefined {
  const after = last ?? schedule.since;
  const cron = cronOf(schedule);
  const newest = cron.previousRuns(1, new Date(now + 1))[0]?.getTime();
  if (newest === undefined || newest <= after) return dueByAge(schedule, last, now);
  const times = cron.nextRuns(COUNTED, new Date(after)).filter((time) => time.getTime() <= newest);
  return { at: newest, times: times.length };
}

/** Under a new schedule nobody has looked yet: where there is a maximal age, that is too long already. */
function dueByAge({ maxAge, since }: Schedule, last: number | undefined, now: number): Due | undefined {
  if (maxAge === undefined) return undefined;
  const at = last === undefined ? since : last + maxAge;
  return at <= now ? { at, times: 0 } : undefined;
}
