/** What the record says of schedules: the newest word on each, its newest order, and what of that has been done. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { schedulesOf } from "../../src/departures/schedules.js";
import { scheduledAges, standing } from "../../src/evo/schedules/standing.js";
import type { OpenLedger } from "../../src/ledger/index.js";
import type { NewEntry } from "../../src/run/ports.js";
import { type TestServer, testServer } from "../support/postgres.js";

let server: TestServer;
let ledger: OpenLedger;
beforeAll(async () => {
  server = await testServer();
  ledger = await (await server.fresh()).open();
});
afterAll(() => server?.close());

let appended = 0;
async function append(...entries: readonly NewEntry[]): Promise<number> {
  const made = await ledger.append(entries, { id: `a-${++appended}`, leases: [] });
  return made.at(-1)?.number ?? 0;
}
const spec = { cron: "0 * * * *", timezone: "UTC", what: [], root: "/", rehearse: false, jitter: 0, timeLimit: 1 };
const added = (name: string, more = {}): NewEntry => ({
  type: "schedule.added",
  causes: [],
  body: { at: 1, name, ...spec, ...more },
});
const removed = (name: string): NewEntry => ({ type: "schedule.removed", causes: [], body: { at: 2, name } });
const ordered = (schedule: string, due: number, stacks: readonly string[]): NewEntry => ({
  type: "scan.ordered",
  causes: [],
  body: { at: due, schedule, due, times: 1, stacks },
});

it("a schedule stands with its newest order; one that was removed, and added anew, begins without", async () => {
  await append(added("a"), added("b", { maxAge: 60_000 }), added("c"));
  await append(ordered("a", 10, ["s"]), ordered("b", 10, ["s", "t"]), ordered("a", 20, ["s", "u"]));
  const newest = await append(ordered("b", 30, ["t", "u"]));
  await append(removed("a"), removed("c"), added("a", { maxAge: 90_000 }));
  const all = await standing(ledger);
  expect(all.map(({ schedule, last }) => [schedule.name, last?.due])).toEqual([
    ["b", 30],
    ["a", undefined],
  ]);
  expect(schedulesOf(await ledger.schedules())).toHaveLength(2);
  expect(await scheduledAges(ledger)).toEqual(
    new Map([
      ["t", 60_000],
      ["u", 60_000],
    ]),
  );

  expect(await ledger.scannedFor(newest)).toEqual(new Set());
  const scanned = { type: "drift.scanned", causes: [newest], body: { at: 31, scan: "b", result: "clean" } };
  await append({ ...scanned, stack: "t" }, { ...scanned, causes: [newest - 1], stack: "u" });
  expect(await ledger.scannedFor(newest)).toEqual(new Set(["t"]));
});
