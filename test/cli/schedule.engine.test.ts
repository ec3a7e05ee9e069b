/**
 * Scheduled scans as processes: two who serve share the work, one is killed in the middle of a look, and whatever fell
 * due is in the ledger exactly once. What drifts is flagged within the schedule's period, once.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Evo, openEvo } from "../support/evo.js";

let evo: Evo;
const at = (name: string): string => join(evo.directory, name);
beforeAll(async () => {
  evo = await openEvo();
});
afterAll(() => evo.close());

/** What is live lies in a file; a look at it waits for as long as `hold` is there, and says that it has begun. */
const program = (): string => `const pulumi = require("@pulumi/pulumi");
const provider = {
  create: async (inputs) => {
    require("node:fs").writeFileSync(inputs.live, inputs.value);
    return { id: "1", outs: inputs };
  },
  update: async (_id, _olds, news) => {
    require("node:fs").writeFileSync(news.live, news.value);
    return { outs: news };
  },
  diff: async (_id, olds, news) => ({ changes: olds.value !== news.value }),
  read: async (id, props) => {
    const fs = require("node:fs");
    fs.appendFileSync(props.live + ".looks", "x");
    while (fs.existsSync(props.hold)) await new Promise((done) => setTimeout(done, 50));
    return { id, props: { ...props, value: fs.readFileSync(props.live, "utf8") } };
  },
};
class Thing extends pulumi.dynamic.Resource {
  constructor(name, props) { super(provider, name, props); }
}
new Thing("thing", { live: ${JSON.stringify(at("live"))}, hold: ${JSON.stringify(at("hold"))}, value: "declared" });
`;

interface Entry {
  readonly number: number;
  readonly type: string;
  readonly stack?: string;
  readonly causes: readonly { readonly number: number }[];
  readonly body: { readonly result?: string; readonly stacks?: readonly string[]; readonly schedule?: string };
}

async function log(type: string): Promise<readonly Entry[]> {
  return JSON.parse((await evo.run(["ledger", "log", "--type", type, "--json"])).stdout);
}

/** How often the ledger has each stack of each order scanned; orders that are still under way aside. */
async function scansPerOrder(): Promise<readonly number[]> {
  const scans = await log("drift.scanned");
  const counts = (await log("scan.ordered")).map(({ number, body }) =>
    (body.stacks ?? []).map((stack) => scans.filter((s) => s.stack === stack && s.causes[0]?.number === number).length),
  );
  return counts.slice(0, -1).flat();
}

it("flags drift within the period, once; a look whose worker is killed is taken over; each due scan is done once", async () => {
  const folder = evo.project("thing", program());
  await evo.init(folder, "dev");
  evo.sequence(
    "one",
    `export default defineSequence({ name: "one", steps: [up("thing", { dir: "../projects/thing", stack: "dev" })] });`,
  );
  expect((await evo.run(["up", "one"])).code).toBe(0);
  // What is there at the first look is a baseline, and no departure.
  expect((await evo.run(["drift", "scan", "one", "--fail"])).code).toBe(0);
  const [first] = await log("drift.scanned");
  rmSync(at("live.looks"));
  const add = ["drift", "schedule", "add", "often", "one", "--cron", "*/2 * * * * *", "--time-limit", "10s"];
  expect((await evo.run(add)).code).toBe(0);

  writeFileSync(at("hold"), "");
  const doomed = evo.start(["serve"]);
  await expect.poll(() => existsSync(at("live.looks")), { timeout: 90_000 }).toBe(true);
  doomed.signal("SIGKILL");
  await doomed.ended;
  writeFileSync(at("live"), "by hand");
  expect(await log("drift.scanned")).toEqual([first]);
  rmSync(at("hold"));

  const both = [evo.start(["serve"]), evo.start(["serve"])];
  await Promise.race(both.map((one) => one.until(/thing\/dev: drifted/)));
  const drifted = async () => (await log("drift.scanned")).filter(({ body }) => body.result === "drifted").length;
  await expect.poll(drifted, { timeout: 90_000, interval: 1_000 }).toBeGreaterThan(3);
  expect((await log("departure.*")).map(({ type }) => type)).toEqual(["departure.detected"]);

  const board = JSON.parse((await evo.run(["drift", "show", "thing/dev", "--json"])).stdout);
  const [{ id }] = board.departures;
  const revert = await evo.run(["reconcile", id, "--revert", "--reason", "nobody asked for it"]);
  expect(revert).toMatchObject({ code: 0, stderr: expect.stringMatching(/is reconciled by/) });
  expect(readFileSync(at("live"), "utf8")).toBe("declared");
  const cleanSince = async () => (await log("drift.scanned")).at(-1)?.body.result;
  await expect.poll(cleanSince, { timeout: 90_000, interval: 1_000 }).toBe("clean");
  writeFileSync(at("live"), "by hand");
  // A look between the revert and the word about it may find it gone before that.
  const kinds = async () =>
    (await log("departure.*")).flatMap(({ type }) => (type === "departure.closed" ? [] : [type]));
  const whole = ["departure.detected", "departure.reconciled", "departure.reopened"];
  await expect.poll(kinds, { timeout: 90_000, interval: 1_000 }).toEqual(whole);

  for (const one of both) one.signal("SIGTERM");
  for (const one of both) expect((await one.ended).code).toBe(0);
  const counts = await scansPerOrder();
  expect(counts.length).toBeGreaterThan(3);
  expect(new Set(counts)).toEqual(new Set([1]));
}, 420_000);
