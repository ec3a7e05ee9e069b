/** When a scheduled scan falls due. */
import { describe, expect, it } from "vitest";
import { jitterOf, type Schedule, schedulesOf } from "../../src/departures/schedules.js";
import { cronProblem, dueOf, nextOf } from "../../src/evo/schedules/times.js";
import { entry } from "../departures/support.js";

const at = (iso: string): number => Date.parse(iso);
const schedule = (more: Partial<Schedule> = {}): Schedule => ({
  name: "nightly",
  cron: "*/15 * * * *",
  timezone: "UTC",
  what: [],
  root: "/srv",
  rehearse: false,
  jitter: 0,
  timeLimit: 300_000,
  entry: 1,
  since: at("2026-06-01T00:05:00Z"),
  ...more,
});

describe("a scan falls due", () => {
  it("at its cron's times, the first one after the schedule was added", () => {
    expect(dueOf(schedule(), undefined, at("2026-06-01T00:14:59Z"))).toBeUndefined();
    const first = at("2026-06-01T00:15:00Z");
    expect(dueOf(schedule(), undefined, first)).toEqual({ at: first, times: 1 });
    expect(dueOf(schedule(), first, at("2026-06-01T00:29:59Z"))).toBeUndefined();
  });

  it("once for all that were missed", () => {
    const last = at("2026-06-01T00:15:00Z");
    const due = dueOf(schedule(), last, at("2026-06-01T02:07:00Z"));
    expect(due).toEqual({ at: at("2026-06-01T02:00:00Z"), times: 7 });
  });

  it("in its time zone, over the change of the clocks", () => {
    const berlin = schedule({ cron: "0 9 * * *", timezone: "Europe/Berlin", since: at("2026-10-23T12:00:00Z") });
    expect(dueOf(berlin, undefined, at("2026-10-24T12:00:00Z"))?.at).toBe(at("2026-10-24T07:00:00Z"));
    expect(dueOf(berlin, undefined, at("2026-10-26T12:00:00Z"))?.at).toBe(at("2026-10-26T08:00:00Z"));
    expect(nextOf(berlin, at("2026-10-24T12:00:00Z"))).toBe(at("2026-10-25T08:00:00Z"));
  });

  it("at its maximal age, whatever the clock says: under a new schedule at once", () => {
    const aged = schedule({ cron: "0 0 1 1 *", maxAge: 3_600_000 });
    expect(dueOf(aged, undefined, aged.since)).toEqual({ at: aged.since, times: 0 });
    expect(dueOf(aged, aged.since, aged.since + 3_599_999)).toBeUndefined();
    expect(dueOf(aged, aged.since, aged.since + 9_000_000)).toEqual({ at: aged.since + 3_600_000, times: 0 });
  });
});

it("each stack is put off by its own time within the jitter, the same each time it is asked", () => {
  const spread = schedule({ jitter: 60_000 });
  const all = Array.from({ length: 50 }, (_, n) => jitterOf(spread, 1, `s${n}`));
  expect(all.every((ms) => ms >= 0 && ms <= 60_000)).toBe(true);
  expect(new Set(all).size).toBeGreaterThan(40);
  expect(jitterOf(spread, 1, "s0")).toBe(all[0]);
  expect(jitterOf(schedule(), 1, "s0")).toBe(0);
});

it("what can't be a cron expression or a zone is told in words", () => {
  expect(cronProblem({ cron: "*/15 * * * *", timezone: "Europe/Berlin" })).toBeUndefined();
  expect(cronProblem({ cron: "61 * * * *", timezone: "UTC" })).toMatch(/61/);
  expect(cronProblem({ cron: "* * * * *", timezone: "Europe/Nowhere" })).toMatch(/Nowhere/);
  expect(cronProblem({ cron: "0 0 30 2 *", timezone: "UTC" })).toBe("it never comes to pass");
});

it("schedules stand from the entry that adds them to the one that removes them", () => {
  const added = (number: number, name: string) => entry(number, "schedule.added", { ...schedule({ name }) } as never);
  const removed = entry(4, "schedule.removed", { name: "a" });
  expect(schedulesOf([added(2, "a"), added(3, "b"), removed, added(5, "a")])).toMatchObject([
    { name: "b", entry: 3, since: 3 },
    { name: "a", entry: 5, since: 5 },
  ]);
});
