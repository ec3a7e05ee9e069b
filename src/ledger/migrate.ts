/** Numbered SQL files, applied in order in one transaction; a database from a newer evo is refused. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type pg from "pg";
import { sha256 } from "../canonical.js";
import { EvoError, EXIT } from "../errors.js";
import { packageFile } from "../package-root.js";
import { type Connection, describeConnection, withClient } from "./database.js";
import { codeOf } from "./failures.js";

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly sha256: string;
}

/** How a database stands to the migrations of this evo. */
export type SchemaState = "current" | "behind" | "no-writer";

/** Two processes that migrate at once wait for each other here. "evo" and "migr" in ASCII. */
const LOCK = "select pg_advisory_xact_lock(x'65766f'::int, x'6d696772'::int)";

/** The migrations of this evo, in order. SQL is not compiled: `dist` and `src` both read it from the sources. */
export function migrations(): readonly Migration[] {
  const folder = packageFile("src", "ledger", "migrations");
  const names = readdirSync(folder)
    .filter((name) => /^\d{6}\.sql$/.test(name))
    .sort();
  return names.map((name) => {
    const sql = readFileSync(join(folder, name), "utf8");
    return { number: Number.parseInt(name, 10), name, sql, sha256: sha256(sql) };
  });
}

/**
 * Makes a database fit for the writer: migrates it as `admin` where it is behind, and lets the writer's role write,
 * settle and approve where `admin` is another: that of an embedded ledger, which is its user's own. Errors: `ledger.schema`, `ledger.unavailable`.
 */
export async function makeReady(writer: Connection, admin: Connection): Promise<void> {
  if ((await schemaState(writer)) === "current") return;
  await migrate(admin);
  const { where, user } = describeConnection(writer);
  if (describeConnection(admin).user !== user) {
    await withClient(admin, (client) =>
      client.query(`grant evo_writer, evo_operator, evo_approver to ${client.escapeIdentifier(user)}`),
    );
  }
  if ((await schemaState(writer)) !== "current") throw noWriter(where, user);
}

function noWriter(where: string, user: string): EvoError {
  return new EvoError("ledger.schema", `The role ${user} may not write to the ledger at ${where}.`, {
    exit: EXIT.ledgerUnavailable,
    remedy: `Have its owner run: GRANT evo_writer TO "${user}";`,
  });
}

/** Looks without changing anything. Errors: `ledger.schema` for a database that this evo must not touch. */
export async function schemaState(connection: Connection, known = migrations()): Promise<SchemaState> {
  return withClient(connection, (client) => stateOf(client, known, describeConnection(connection).where));
}

async function stateOf(client: pg.Client, known: readonly Migration[], where: string): Promise<SchemaState> {
  const roles = "select exists (select from pg_roles where rolname = 'evo_writer') as made";
  const [found] = (await client.query<{ made: boolean }>(roles)).rows;
  const schema = "select exists (select from pg_namespace where nspname = 'evo') as made";
  const [made] = (await client.query<{ made: boolean }>(schema)).rows;
  if (!found?.made || !made?.made) return "behind";
  const member = "select pg_has_role(session_user, 'evo_writer', 'member') as yes";
  if (!(await client.query<{ yes: boolean }>(member)).rows[0]?.yes) return "no-writer";
  return compare(await appliedTo(client), known, where);
}

async function appliedTo(client: pg.Client): Promise<readonly Applied[]> {
  await client.query("set role evo_writer");
  const applied = await client.query<Applied>(
    "select number, name, sha256 from evo.readable_migrations order by number",
  );
  await client.query("reset role");
  return applied.rows;
}

function compare(applied: readonly Applied[], known: readonly Migration[], where: string): SchemaState {
  for (const row of applied) {
    const mine = known.find((migration) => migration.number === row.number);
    if (mine === undefined) throw newerSchema(where, row.number, known.length);
    if (mine.sha256 !== row.sha256) throw otherSchema(where, row.name);
  }
  return applied.length === known.length ? "current" : "behind";
}

function newerSchema(where: string, theirs: number, mine: number): EvoError {
  const message = `The ledger at ${where} was made by a newer evo: it has migration ${theirs}, this evo knows ${mine}.`;
  return new EvoError("ledger.schema", message, {
    exit: EXIT.ledgerUnavailable,
    remedy: "Update evo; nothing has been changed.",
  });
}

function otherSchema(where: string, name: string): EvoError {
  return new EvoError("ledger.schema", `The ledger at ${where} was made with another version of ${name}.`, {
    exit: EXIT.ledgerUnavailable,
    remedy: "Use the evo that made it, or another database; nothing has been changed.",
  });
}

/** Brings a database up to date. Safe from several processes at once. Errors: `ledger.schema`. */
export async function migrate(connection: Connection, known = migrations()): Promise<void> {
  const { where } = describeConnection(connection);
  await withClient(connection, async (client) => {
    await client.query("begin");
    try {
      await client.query(LOCK);
      await applyMissing(client, known, where);
      await client.query("commit");
    } catch (error) {
      throw await explain(error, client, where);
    }
  });
}

async function applyMissing(client: pg.Client, known: readonly Migration[], where: string): Promise<void> {
  const exists = await client.query("select from pg_namespace where nspname = 'evo'");
  const applied = exists.rowCount === 0 ? [] : await appliedTo(client);
  compare(applied, known, where);
  for (const migration of known.slice(applied.length)) {
    await client.query(migration.sql);
    await client.query("set local role evo_owner");
    await client.query("insert into evo.migrations (number, name, sha256) values ($1, $2, $3)", [
      migration.number,
      migration.name,
      migration.sha256,
    ]);
    await client.query("reset role");
  }
}

/** Says what the role lacks: a schema can be made only with CREATE on the database and the right to make roles. */
async function explain(error: unknown, client: pg.Client, where: string): Promise<unknown> {
  await client.query("rollback").catch(() => {});
  const code = codeOf(error);
  if (code !== "42501" && code !== "EV005") return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new EvoError("ledger.schema", `The ledger's tables can't be made at ${where}: ${reason}.`, {
    exit: EXIT.ledgerUnavailable,
    remedy:
      code === "EV005"
        ? "Create the database with ENCODING 'UTF8'."
        : "Let evo connect once as a role with CREATEROLE and CREATE on the database; afterwards a member of evo_writer is enough.",
  });
}
