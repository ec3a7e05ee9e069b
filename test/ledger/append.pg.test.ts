/** The contract of `evo.append`, leases and samples, on every Postgres that this machine offers. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenLedger } from "../../src/ledger/index.js";
import type { AppendOptions, Entry, Lease, NewEntry } from "../../src/run/ports.js";
import { query, serverKinds, type TestDatabase, type TestServer } from "../support/postgres.js";
import { vectors } from "./vectors.js";

function event(type: string, more: Partial<NewEntry> = {}): NewEntry {
  return { type, causes: [], body: { at: 1 }, ...more };
}

function options(more: Partial<AppendOptions> = {}): AppendOptions {
  return { id: randomUUID(), leases: [], ...more };
}

async function all(entries: AsyncIterable<Entry>): Promise<Entry[]> {
  const list: Entry[] = [];
  for await (const entry of entries) list.push(entry);
  return list;
}

const numbers = (entries: readonly Entry[]) => entries.map((entry) => entry.number);

async function overtake(ledger: OpenLedger, lease: Lease): Promise<Lease> {
  const taken = await ledger.takeOver(lease, {}, 60_000);
  if (!taken.acquired) throw new Error(`${lease.resource} went to another`);
  return taken.lease;
}

async function take(ledger: OpenLedger, resource: string, ttl = 60_000): Promise<Lease> {
  const acquired = await ledger.acquire(resource, { run: "r" }, ttl);
  if (!acquired.acquired) throw new Error(`${resource} is held`);
  return acquired.lease;
}

describe.each(serverKinds())("the ledger on $name", ({ start }) => {
  let server: TestServer;
  let database: TestDatabase;
  let ledger: OpenLedger;

  beforeAll(async () => {
    server = await start();
    database = await server.fresh();
    ledger = await database.open("zoë@host");
  });
  afterAll(() => server?.close());

  /** A ledger without entries. */
  const empty = async () => (await server.fresh()).open();

  describe("append", () => {
    it("numbers, times, chains and signs what it is given", async () => {
      const ledger = await empty();
      const [first, second] = await ledger.append(
        [
          event("run.started", { run: "r1", sequence: "s", step: "a", operation: "o", stack: "x", rehearsal: true }),
          event("run.halted", { run: "r1", body: { b: 1, a: "é" } }),
        ],
        options(),
      );
      expect(first).toMatchObject({ number: 1, run: "r1", sequence: "s", step: "a", operation: "o", stack: "x" });
      expect(first).toMatchObject({ rehearsal: true, version: 1, previous: "0".repeat(64), causes: [] });
      expect(second).toMatchObject({ number: 2, previous: first?.hash, text: '{"a":"é","b":1}', rehearsal: false });
      expect(second).not.toHaveProperty("sequence");
      expect(second?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      expect(second?.actor.claimed).toBe("tester@here");
      expect(database.writer).toContain(`//${second?.actor.authenticated}:`);
    });

    it("returns what it made the first time when the id is known", async () => {
      const ledger = await empty();
      const lease = await take(ledger, "run/r");
      const made = options({ expected: { run: "r", version: 0 }, leases: [lease] });
      const once = await ledger.append([event("run.started", { run: "r" })], made);
      await ledger.release(lease);
      expect(await ledger.append([event("run.started", { run: "r" })], made)).toEqual(once);
      expect(numbers(await ledger.load("r"))).toEqual([1]);
    });

    it("refuses a known id with other entries", async () => {
      const made = options();
      await ledger.append([event("run.started")], made);
      await expect(ledger.append([event("run.halted")], made)).rejects.toMatchObject({ code: "ledger.conflict" });
    });

    it("refuses another version of the run than expected, and then nothing is recorded", async () => {
      const run = randomUUID();
      const expecting = (version: number) => options({ expected: { run, version } });
      await ledger.append([event("run.started", { run }), event("run.halted", { run })], expecting(0));
      for (const version of [0, 1, 3]) {
        const refused = ledger.append([event("run.completed", { run })], expecting(version));
        await expect(refused).rejects.toMatchObject({ code: "ledger.conflict", exit: 6 });
      }
      await ledger.append([event("run.completed", { run })], expecting(2));
      expect((await ledger.load(run)).map((entry) => entry.type)).toEqual([
        "run.started",
        "run.halted",
        "run.completed",
      ]);
    });

    it("refuses what rests on a look at a stack about which more has been recorded", async () => {
      const ledger = await empty();
      const about = (type: string, stack: string) => event(type, { stack });
      const since = async (number: number) => {
        const unchanged = { stack: "a", after: number, types: ["departure.closed", "operation.intended"] };
        return ledger.append([about("drift.scanned", "a")], options({ unchanged }));
      };
      await since(0);
      await ledger.append([about("departure.closed", "a"), about("departure.closed", "b")], options());
      await expect(since(1)).rejects.toMatchObject({ code: "ledger.changed", exit: 6 });
      await since(2);
      await ledger.append([about("operation.intended", "a")], options());
      await expect(since(4)).rejects.toThrow(/entry 5 about stack a is newer than entry 4/);
    });

    it("refuses a stale, a released and an unknown token (invariant 4)", async () => {
      const stale = await take(ledger, "stale", 0);
      const newer = await overtake(ledger, stale);
      await ledger.append([event("run.halted")], options({ leases: [newer] }));
      const released = await take(ledger, "released");
      await ledger.release(released);
      for (const lease of [stale, released, { resource: "never", token: "1" }]) {
        const refused = ledger.append([event("run.halted")], options({ leases: [newer, lease] }));
        await expect(refused).rejects.toMatchObject({ code: "ledger.fenced", exit: 6 });
      }
    });

    it("fills in the hashes of causes, within the batch and before it", async () => {
      const ledger = await empty();
      const [first] = await ledger.append([event("run.started")], options());
      const [second, third] = await ledger.append(
        [event("operation.intended", { causes: [1] }), event("operation.succeeded", { causes: [{ batch: 0 }, 1] })],
        options(),
      );
      expect(second?.causes).toEqual([{ number: 1, hash: first?.hash }]);
      expect(third?.causes).toEqual([
        { number: 2, hash: second?.hash },
        { number: 1, hash: first?.hash },
      ]);
    });

    it.each([[0], [-1], [99_999_999], [{ batch: 0 }], [{ batch: 1 }], [{ batch: -1 }]])(
      "refuses the cause %j, which is no earlier entry",
      async (cause) => {
        const before = await ledger.verify();
        const refused = ledger.append([event("run.halted", { causes: [cause] })], options());
        await expect(refused).rejects.toThrow(/EV003/);
        expect(await ledger.verify()).toEqual(before);
      },
    );

    it("refuses an absolute number that this very batch would make", async () => {
      const ledger = await empty();
      const batch = [event("run.started"), event("run.halted", { causes: [1] })];
      await expect(ledger.append(batch, options())).rejects.toThrow(/EV003/);
      expect((await ledger.verify()).checked).toBe(0);
    });

    it("refuses a type that is no noun.verb", async () => {
      await expect(ledger.append([event("Started")], options())).rejects.toThrow(/entries_type_check/);
    });

    it("records text that Postgres can't hold in a form that it can", async () => {
      const [entry] = await ledger.append([event("run.halted", { body: { a: "x\0y\ud800" } })], options());
      expect(entry?.body).toEqual({ a: "x\ufffdy\ufffd" });
    });

    it("is gap-free and sound under 8 clients at once", async () => {
      const fresh = await server.fresh();
      const clients = await Promise.all(Array.from({ length: 8 }, (_, i) => fresh.open(`client-${i}`)));
      const work = clients.flatMap((client, i) =>
        Array.from({ length: 10 }, () =>
          client.append([event("run.started", { run: `r${i}` }), event("run.halted", { run: `r${i}` })], options()),
        ),
      );
      const batches = await Promise.all(work);
      for (const [one, two] of batches) expect(two?.number).toBe((one?.number ?? 0) + 1);
      const sorted = batches.flatMap(numbers).sort((a, b) => a - b);
      expect(sorted).toEqual(Array.from({ length: 160 }, (_, i) => i + 1));
      expect(await clients[0]?.verify()).toMatchObject({ checked: 160 });
      expect(await clients[0]?.verify()).not.toHaveProperty("broken");
    });

    it("lets one of two writers that expect the same version win", async () => {
      const expected = { run: randomUUID(), version: 0 };
      const both = await Promise.allSettled(
        [1, 2].map(() => ledger.append([event("run.started", { run: expected.run })], options({ expected }))),
      );
      expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    });
  });

  it.each(vectors)("the database hashes as TypeScript does: $name", async ({ entry, encoded, hash }) => {
    const literal = (value: string | undefined) => (value === undefined ? "null" : `'${value.replaceAll("'", "''")}'`);
    const list = (values: readonly (string | number)[]) => `'{${values.join(",")}}'`;
    const args = [
      ...[entry.ledger, String(entry.number), entry.time, entry.type, String(entry.version)].map(literal),
      ...[entry.sequence, entry.run, entry.step, entry.operation, entry.stack].map(literal),
      String(entry.rehearsal),
      ...[entry.actor.claimed, entry.actor.authenticated].map(literal),
      list(entry.causes.map((cause) => cause.number)),
      list(entry.causes.map((cause) => cause.hash)),
      ...[entry.text, entry.previous].map(literal),
    ];
    const sql = `select encoded, evo.sha256_hex(encoded) as hash from evo.encoding_1(${args.join(", ")}) as encoded`;
    expect(await query(database.writer, sql)).toEqual([{ encoded, hash }]);
  });

  describe("leases", () => {
    it("are exclusive, and say who holds them and since when", async () => {
      const holder = { run: "r1", host: "h", pid: 7 };
      expect(await ledger.acquire("stack/a", holder, 60_000)).toMatchObject({ acquired: true });
      const second = await ledger.acquire("stack/a", { run: "r2" }, 60_000);
      expect(second).toMatchObject({ acquired: false, by: { resource: "stack/a", holder, live: true } });
      const held = (await ledger.leases()).find((lease) => lease.resource === "stack/a");
      expect(held).toEqual(second.acquired ? undefined : second.by);
      expect(Date.parse(held?.expires ?? "") - Date.parse(held?.since ?? "")).toBe(60_000);
    });

    it("grow their token at each turn, after release and at a takeover", async () => {
      const first = await take(ledger, "growing", 0);
      await ledger.release(first);
      const second = await take(ledger, "growing", 0);
      const third = await ledger.takeOver(second, { run: "r9" }, 60_000);
      expect([first, second].map(({ token }) => token)).toEqual(["1", "2"]);
      expect(third).toEqual({ acquired: true, lease: { resource: "growing", token: "3" } });
    });

    it("that have expired are held until somebody takes them over, by the token that was seen", async () => {
      const old = await take(ledger, "expired", 0);
      const asked = await ledger.acquire("expired", {}, 60_000);
      expect(asked).toMatchObject({ acquired: false, by: { token: old.token, live: false } });
      const both = await Promise.all([1, 2].map((i) => ledger.takeOver(old, { i }, 60_000)));
      expect(both.map(({ acquired }) => acquired).sort()).toEqual([false, true]);
      expect(await ledger.renew(old, 60_000)).toBe(false);
    });

    it("of a run are found whether they have expired or not", async () => {
      for (const [resource, ttl] of [
        ["stack/old", 0],
        ["stack/new", 60_000],
      ] as const)
        await ledger.acquire(resource, { run: "left-behind" }, ttl);
      const left = await ledger.leases("left-behind");
      expect(left.map(({ resource, live }) => [resource, live])).toEqual([
        ["stack/old", false],
        ["stack/new", true],
      ]);
    });

    it("are prolonged by their holder only", async () => {
      const old = await take(ledger, "renewed", 0);
      expect(await ledger.renew(old, 0)).toBe(true); // expired, but nobody has taken it over
      const young = await overtake(ledger, old);
      expect(await ledger.renew(old, 60_000)).toBe(false);
      await ledger.release(old);
      expect(await ledger.renew(young, 60_000)).toBe(true);
      await ledger.release(young);
      expect(await ledger.renew(young, 60_000)).toBe(false);
      expect((await ledger.leases()).map((lease) => lease.resource)).not.toContain("renewed");
    });

    it("go to one of many who ask at once", async () => {
      const asked = await Promise.all(Array.from({ length: 8 }, (_, i) => ledger.acquire("wanted", { i }, 60_000)));
      expect(asked.filter(({ acquired }) => acquired)).toHaveLength(1);
    });
  });

  describe("samples", () => {
    const look = (number: number, began: number) => ({
      run: "sampled",
      gate: "g",
      target: "eu-west",
      measurement: { verdict: "pass" as const, observed: 200, expected: 200, number, began, ended: began + 5 },
    });

    it("are kept once, by target and time", async () => {
      await ledger.sample([look(2, 20), look(1, 10)], []);
      await ledger.sample([look(2, 20), look(3, 30)], []);
      const kept = await ledger.samples("sampled", "g");
      expect(kept).toEqual([look(1, 10), look(2, 20), look(3, 30)]);
      expect(await ledger.sampled("sampled")).toEqual([{ gate: "g", target: "eu-west", last: 3 }]);
      expect(await ledger.samples("sampled", "other")).toEqual([]);
    });

    it("are refused from a stale holder", async () => {
      const refused = ledger.sample([look(9, 90)], [{ resource: "nothing", token: "1" }]);
      await expect(refused).rejects.toMatchObject({ code: "ledger.fenced" });
    });
  });

  describe("reading", () => {
    it("filters, pages and limits", async () => {
      const ledger = await empty();
      const many = Array.from({ length: 1_200 }, (_, i) =>
        event(i % 2 === 0 ? "run.started" : "run.halted", { run: `r${i % 3}`, sequence: "s", stack: `x${i % 5}` }),
      );
      const made = await ledger.append(many, options());
      expect(numbers(await all(ledger.entries({})))).toEqual(numbers(made));
      expect(await all(ledger.entries({ run: "r1", type: "run.halted", stack: "x0", limit: 2 }))).toEqual(
        made.filter((e) => e.run === "r1" && e.type === "run.halted" && e.stack === "x0").slice(0, 2),
      );
      expect(numbers(await all(ledger.entries({ after: 700, limit: 3 })))).toEqual([701, 702, 703]);
      expect(numbers(await all(ledger.entries({ last: 3 })))).toEqual([1_198, 1_199, 1_200]);
      expect(await all(ledger.entries({ last: 0 }))).toEqual([]);
      expect(await ledger.entry(7)).toEqual(made[6]);
      expect(await ledger.entry(1_201)).toBeUndefined();
    });

    it("filters by actor and time", async () => {
      const fresh = await server.fresh();
      const [anna, bert] = [await fresh.open("anna@h"), await fresh.open("bert@h")];
      const [first] = await anna.append([event("run.started", { rehearsal: true })], options());
      const [second] = await bert.append([event("run.started")], options());
      const found = (filter: Parameters<OpenLedger["entries"]>[0]) => all(anna.entries(filter)).then(numbers);
      expect(await found({ actor: "anna" })).toEqual([1]);
      expect(await found({ actor: "bert@h" })).toEqual([2]);
      expect(await found({ actor: second?.actor.authenticated ?? "" })).toEqual([1, 2]);
      expect(await found({ since: second?.time ?? "" })).toEqual([2]);
      expect(await found({ since: first?.time ?? "", until: second?.time ?? "" })).toEqual([1]);
      expect(await found({ rehearsal: true })).toEqual([1]);
    });

    it("lists runs, and those that are unfinished", async () => {
      const ledger = await empty();
      const run = (name: string, ...types: string[]) =>
        ledger.append(
          types.map((type) => event(type, { run: name, sequence: "s", rehearsal: name === "r3" })),
          options(),
        );
      await run("r1", "run.started", "run.completed");
      await run("r2", "run.started", "run.halted");
      await run("r3", "run.started");
      await run("r4", "run.started", "run.aborted");
      expect((await ledger.runs({})).map(({ run }) => run)).toEqual(["r4", "r3", "r2", "r1"]);
      expect((await ledger.runs({ limit: 1, rehearsal: false })).map(({ run }) => run)).toEqual(["r4"]);
      const [unfinished, ...none] = await ledger.unfinished("s", false);
      expect(unfinished).toMatchObject({
        run: "r2",
        sequence: "s",
        version: 2,
        last: { number: 4, type: "run.halted" },
      });
      expect(none).toEqual([]);
      expect((await ledger.unfinished("s", true)).map(({ run }) => run)).toEqual(["r3"]);
      expect(await ledger.unfinished("other", false)).toEqual([]);
    });
  });
});
