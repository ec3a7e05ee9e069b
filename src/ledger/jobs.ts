/**
 * What `evo serve` has to do at a time, shared by all who serve: a list of jobs in a schema of its own beside the ledger,
 * kept by pg-boss. Its tables are no record: the writer may change them, and whatever is lost there is put back by what
 * the ledger says is still to be done. Making the schema needs CREATE on the database, once; working in it does not.
 */
import type PgBoss from "pg-boss";
import { EvoError, EXIT } from "../errors.js";
import { type Connection, type Database, describeConnection, withClient } from "./database.js";
import { codeOf } from "./failures.js";

const SCHEMA = "evo_jobs";
const QUEUE = "drift-scan";
/** Two processes that make the schema at once wait for each other here. "evo" and "jobs" in ASCII. */
const LOCK = "x'65766f'::int, x'6a6f6273'::int";
/** Seconds between looks for jobs that were taken up and never ended, over all who serve. */
const MAINTENANCE = 5;
/** How often a job is taken up again after whoever had it died or gave it back. */
const RETRIES = 5;

export interface NewJob<Data> {
  /** A UUID; a job that is known already is left as it is. */
  readonly id: string;
  readonly data: Data;
  /** Milliseconds since the epoch: not before. */
  readonly from: number;
  /** Milliseconds after which whoever took it up is believed dead. */
  readonly within: number;
}

export interface Job<Data> {
  readonly id: string;
  readonly data: Data;
}

export interface Jobs<Data> {
  put(jobs: readonly NewJob<Data>[]): Promise<void>;
  /** Up to `most` jobs that are due; nobody else gets them while they are in time. */
  take(most: number): Promise<readonly Job<Data>[]>;
  done(id: string): Promise<void>;
  /** For somebody else to take up; after some tries it has failed. */
  giveBack(id: string, why: string): Promise<void>;
  /** Why a job is not tried any more; nothing where it is, or isn't known. */
  failure(id: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Opens the list, and makes it where there is none. Errors: `ledger.schema` (exit 9) where that takes more rights. */
export async function openJobs<Data extends object>(database: Database, admin: Connection): Promise<Jobs<Data>> {
  const { default: Boss } = await import("pg-boss");
  if (!(await isReady(database))) await makeSchema(admin, Boss.getConstructionPlans(SCHEMA));
  const db = { executeSql: async (text: string, values?: unknown[]) => ({ rows: await database.ask(text, values) }) };
  const options = { schema: SCHEMA, db, migrate: false, schedule: false, maintenanceIntervalSeconds: MAINTENANCE };
  const boss = new Boss(options as PgBoss.ConstructorOptions);
  // Its housekeeping comes again; what a caller asks for throws at the caller.
  boss.on("error", () => undefined);
  await boss.start();
  return {
    put: async (jobs) => void (jobs.length > 0 && (await boss.insert(jobs.map(asInsert)))),
    take: async (most) => (await boss.fetch<Data>(QUEUE, { batchSize: most })).map(({ id, data }) => ({ id, data })),
    done: (id) => boss.complete(QUEUE, id),
    giveBack: (id, why) => boss.fail(QUEUE, id, { message: why }),
    failure: async (id) => whyFailed(await boss.getJobById(QUEUE, id)),
    close: () => boss.stop({ graceful: false }),
  };
}

function asInsert<Data extends object>({ id, data, from, within }: NewJob<Data>): PgBoss.JobInsert<Data> {
  const expireInSeconds = Math.max(1, Math.ceil(within / 1000));
  const startAfter = new Date(from).toISOString();
  return { id, name: QUEUE, data, startAfter, expireInSeconds, retryLimit: RETRIES, retryDelay: 1 } as never;
}

function whyFailed(job: PgBoss.JobWithMetadata | null): string | undefined {
  if (job?.state !== "failed") return undefined;
  const output = job.output as { readonly message?: string; readonly value?: { readonly message?: string } } | null;
  return output?.message ?? output?.value?.message ?? "unknown";
}

/** Whether evo's writer may work in it; asked of the catalogue, which needs no right on the schema. */
async function isReady(database: Database): Promise<boolean> {
  const sql = `select from pg_catalog.pg_namespace as space join pg_catalog.pg_class as made on relnamespace = space.oid
    where nspname = $1 and relname = 'job' and has_schema_privilege(space.oid, 'usage')
      and has_table_privilege(made.oid, 'insert')`;
  return (await database.ask(sql, [SCHEMA])).length > 0;
}

/** SQLSTATEs that mean: somebody else is making, or has made, the same. */
const MADE = /^(42P06|42P07|42710|42723|23505)$/;

async function makeSchema(admin: Connection, plans: string): Promise<void> {
  const { where } = describeConnection(admin);
  try {
    await withClient(admin, async (client) => {
      await client.query(plans).catch(async (error: unknown) => {
        await client.query("rollback");
        if (!MADE.test(codeOf(error) ?? "")) throw error;
      });
      // One statement list is one transaction: two who make it at once wait for each other.
      await client.query(`select pg_advisory_xact_lock(${LOCK});
        select ${SCHEMA}.create_queue('${QUEUE}', '{"policy": "standard"}');
        grant usage on schema ${SCHEMA} to evo_writer;
        grant select, insert, update, delete on all tables in schema ${SCHEMA} to evo_writer`);
    });
  } catch (error) {
    if (codeOf(error) !== "42501") throw error;
    throw new EvoError("ledger.schema", `The list of jobs can't be made at ${where}: ${(error as Error).message}.`, {
      exit: EXIT.ledgerUnavailable,
      remedy: "Let evo serve connect once as a role with CREATE on the database; afterwards evo_writer is enough.",
    });
  }
}
