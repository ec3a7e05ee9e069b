/**
 * Moves a record into an empty ledger, entry for entry: numbers, times, actors and hashes stay what they are. The target
 * database computes each hash anew (`evo.import_entries`), in one transaction: it takes the whole record or nothing.
 */
import type pg from "pg";
import { EvoError, EXIT } from "../errors.js";
import { type Connection, describeConnection, withClient } from "./database.js";
import type { ExportSource } from "./export-source.js";
import { codeOf } from "./failures.js";
import type { Head } from "./memory.js";

/** Entries and looks in one statement: an entry may carry a whole plan. */
const BATCH = 500;

/**
 * Imports what has been verified before. The role must own the schema (be a member of evo_owner). Errors:
 * `ledger.not-empty` (exit 2), `ledger.schema` (exit 9) for another role, `ledger.broken` (exit 10).
 */
export async function importRecord(source: ExportSource, target: Connection): Promise<Head> {
  const { place } = describeConnection(target);
  return withClient(target, async (client) => {
    await becomeOwner(client, place);
    await client.query("begin");
    try {
      const { newest: _, ...head } = await source.head();
      await client.query("select evo.begin_import($1)", [head.ledger]);
      for await (const rows of source.pages(0, head.number)) await send(client, "evo.import_entries", rows);
      for await (const rows of source.samples()) await send(client, "evo.import_samples", rows);
      await client.query("commit");
      return head;
    } catch (error) {
      await client.query("rollback").catch(() => {});
      throw explain(error, place);
    }
  });
}

async function becomeOwner(client: pg.Client, place: string): Promise<void> {
  const sql = "select pg_has_role(session_user, 'evo_owner', 'member') as yes";
  if ((await client.query<{ yes: boolean }>(sql)).rows[0]?.yes !== true)
    throw new EvoError("ledger.schema", `A ledger is moved into ${place} only by a role that owns its schema.`, {
      exit: EXIT.ledgerUnavailable,
      remedy: "Set EVO_LEDGER_URL to the role that made it, for this one command.",
    });
  await client.query("set role evo_owner");
}

async function send(client: pg.Client, into: string, rows: readonly object[]): Promise<void> {
  for (let at = 0; at < rows.length; at += BATCH)
    await client.query(`select ${into}($1)`, [JSON.stringify(rows.slice(at, at + BATCH))]);
}

function explain(error: unknown, place: string): unknown {
  const message = error instanceof Error ? error.message : String(error);
  if (codeOf(error) === "EV007")
    return new EvoError("ledger.not-empty", `The ledger at ${place} is not empty: ${message}.`, {
      exit: EXIT.usage,
      remedy: "Give it a new database; a record can't be merged into another one.",
    });
  if (codeOf(error) === "EV008")
    return new EvoError("ledger.broken", `The database refused the record: ${message}.`, {
      exit: EXIT.ledgerBroken,
      remedy: "Nothing was imported; compare the file with the ledger that it came from.",
    });
  return error;
}
