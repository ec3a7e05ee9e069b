/** `verify` finds what owner and superuser change by force, and names the first entry that is wrong. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Verified } from "../../src/ledger/index.js";
import { query, type TestDatabase, type TestServer, testServer } from "../support/postgres.js";

describe("verify", () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await testServer();
  });
  afterAll(() => server?.close());

  /** Six entries of two runs: 1 to 3 of r1, 4 to 6 of r2; each but the first caused by the one before. */
  async function recorded(): Promise<TestDatabase> {
    const database = await server.fresh();
    const ledger = await database.open();
    for (const number of [1, 2, 3, 4, 5, 6]) {
      await ledger.append(
        [
          {
            type: number % 3 === 1 ? "run.started" : "run.halted",
            run: number < 4 ? "r1" : "r2",
            causes: number === 1 ? [] : [number - 1],
            body: { number },
          },
        ],
        { id: randomUUID(), leases: [] },
      );
    }
    return database;
  }

  const byOwner = ["set role evo_owner", "alter table evo.entries disable trigger all"];
  const bySuperuser = ["set session_replication_role = replica"];
  const hashed = (where: string) =>
    `update evo.entries e set hash = evo.sha256_hex(evo.encoding_1(r.ledger, r.number, r.time, r.type, r.version,
       r.sequence, r.run, r.step, r.operation, r.stack, r.rehearsal, r.claimed, r.authenticated, r.cause_numbers,
       r.cause_hashes, r.text, r.previous)) from evo.readable_entries r where r.number = e.number and ${where}`;
  const inserted = (number: number) =>
    `insert into evo.entries (number, time, type, version, run, rehearsal, claimed, authenticated, cause_numbers,
       cause_hashes, text, previous, hash)
     select ${number}, now(), 'run.halted', 1, 'r2', false, 'x', 'x', '{}', '{}', '{}', hash, '' from evo.head`;

  async function verifyAfter(as: "admin" | "superuser", ...statements: string[]): Promise<Verified> {
    const database = await recorded();
    await query(database[as], ...(as === "admin" ? byOwner : bySuperuser), ...statements);
    return (await database.open()).verify();
  }

  it("finds nothing wrong with what evo recorded", async () => {
    const ledger = await (await recorded()).open();
    const seen: number[] = [];
    const result = await ledger.verify({ progress: (checked, total) => seen.push(checked, total) });
    expect(result).toEqual({
      ledger: expect.any(String),
      checked: 6,
      head: (await ledger.entry(6))?.hash,
      looks: 0,
      strangers: [],
    });
    expect(seen).toEqual([6, 6]);
  });

  it("finds nothing wrong with an empty ledger", async () => {
    const ledger = await (await server.fresh()).open();
    expect(await ledger.verify()).toMatchObject({ checked: 0, head: "0".repeat(64) });
    expect(await ledger.verify()).not.toHaveProperty("broken");
  });

  it.each([
    ["a changed body", 3, "content", ["update evo.entries set text = '{\"number\":9}' where number = 3"]],
    ["a changed actor", 2, "content", ["update evo.entries set claimed = 'x' where number = 2"]],
    ["a changed time", 5, "content", ["update evo.entries set time = time - interval '1 second' where number = 5"]],
    ["a changed mark of rehearsal", 4, "content", ["update evo.entries set rehearsal = true where number = 4"]],
    [
      "a body changed together with its hash",
      4,
      "does not follow",
      ["update evo.entries set text = '{}' where number = 3", hashed("e.number = 3")],
    ],
    [
      "a cause moved together with its hash",
      6,
      "cause 1 has another hash",
      ["update evo.entries set cause_numbers = '{1}' where number = 6", hashed("e.number = 6")],
    ],
    [
      "a cause that points forward",
      5,
      "cause 6 is not an earlier entry",
      ["update evo.entries set cause_numbers = '{6}' where number = 5", hashed("e.number = 5")],
    ],
    [
      "text that is not canonical",
      6,
      "not canonical",
      ["update evo.entries set text = '{ \"number\": 6 }' where number = 6", hashed("e.number = 6")],
    ],
    [
      "a changed derived column",
      2,
      "derived",
      [
        "alter table evo.entries alter column body drop expression",
        "update evo.entries set body = '{\"number\": 9}' where number = 2",
      ],
    ],
    ["a deleted entry", 3, "missing", ["delete from evo.entries where number = 3"]],
    ["a deleted first entry", 1, "missing", ["delete from evo.entries where number = 1"]],
    ["a cut tail", 6, "missing", ["delete from evo.entries where number = 6"]],
    [
      "two entries in the other order",
      3,
      "content",
      [
        "update evo.entries set number = 100 where number = 3",
        "update evo.entries set number = 3 where number = 4",
        "update evo.entries set number = 4 where number = 100",
      ],
    ],
    ["an entry inserted past the function", 7, "beyond the head", [inserted(7), hashed("e.number = 7")]],
    [
      "an entry inserted in between",
      4,
      "does not follow",
      [
        "update evo.entries set number = number + 10 where number > 3",
        inserted(4),
        hashed("e.number = 4"),
        "update evo.entries set number = number - 9 where number > 10",
        "update evo.head set number = 7",
      ],
    ],
    ["a head with another hash", 6, "head", ["update evo.head set hash = repeat('a', 64)"]],
    ["a wrong index of runs", 3, "run r1", ["update evo.runs set version = 2 where run = 'r1'"]],
    ["a run lost from the index", 6, "run r2", ["delete from evo.runs where run = 'r2'"]],
  ])("finds %s", async (_, number, reason, statements) => {
    for (const as of ["admin", "superuser"] as const) {
      const result = await verifyAfter(as, ...statements);
      expect(result.broken).toEqual({ number, reason: expect.stringContaining(reason) });
    }
  });

  it("a run with a changed entry can't be loaded", async () => {
    const database = await recorded();
    await query(database.admin, ...byOwner, "update evo.entries set claimed = 'x' where number = 2");
    const ledger = await database.open();
    await expect(ledger.load("r1")).rejects.toMatchObject({ code: "ledger.broken", exit: 10 });
    expect(await ledger.load("r2")).toHaveLength(3);
  });
});
