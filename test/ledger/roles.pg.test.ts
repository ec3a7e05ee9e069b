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
      'select hash from evo.append(\'trapped\', \'me\', \'[{"type": "run.halted", "version": 1, "causes": [], "text": "{}"}]\', \'[]\', null, null, null, null, null)',
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
      query(database.superuser, as, "select * from evo.append('x', 'me', '[]', '[]', null, null, null, null, null)"),
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

  describe("a word that decides something needs its role in the database", () => {
    const words = [
      ["operation.settled", {}, "evo_operator"],
      ["acknowledgment.received", {}, "evo_approver"],
      ["approval.given", {}, "evo_approver"],
      ["gate.overridden", {}, "evo_approver"],
      ["override.signed", {}, "evo_approver"],
      ["ledger.replaced", {}, "evo_approver"],
      ["run.resumed", { acceptChangedCode: true }, "evo_approver"],
    ] as const;
    const free = [
      ["run.resumed", { acceptChangedCode: false }],
      ["run.paused", {}],
      ["run.aborted", {}],
      ["operation.unresolved", {}],
      ["approval.requested", {}],
    ] as const;
    const login = (name: string) => `set session authorization test_${name}`;
    const say = (type: string, body: object) => {
      const entries = [{ type, version: 1, causes: [], text: JSON.stringify(body) }];
      return `select authenticated from evo.append('${randomUUID()}', 'somebody', '${JSON.stringify(entries)}', '[]', null, null, null, null, null)`;
    };

    beforeAll(async () => {
      for (const role of ["writer", "operator", "approver"])
        await query(database.superuser, `create role test_${role} login in role evo_${role}`);
    });

    it.each(words)("%s %j: %s", async (type, body, role) => {
      for (const name of ["writer", "operator", "approver"]) {
        const said = query(database.superuser, login(name), say(type, body));
        if (`evo_${name}` === role) expect(await said).toEqual([{ authenticated: `test_${name}` }]);
        else await expect(said).rejects.toMatchObject({ code: "EV006", detail: role });
      }
    });

    it.each(free)("%s %j: no role but the writer's", async (type, body) => {
      expect(await query(database.superuser, login("writer"), say(type, body))).toHaveLength(1);
    });

    it("and is refused whole: nothing of its batch is recorded", async () => {
      const before = await query(database.writer, "select * from evo.readable_head");
      const batch = ["run.paused", "operation.settled"].map((type) => ({ type, version: 1, causes: [], text: "{}" }));
      const sql = `select * from evo.append('b', 'x', '${JSON.stringify(batch)}', '[]', null, null, null, null, null)`;
      await expect(query(database.superuser, login("writer"), sql)).rejects.toMatchObject({ code: "EV006" });
      expect(await query(database.writer, "select * from evo.readable_head")).toEqual(before);
    });

    it("working as another role doesn't lend it: who logged in counts", async () => {
      const as = [login("writer"), "set role evo_writer"];
      await expect(query(database.superuser, ...as, say("operation.settled", {}))).rejects.toMatchObject({
        code: "EV006",
      });
    });

    it("is said to who lacks it, with what to ask for; the embedded ledger's user has all roles", async () => {
      await query(database.superuser, "alter role test_writer password 'secret'");
      const url = database.writer.replace(/\/\/.*@/, "//test_writer:secret@");
      const settled = [{ type: "operation.settled", causes: [], body: {} }];
      const ledger = await openLedger({ url, home: database.home, claimed: "me", say: () => {} });
      try {
        await expect(ledger.append(settled, { id: "x", leases: [] })).rejects.toMatchObject({
          code: "ledger.role",
          exit: 2,
          remedy: expect.stringContaining("GRANT evo_operator"),
        });
      } finally {
        await ledger.close();
      }
      expect(await (await database.open()).append(settled, { id: "y", leases: [] })).toHaveLength(1);
    });
  });
});
