/** Making and updating the schema, and what a role that may not is told. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../src/canonical.js";
import { openLedger } from "../../src/ledger/index.js";
import { migrate, migrations, schemaState } from "../../src/ledger/migrate.js";
import { query, type TestDatabase, type TestServer, testServer } from "../support/postgres.js";
import { openProxy } from "../support/proxy.js";

const settings = (url: string) => ({ url, home: "/nowhere", claimed: "me", say: () => {} });

describe("migrations", () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await testServer();
  });
  afterAll(() => server?.close());

  /** What was opened is closed; only its failure is of interest. */
  const opening = async (url: string) => (await openLedger(settings(url))).close();
  const next = (sql: string) => {
    const number = migrations().length + 1;
    return [...migrations(), { number, name: `00000${number}.sql`, sql, sha256: sha256(sql) }];
  };
  const applied = (database: TestDatabase) =>
    query(database.superuser, "select number, name from evo.migrations order by number");

  it("are run once, by whoever comes first of several at once", async () => {
    const database = await server.fresh({ bare: true });
    const known = next("create table evo.once (a int)");
    await Promise.all(Array.from({ length: 4 }, () => migrate({ url: database.admin }, known)));
    expect(await applied(database)).toEqual(known.map(({ number, name }) => ({ number, name })));
  });

  it("add what is missing to an older schema", async () => {
    const database = await server.fresh();
    const known = next("create table evo.newer (a int)");
    expect(await schemaState({ url: database.writer }, known)).toBe("behind");
    await migrate({ url: database.admin }, known);
    expect(await schemaState({ url: database.writer }, known)).toBe("current");
  });

  it("are all or nothing", async () => {
    const database = await server.fresh({ bare: true });
    await expect(migrate({ url: database.admin }, next("create table evo.bad (a nonsense)"))).rejects.toThrow(
      /nonsense/,
    );
    expect(await query(database.superuser, "select from pg_namespace where nspname = 'evo'")).toEqual([]);
  });

  it("are looked at once a server that is full lets evo in", async () => {
    const database = await server.fresh();
    const proxy = await openProxy(database.writer);
    try {
      const turnedAway = proxy.turnAway();
      const state = schemaState({ url: proxy.url });
      await turnedAway;
      expect(await state).toBe("current");
    } finally {
      await proxy.close();
    }
  });

  it("refuse politely a database from a newer evo", async () => {
    const database = await server.fresh();
    await migrate({ url: database.admin }, next("create table evo.newer (a int)"));
    await expect(opening(database.writer)).rejects.toMatchObject({ code: "ledger.schema", exit: 9 });
    await expect(opening(database.writer)).rejects.toThrow(/made by a newer evo/);
  });

  it("refuse a database that was made with another version of the same file", async () => {
    const database = await server.fresh();
    await query(database.superuser, "update evo.migrations set sha256 = 'x' where number = 1");
    await expect(opening(database.writer)).rejects.toThrow(/another version of 000001.sql/);
  });

  it("say what a role lacks that may not make the schema", async () => {
    const database = await server.fresh({ bare: true });
    await expect(opening(database.writer)).rejects.toMatchObject({
      code: "ledger.schema",
      exit: 9,
      remedy: expect.stringContaining("CREATEROLE"),
    });
  });

  it("say what a role lacks that may not write", async () => {
    const database = await server.fresh();
    await query(database.superuser, "create role test_stranger login password 'stranger'");
    const url = database.writer.replace(/\/\/.*@/, "//test_stranger:stranger@");
    await expect(opening(url)).rejects.toMatchObject({ code: "ledger.schema", exit: 9 });
  });

  it("refuse a database that is not encoded in UTF8", async () => {
    const database = await server.fresh({ bare: true });
    await query(database.superuser, "create database test_latin owner evo_admin encoding 'LATIN1' template template0");
    const url = database.admin.replace(/\/evo_test_[0-9a-f]+/, "/test_latin");
    await expect(opening(url)).rejects.toMatchObject({
      code: "ledger.schema",
      message: expect.stringMatching(/UTF8/),
    });
  });
});

describe("an unreachable ledger", () => {
  it.each([
    ["nobody listens", "postgres://me:hunter2%2Fx@127.0.0.1:1/evo"],
    ["there is no such socket", "postgres://me:hunter2%2Fx@/evo?host=/nowhere"],
    ["it is no URL", "postgres://me:hunter2%2Fx@host:port/evo"],
    ["it is another kind of URL", "mysql://me:hunter2%2Fx@127.0.0.1/evo"],
  ])("is said without the password when %s", async (_, url) => {
    const error: unknown = await openLedger(settings(url)).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "ledger.unavailable", exit: 9, remedy: expect.any(String) });
    const { message, stack, remedy, cause } = error as Error & { remedy: string };
    expect(`${message}${stack}${remedy}${String(cause)}${JSON.stringify(error)}`).not.toContain("hunter2");
  });
});
