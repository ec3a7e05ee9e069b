/** What the roles may do, tried as `psql` would: nobody gets past `evo.append` (invariant 7). */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLedger } from "../../src/ledger/index.js";
import { query, type TestDatabase, type TestServer, testServer } from "../support/postgres.js";

describe("the roles of the ledger", () => {
  let server: TestServer;
  let database: TestDatabase;

  beforeAll(async () => {
    server = await testServer();
    database = await server.fresh();
    const ledger = await database.open();
    await ledger.append([{ type: "run.started", run: "r", causes: [], body: {} }], { id: randomUUID(), leases: [] });
  });
  afterAll(() => server?.close());

  const tables = ["entries", "head", "appends", "runs", "samples", "leases", "migrations"];

  describe.each(tables)("the writer, on evo.%s", (table) => {
    it.each([
      ["read it", `select * from evo.${table}`],
      ["insert", `insert into evo.${table} default values`],
      ["delete", `delete from evo.${table}`],
      ["truncate", `truncate evo.${table}`],
      ["drop it", `drop table evo.${table}`],
      ["disable triggers", `alter table evo.${table} disable trigger all`],
    ])("can't %s", async (_, sql) => {
      await expect(query(database.writer, sql)).rejects.toThrow(/permission denied|must be owner/);
    });
  });

  it.each([
    ["update an entry", "update evo.entries set text = '{}'"],
    ["update an entry through the view", "update evo.readable_entries set text = '{}'"],
    ["move the head", "update evo.head set number = 0"],
    ["rise to the owner", "set role evo_owner"],
    ["rise to the migrator", "set role evo_admin"],
    ["rise to the superuser", "set role postgres"],
    ["switch triggers off", "set session_replication_role = replica"],
    ["create in the schema", "create table evo.mine (a int)"],
    ["call an inner function", "select evo.check_leases('[]')"],
    [
      "replace a function",
      "create or replace function evo.iso(timestamptz) returns text language sql as $$ select '' $$",
    ],
  ])("the writer can't %s", async (_, sql) => {
    await expect(query(database.writer, sql)).rejects.toThrow(/permission denied|must be owner|cannot/);
  });

  it("the writer's search path doesn't reach into evo's functions", async () => {
    const trap = [
      "create temp table entries (a int)",
      "create function pg_temp.sha256(bytea) returns bytea language sql as $$ select '\\x00'::bytea $$",
      "set search_path = pg_temp, pg_catalog",
      'select hash from evo.append(\'trapped\', \'me\', \'[{"type": "run.halted", "version": 1, "causes": [], "text": "{}"}]\', \'[]\', null, null)',
    ];
    const [row] = await query<{ hash: string }>(database.writer, ...trap);
    expect(row?.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await (await database.open()).verify()).not.toHaveProperty("broken");
  });

  it("the owner is refused by triggers", async () => {
    for (const table of ["entries", "samples", "appends"]) {
      for (const sql of [`delete from evo.${table}`, `truncate evo.${table}`, `update evo.${table} set run = null`]) {
        const statement = table === "appends" ? sql.replace("run = null", "first = 1") : sql;
        await expect(query(database.admin, "set role evo_owner", statement)).rejects.toMatchObject({ code: "EV004" });
        await expect(query(database.superuser, statement)).rejects.toMatchObject({ code: "EV004" });
      }
    }
  });

  it("a reader reads and can't append", async () => {
    await query(database.superuser, "create role test_reader login", "grant evo_reader to test_reader");
    const as = "set session authorization test_reader";
    expect(await query(database.superuser, as, "select number from evo.readable_entries limit 1")).toHaveLength(1);
    await expect(
      query(database.superuser, as, "select * from evo.append('x', 'me', '[]', '[]', null, null)"),
    ).rejects.toThrow(/permission denied/);
    await expect(query(database.superuser, as, "select * from evo.acquire_lease('x', 'x', '{}', 1)")).rejects.toThrow(
      /permission denied/,
    );
  });

  it("a login that could do more works as the writer, under its own name", async () => {
    const settings = { url: database.superuser, home: database.home, claimed: "me", say: () => {} };
    const ledger = await openLedger(settings);
    try {
      const [entry] = await ledger.append([{ type: "run.halted", causes: [], body: {} }], { id: "s", leases: [] });
      expect(entry?.actor).toEqual({ claimed: "me", authenticated: "postgres" });
    } finally {
      await ledger.close();
    }
  });
});
