/** The ledger: everything about Postgres lies below this folder, and this is its only door (DESIGN 7). */
import "./node-runtime.js";
import type { GateId, NodeId } from "../plan/model.js";
import type { RunId } from "../run/events.js";
import type { Entry, LeaseHolder, Ledger, Sample } from "../run/ports.js";
import { type Database, openDatabase } from "./database.js";
import { type Moment, moments } from "./durations.js";
import { type EntryFilter, entries } from "./entries.js";
import { makeReady } from "./migrate.js";
import * as questions from "./questions.js";
import * as read from "./read.js";
import { checkStretch, type Stretch } from "./stretch.js";
import { type VerifyOptions, type VerifyResult, verify } from "./verify.js";
import * as write from "./write.js";

export type { Moment } from "./durations.js";
export type { EntryFilter } from "./entries.js";
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
export type { Stretch } from "./stretch.js";
export type { VerifyOptions, VerifyResult } from "./verify.js";

export interface LedgerSettings {
  /** EVO_LEDGER_URL; absent: the embedded server below `home`. */
  readonly url?: string;
  /** EVO_HOME. */
  readonly home: string;
  /** Who the client says it is: `user@host`, a git or a CI identity. */
  readonly claimed: string;
  /** Takes a line for people. */
  say(line: string): void;
}

/** The port of the run machine, and what people and commands ask besides. */
export interface OpenLedger extends Ledger {
  /** `role@place/database`, without a password. */
  readonly where: string;
  entries(filter: EntryFilter): AsyncIterable<Entry>;
  entry(number: number): Promise<Entry | undefined>;
  verify(options?: VerifyOptions): Promise<VerifyResult>;
  runs(filter: read.RunFilter): Promise<readonly read.RunSummary[]>;
  unfinished(sequence: string, rehearsal: boolean): Promise<readonly read.RunSummary[]>;
  /** Leases that are held, oldest first: those that are live, or those of one run, expired ones included. */
  leases(run?: RunId): Promise<readonly LeaseHolder[]>;
  /** When the newest completed runs of a sequence did what: for usual durations. */
  moments(sequence: string, rehearsal: boolean, limit: number): Promise<readonly Moment[]>;
  samples(run: RunId, gate: GateId): Promise<readonly Sample[]>;
  /** What an audit of a run needs: nothing where the ledger doesn't know the run. */
  audited(run: RunId): Promise<readonly questions.AuditedEntry[]>;
  /** An entry and what led to it, or what followed; the nearest `most` entries, by number. */
  related(number: number, direction: "causes" | "effects", most: number): Promise<readonly Entry[]>;
  /** The newest start of a step or opening of a boundary of this name. */
  newestOf(step: NodeId, run?: RunId): Promise<Entry | undefined>;
  evolution(filter: questions.EvolutionFilter): Promise<readonly questions.EvolutionRow[]>;
  history(filter: questions.HistoryFilter): Promise<readonly questions.HistoryRow[]>;
  /** Stacks whose identity is, or ends in, this name. */
  stacks(named: string): Promise<readonly questions.KnownStack[]>;
  /** Whether the chain holds from one entry to another. */
  stretch(first: number, last: number): Promise<Stretch>;
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
  return toLedger(database, settings.claimed, () => database.close());
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
  return toLedger(database, settings.claimed, async () => {
    await database.close();
    await server.leave();
  });
}

function toLedger(database: Database, claimed: string, close: () => Promise<void>): OpenLedger {
  return {
    where: database.where,
    append: (entries, options) => write.append(database, claimed, entries, options),
    load: (run, after) => read.load(database, run, after),
    sample: (samples, leases) => write.sample(database, samples, leases),
    sampled: (run) => read.sampled(database, run),
    acquire: (resource, holder, ttl) => write.acquire(database, resource, holder, ttl),
    takeOver: (lease, holder, ttl) => write.takeOver(database, lease, holder, ttl),
    renew: (lease, ttl) => write.renew(database, lease, ttl),
    release: (lease) => write.release(database, lease),
    entries: (filter) => entries(database, filter),
    entry: (number) => read.entry(database, number),
    verify: (options) => verify(database, options),
    runs: (filter) => read.runs(database, filter),
    unfinished: (sequence, rehearsal) => read.runs(database, { sequence, rehearsal, unfinished: true }),
    leases: (run) => read.leases(database, run),
    moments: (sequence, rehearsal, limit) => moments(database, sequence, rehearsal, limit),
    samples: (run, gate) => read.samples(database, run, gate),
    audited: (run) => questions.audited(database, run),
    related: (number, direction, most) => questions.related(database, number, direction, most),
    newestOf: (step, run) => questions.newestOf(database, step, run),
    evolution: (filter) => questions.evolution(database, filter),
    history: (filter) => questions.history(database, filter),
    stacks: (named) => questions.stacks(database, named),
    stretch: (first, last) => checkStretch(database, first, last),
    close,
  };
}
