/** The ledger: everything about Postgres lies below this folder, and this is its only door (DESIGN 7). */
import "./node-runtime.js";
import type { GateId, NodeId } from "../plan/model.js";
import type { RunId } from "../run/events.js";
import type { Entry, LeaseHolder, Ledger, Sample } from "../run/ports.js";
import { type Database, describeConnection, openDatabase } from "./database.js";
import { type Moment, moments } from "./durations.js";
import { type EntryFilter, entries } from "./entries.js";
import { openExport } from "./export-source.js";
import { brokenAt } from "./failures.js";
import { createIntegrity, type Integrity, type Verified, type Verifying, verifyExport } from "./integrity.js";
import { type Jobs, openJobs } from "./jobs.js";
import { openMemory } from "./memory.js";
import { makeReady } from "./migrate.js";
import * as questions from "./questions.js";
import * as read from "./read.js";
import { scannedFor, schedules } from "./schedules.js";
import { aboutStacks, intendedOperations, intents, type StackFilter } from "./stacks.js";
import { checkStretch, type Pin, type Stretch } from "./stretch.js";
import * as write from "./write.js";

export type { Moment } from "./durations.js";
export type { EntryFilter } from "./entries.js";
export { brokenAt } from "./failures.js";
export type { Verified, Verifying } from "./integrity.js";
export type { Job, Jobs, NewJob } from "./jobs.js";
export type { ListedKey } from "./keys.js";
export type {
  AuditedEntry,
  AuditPart,
  EvolutionFilter,
  EvolutionRow,
  HistoryFilter,
  HistoryRow,
  KnownStack,
} from "./questions.js";
export type { RunFilter, RunSummary } from "./read.js";
export type { Pin, Stretch } from "./stretch.js";

export interface LedgerSettings {
  /** EVO_LEDGER_URL; absent: the embedded server below `home`. */
  readonly url?: string;
  /** EVO_HOME. */
  readonly home: string;
  /** Who the client says it is: `user@host`, a git or a CI identity. */
  readonly claimed: string;
  /** Takes a line for people. */
  say(line: string): void;
  /** `home` won't outlive this job: no key is made there unasked. */
  readonly transient?: boolean;
}

/** The port of the run machine, and what people and commands ask besides. The first write of a client is guarded. */
export interface OpenLedger extends Ledger, Omit<Integrity, "guard" | "see" | "remember" | "hasKey"> {
  /** `role@place/database`, without a password. */
  readonly where: string;
  entries(filter: EntryFilter): AsyncIterable<Entry>;
  entry(number: number): Promise<Entry | undefined>;
  runs(filter: read.RunFilter): Promise<readonly read.RunSummary[]>;
  unfinished(sequence: string, rehearsal: boolean): Promise<readonly read.RunSummary[]>;
  /** Leases that are held, oldest first: those that are live, or those of one run, expired ones included. */
  leases(run?: RunId): Promise<readonly LeaseHolder[]>;
  /** When the newest completed runs of a sequence did what: for usual durations. */
  moments(sequence: string, rehearsal: boolean, limit: number): Promise<readonly Moment[]>;
  /** Entries about stacks, whatever run they were in, in order. */
  aboutStacks(filter: StackFilter): Promise<readonly Entry[]>;
  /** Which of these operations the record has an intent for. */
  intended(operations: readonly string[]): Promise<ReadonlySet<string>>;
  /** The newest word on each sequence that was declared ahead of a run. */
  intents(): Promise<readonly Entry[]>;
  samples(run: RunId, gate: GateId): Promise<readonly Sample[]>;
  /** What an audit of a run needs: nothing where the ledger doesn't know the run. */
  audited(run: RunId): Promise<readonly questions.AuditedEntry[]>;
  /** An entry and what led to it, or what followed; the nearest `most` entries, by number. */
  related(number: number, direction: "causes" | "effects", most: number): Promise<readonly Entry[]>;
  /** The newest start of a step, or opening of a group, of this name. */
  newestOf(step: NodeId, run?: RunId): Promise<questions.NewestOfStep | undefined>;
  evolution(filter: questions.EvolutionFilter): Promise<readonly questions.EvolutionRow[]>;
  history(filter: questions.HistoryFilter): Promise<readonly questions.HistoryRow[]>;
  /** Stacks whose identity is, or ends in, this name. */
  stacks(named: string): Promise<readonly questions.KnownStack[]>;
  /** Whether the chain holds from one entry to another, and on to a hash that is known from outside. */
  stretch(first: number, last: number, pin?: Pin): Promise<Stretch>;
  /** The newest word on each schedule of scans, and the newest order of each that stands. */
  schedules(): Promise<readonly Entry[]>;
  /** The stacks whose scan this order has caused already. */
  scannedFor(order: number): Promise<ReadonlySet<string>>;
  /** What those who serve have to do at a time; made where it is not there yet. Close it before the ledger. */
  jobs<Data extends object>(): Promise<Jobs<Data>>;
  /** A checkpoint at a run's end. What keeps it from being made is said, and changes nothing of how the run ended. */
  leaveCheckpoint(): Promise<void>;
  /** Ends all connections; the last evo of an embedded ledger stops its server. */
  close(): Promise<void>;
}

/**
 * Opens the ledger: joins or starts the embedded server, or connects to a shared one, and brings its schema up to date.
 * Errors: `ledger.unavailable`, `ledger.schema` (both exit 9). Close it, or the process doesn't end.
 */
export async function openLedger(settings: LedgerSettings): Promise<OpenLedger> {
  return settings.url === undefined ? openEmbedded(settings) : openShared(settings, settings.url);
}

async function openShared(settings: LedgerSettings, url: string): Promise<OpenLedger> {
  await makeReady({ url }, { url });
  const database = openDatabase({ url });
  const jobs = <Data extends object>() => openJobs<Data>(database, { url });
  return toLedger(database, settings, describeConnection({ url }).place, jobs, () => database.close());
}

async function openEmbedded(settings: LedgerSettings): Promise<OpenLedger> {
  const { joinServer } = await import("./embedded/server.js");
  const server = await joinServer(settings);
  try {
    await makeReady(server.writer, server.admin);
  } catch (error) {
    await server.leave();
    throw error;
  }
  const database = openDatabase(server.writer, server.revive);
  const jobs = <Data extends object>() => openJobs<Data>(database, server.admin);
  return toLedger(database, settings, describeConnection(server.writer).place, jobs, async () => {
    await database.close();
    await server.leave();
  });
}

function toLedger(
  database: Database,
  { claimed, home, say, transient = false }: LedgerSettings,
  place: string,
  jobs: OpenLedger["jobs"],
  close: () => Promise<void>,
): OpenLedger {
  const { guard, see, remember, hasKey, ...others } = createIntegrity(database, openMemory(home, place), claimed);
  const guarded =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await guard();
      return call(...args);
    };
  const warned = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    await work().catch((error: Error) => say(`warning: ${what}: ${error.message}`));
  };
  return {
    ...others,
    where: database.where,
    append: guarded(async (entries, options) => {
      const made = await write.append(database, claimed, entries, options);
      see(made);
      return made;
    }),
    load: (run, after) => read.load(database, run, after),
    sample: guarded((samples, leases) => write.sample(database, samples, leases)),
    sampled: (run) => read.sampled(database, run),
    acquire: guarded((resource, holder, ttl) => write.acquire(database, resource, holder, ttl)),
    takeOver: guarded((lease, holder, ttl) => write.takeOver(database, lease, holder, ttl)),
    renew: (lease, ttl) => write.renew(database, lease, ttl),
    release: (lease) => write.release(database, lease),
    entries: (filter) => entries(database, filter),
    entry: (number) => read.entry(database, number),
    runs: (filter) => read.runs(database, filter),
    unfinished: (sequence, rehearsal) => read.runs(database, { sequence, rehearsal, unfinished: true }),
    leases: (run) => read.leases(database, run),
    moments: (sequence, rehearsal, limit) => moments(database, sequence, rehearsal, limit),
    aboutStacks: (filter) => aboutStacks(database, filter),
    intended: (operations) => intendedOperations(database, operations),
    intents: () => intents(database),
    samples: (run, gate) => read.samples(database, run, gate),
    audited: (run) => questions.audited(database, run),
    related: (number, direction, most) => questions.related(database, number, direction, most),
    newestOf: (step, run) => questions.newestOf(database, step, run),
    evolution: (filter) => questions.evolution(database, filter),
    history: (filter) => questions.history(database, filter),
    stacks: (named) => questions.stacks(database, named),
    stretch: (first, last, pin) => checkStretch(database, first, last, pin),
    schedules: () => schedules(database),
    scannedFor: (order) => scannedFor(database, order),
    jobs,
    leaveCheckpoint: () =>
      warned("there is no new checkpoint", async () => {
        if (!transient || (await hasKey())) await others.checkpoint();
      }),
    close: async () => {
      await warned("what was seen of the ledger can't be kept", async () => remember());
      await close();
    },
  };
}

/** Verifies an export without any database; only the keys that this client trusts are looked up in `home`. */
export async function verifyFile(
  home: string,
  file: string,
  options: Pick<Verifying, "progress" | "keys" | "against">,
): Promise<Verified> {
  return verifyExport(file, openMemory(home, ""), options);
}

/**
 * Moves the record of an export into the empty ledger at `url`, verified before and by the target's database, and says
 * so in its first new entry. Errors: those of `verifyFile` and of the import; nothing is imported then.
 */
export async function importFile(settings: LedgerSettings & { readonly url: string }, file: string): Promise<Entry> {
  const { broken } = await verifyFile(settings.home, file, {});
  if (broken !== undefined) throw brokenAt(broken);
  const { url } = settings;
  await makeReady({ url }, { url });
  const { importRecord } = await import("./import.js");
  const head = await importRecord(await openExport(file), { url });
  const ledger = await openShared(settings, url);
  try {
    const { number, hash } = head;
    const entry = { type: "ledger.imported", causes: [number], body: { number, hash } };
    const [made] = await ledger.append([entry], { id: `import-${hash}`, leases: [] });
    if (made === undefined) throw new Error("an append of one entry gave none");
    return made;
  } finally {
    await ledger.close();
  }
}
