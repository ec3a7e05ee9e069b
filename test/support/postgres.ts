/**
 * Real Postgres for tests. `testServer` gives a test file a server of its own below a temporary EVO_HOME (the embedded
 * one, a locally installed Postgres 15, or the one that EVO_TEST_PG_URL names) and each test a fresh database on it.
 * Closing it leaves nothing behind.
 */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { findPlace } from "../../src/ledger/embedded/place.js";
import { serverPid } from "../../src/ledger/embedded/postmaster.js";
import { joinServer, type Login } from "../../src/ledger/embedded/server.js";
import { type OpenLedger, openLedger } from "../../src/ledger/index.js";
import { makeReady } from "../../src/ledger/migrate.js";

export interface TestDatabase {
  readonly name: string;
  /** As whom: the daily writer, the role that migrates and owns the tables, the superuser. */
  readonly writer: string;
  readonly admin: string;
  readonly superuser: string;
  /** The EVO_HOME of those who open it here. */
  readonly home: string;
  /** A ledger on it, closed with the server; migrated unless told otherwise. `client`: another EVO_HOME. */
  open(claimed?: string, client?: string): Promise<OpenLedger>;
}

export interface TestServer {
  /** A new database, with its ledger made in it unless `bare`; or a copy of another, as a backup is: the same ledger. */
  fresh(options?: { readonly bare?: boolean; readonly like?: TestDatabase }): Promise<TestDatabase>;
  close(): Promise<void>;
}

/** Ways to get a server; contract suites run on each one. */
export interface ServerKind {
  readonly name: string;
  start(): Promise<TestServer>;
}

/** Where Debian puts it. */
const LOCAL = "/usr/lib/postgresql/15";

/** A locally installed Postgres 15, with the programs that the embedded one doesn't bring; undefined where there is none. */
export const localPostgres: string | undefined = existsSync(join(LOCAL, "bin/postgres")) ? LOCAL : undefined;

/** The servers that this machine offers; the embedded one always. */
export function serverKinds(): readonly ServerKind[] {
  const kinds: ServerKind[] = [{ name: "embedded Postgres", start: () => testServer() }];
  if (localPostgres !== undefined) kinds.push({ name: "local Postgres 15", start: () => testServer(localPostgres) });
  const url = process.env.EVO_TEST_PG_URL;
  if (url !== undefined) kinds.push({ name: "EVO_TEST_PG_URL", start: () => sharedServer(url) });
  return kinds;
}

/** A temporary EVO_HOME that the server's user can reach, also when that isn't us. */
export async function temporaryHome(): Promise<{ readonly home: string; remove(): Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), "evo-ledger-"));
  await chmod(home, 0o755);
  const base = findPlace(home).base;
  const remove = async () => {
    for (const folder of [base, home]) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  return { home, remove };
}

/** A server below a temporary EVO_HOME, of the programs in `root` or of the npm package's. */
export async function testServer(root?: string): Promise<TestServer> {
  const { home, remove } = await temporaryHome();
  const server = await joinServer({ home, say: () => {}, ...(root && { programs: { root } }) });
  await letSuperuserIn(home);
  const logins = { writer: server.writer, admin: server.admin, superuser: { ...server.admin, user: "postgres" } };
  const databases = databasesOn(logins);
  return {
    fresh: databases.fresh,
    close: async () => {
      await databases.close();
      await server.leave();
      await remove();
    },
  };
}

/** Evo itself has no way in as superuser; forgers in tests need one. */
async function letSuperuserIn(home: string): Promise<void> {
  const place = findPlace(home);
  const file = join(place.data, "pg_hba.conf");
  await writeFile(file, `local all postgres trust\n${await readFile(file, "utf8")}`);
  process.kill(serverPid(place) ?? 0, "SIGHUP");
}

/** The server of a superuser's URL, with a writer role that lasts as long as the tests. */
async function sharedServer(url: string): Promise<TestServer> {
  const user = `evo_test_${randomUUID().slice(0, 8)}`;
  const password = randomUUID();
  const client = new pg.Client({ connectionString: url });
  const { host, port, user: superuser, password: known } = client;
  const login = (name: string, secret: string): Login => ({
    host,
    port,
    database: "postgres",
    user: name,
    password: secret,
  });
  const admin = login(superuser ?? "", typeof known === "string" ? known : "");
  await query(toUrl(admin), `create role ${user} login password '${password}'`);
  const databases = databasesOn({ writer: login(user, password), admin, superuser: admin });
  return {
    fresh: databases.fresh,
    close: async () => {
      await databases.close();
      await databases.drop();
      await query(toUrl(admin), `drop role ${user}`);
    },
  };
}

type Logins = { readonly [role in "writer" | "admin" | "superuser"]: Login };

interface Databases {
  fresh: TestServer["fresh"];
  /** Closes what was opened. */
  close(): Promise<void>;
  /** Drops what was made, on a server that stays. */
  drop(): Promise<void>;
}

function databasesOn(logins: Logins): Databases {
  const names: string[] = [];
  const ledgers: OpenLedger[] = [];
  const homes: string[] = [];
  const maintenance = toUrl({ ...logins.superuser, database: "postgres" });
  const create = async (template: string) => {
    const database = `evo_test_${randomUUID().replaceAll("-", "")}`;
    const sql = `create database ${database} template ${template} owner ${logins.admin.user}`;
    await patiently(() => query(maintenance, sql));
    names.push(database);
    return database;
  };
  const makeBase = async () => {
    const database = await create("template0");
    await makeReady({ ...logins.writer, database }, { ...logins.admin, database });
    return database;
  };
  let base: Promise<string> | undefined;
  return {
    // A copy of a migrated database is quicker than another migration; each copy is a ledger of its own.
    fresh: async ({ bare = false, like } = {}) => {
      base ??= bare || like !== undefined ? undefined : makeBase();
      const database = await create(like?.name ?? (bare ? "template0" : ((await base) ?? "")));
      const writer = toUrl({ ...logins.writer, database });
      const superuser = toUrl({ ...logins.superuser, database });
      if (!bare && like === undefined) await query(superuser, "update evo.head set ledger = gen_random_uuid()::text");
      const home = await mkdtemp(join(tmpdir(), "evo-client-"));
      homes.push(home);
      return {
        name: database,
        writer,
        admin: toUrl({ ...logins.admin, database }),
        superuser,
        home,
        open: async (claimed = "tester@here", client = home) => {
          const ledger = await openLedger({ url: writer, home: client, claimed, say: () => {} });
          ledgers.push(ledger);
          return ledger;
        },
      };
    },
    close: async () => {
      await Promise.all(ledgers.map((ledger) => ledger.close()));
      for (const home of homes) await rm(home, { recursive: true, force: true });
    },
    drop: async () => {
      for (const name of names) await query(maintenance, `drop database if exists ${name} with (force)`);
    },
  };
}

/** A reload of pg_hba.conf takes a moment, and the server tells nobody when it is done. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** A login as a URL, as a user would give it. */
export function toUrl({ host, port, database, user, password }: Login): string {
  const secret = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  if (!host.startsWith("/")) return `postgres://${secret}@${host}:${port}/${database}`;
  return `postgres://${secret}@/${database}?host=${encodeURIComponent(host)}&port=${port}`;
}

/** Runs SQL as a `psql` would, statements in one text included; the rows of the last one come back. */
export async function query<Row extends object>(url: string, ...text: readonly string[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    let rows: Row[] = [];
    for (const part of text) rows = (await client.query<Row>(part)).rows;
    return rows;
  } finally {
    await client.end();
  }
}
