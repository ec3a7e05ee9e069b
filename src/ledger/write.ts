/** What evo may do to the ledger: append entries, keep samples, hold leases. Every call may be repeated safely. */
import { randomUUID } from "node:crypto";
import { recordable } from "../canonical.js";
import type { Acquired, AppendOptions, Entry, Lease, NewEntry, Sample } from "../run/ports.js";
import type { Database } from "./database.js";
import { ENTRY_COLUMNS, type EntryRow } from "./entry-row.js";
import { type LeaseRow, toHolder, toSoundEntry } from "./rows.js";

/** Version of an entry's body; it grows when a type's body changes its meaning. */
const BODY_VERSION = 1;

/** Without what is derived: nobody needs a body twice. */
const APPEND = `select ${ENTRY_COLUMNS} from evo.append($1, $2, $3, $4, $5, $6, $7, $8, $9)`;

function toItem(entry: NewEntry): object {
  const { body, ...rest } = entry;
  return { ...rest, version: BODY_VERSION, text: recordable(body) };
}

/**
 * Appends all entries or none, with intent durable when it resolves (invariant 1). A lost connection is tried again
 * with the same id, which can't append twice. Errors: `ledger.conflict`, `ledger.changed`, `ledger.fenced`,
 * `ledger.unavailable`.
 */
export async function append(
  database: Database,
  claimed: string,
  entries: readonly NewEntry[],
  options: AppendOptions,
): Promise<readonly Entry[]> {
  if (entries.length === 0) return [];
  const values = [
    options.id,
    recordableName(claimed),
    recordable(entries.map(toItem)),
    JSON.stringify(options.leases),
    options.expected?.run ?? null,
    options.expected?.version ?? null,
    options.unchanged?.stack ?? null,
    options.unchanged?.after ?? null,
    options.unchanged?.types ?? null,
  ];
  const rows = await database.ask<EntryRow>(APPEND, values, "append");
  return rows.map(toSoundEntry);
}

/** Names go through the same mending as bodies. */
function recordableName(claimed: string): string {
  return JSON.parse(recordable(claimed)) as string;
}

/** Keeps raw looks beside the ledger. Errors: `ledger.fenced`, `ledger.unavailable`. */
export async function sample(database: Database, samples: readonly Sample[], leases: readonly Lease[]): Promise<void> {
  if (samples.length === 0) return;
  const rows = samples.map(({ run, gate, target, measurement }) => {
    const { number, began } = measurement;
    return { run, gate, target, number, began, text: recordable(measurement) };
  });
  await database.ask("select evo.record_samples($1, $2)", [recordable(rows), JSON.stringify(leases)]);
}

/** Takes a lease, or says who holds it. `ttl` in milliseconds, by the database's clock. */
export async function acquire(
  database: Database,
  resource: string,
  holder: { readonly [key: string]: unknown },
  ttl: number,
): Promise<Acquired> {
  const claim = randomUUID();
  const sql = "select * from evo.acquire_lease($1, $2, $3, $4)";
  const values = [resource, claim, recordable(holder), Math.round(ttl)];
  return answered(await database.ask<LeaseRow>(sql, values), claim, resource);
}

/** Takes a lease over from the holder of its token, or says who holds it now. */
export async function takeOver(
  database: Database,
  { resource, token }: Lease,
  holder: { readonly [key: string]: unknown },
  ttl: number,
): Promise<Acquired> {
  const claim = randomUUID();
  const sql = "select * from evo.take_over_lease($1, $2, $3, $4, $5)";
  const values = [resource, token, claim, recordable(holder), Math.round(ttl)];
  return answered(await database.ask<LeaseRow>(sql, values), claim, resource);
}

function answered([row]: readonly LeaseRow[], claim: string, resource: string): Acquired {
  if (row === undefined) throw new Error(`the ledger knows no lease on ${resource}`);
  if (row.claim === claim) return { acquired: true, lease: { resource, token: row.token } };
  return { acquired: false, by: toHolder(row) };
}

/** Prolongs a lease; false means that it is lost. */
export async function renew(database: Database, lease: Lease, ttl: number): Promise<boolean> {
  const sql = "select evo.renew_lease($1, $2, $3) as held";
  const [row] = await database.ask<{ held: boolean }>(sql, [lease.resource, lease.token, Math.round(ttl)]);
  return row?.held ?? false;
}

/** Gives a lease back; a lost one is left alone. */
export async function release(database: Database, lease: Lease): Promise<void> {
  await database.ask("select evo.release_lease($1, $2)", [lease.resource, lease.token]);
}
