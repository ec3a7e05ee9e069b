/** What this client does for the integrity of a ledger: notice that it went back, sign how far it came, verify, export. */
import { randomUUID } from "node:crypto";
import type { Entry } from "../run/ports.js";
import { type Anchors, against, beginning, CHECKPOINTS, remembered, vouchedFor } from "./anchors.js";
import { type Checkpoint, readCheckpoints, signCheckpoint, type TrustedKey } from "./checkpoint.js";
import type { Database } from "./database.js";
import { exportLines } from "./export.js";
import { openExport } from "./export-source.js";
import { brokenAt, wentBack } from "./failures.js";
import {
  type ListedKey,
  listKeys,
  makeOwnKey,
  ownKey,
  rotateOwnKey,
  trust,
  trustedHere,
  withRotations,
} from "./keys.js";
import type { Head, Memory } from "./memory.js";
import { parseKey, parseNotes } from "./note.js";
import { databaseSource, type Source } from "./source.js";
import type { Fault } from "./trail.js";
import { type Anchor, type VerifyOptions, type VerifyResult, verify } from "./verify.js";
import { append } from "./write.js";

export interface Verifying {
  readonly progress?: VerifyOptions["progress"];
  /** A file with a checkpoint to begin from. */
  readonly from?: string;
  /** A file with checkpoints or an export, to hold the record against. */
  readonly against?: string;
  /** Public keys that are trusted besides this client's own. */
  readonly keys?: readonly string[];
}

/** A checkpoint, and its signed form. */
export type SignedNote = Checkpoint & { readonly note: string };

export interface Verified extends VerifyResult {
  /** Keys that signed checkpoints and that nobody here trusts. */
  readonly strangers: readonly string[];
}

export interface Integrity {
  /** Refuses a ledger that went back since this client saw it. Errors: `ledger.went-back` (exit 10). */
  guard(): Promise<void>;
  /** Keeps in mind how far the ledger has come. */
  see(entries: readonly Entry[]): void;
  /** Writes what was seen to this client's memory. */
  remember(): void;
  verify(options?: Verifying): Promise<Verified>;
  /**
   * Verifies what came since this client's last checkpoint and signs the newest entry; makes the client's key where it
   * has none. Errors: `ledger.broken` (exit 10).
   */
  checkpoint(progress?: VerifyOptions["progress"]): Promise<SignedNote>;
  /** Whether this client has a key for the ledger. */
  hasKey(): Promise<boolean>;
  keys(): Promise<readonly ListedKey[]>;
  makeKey(): Promise<string>;
  rotateKey(reason: string): Promise<string>;
  trustKey(key: string): Promise<void>;
  /** The first checkpoint behind an entry that a trusted key of this client's memory has signed. */
  covering(number: number): Promise<Anchor | undefined>;
  /** Lines of an export, up to a checkpoint that is made for it. */
  export(progress?: VerifyOptions["progress"]): AsyncIterable<string>;
  /** A person signs for it that the ledger was put back, or replaced, on purpose: recorded (invariant 12). */
  acceptReplaced(reason: string): Promise<Entry>;
}

/** Binds a ledger to what this client remembers of it. */
export function createIntegrity(database: Database, memory: Memory, claimed: string): Integrity {
  const source = databaseSource(database);
  let seen: Head | undefined;
  let guarded: Promise<void> | undefined;
  const note = (head: Head): void => {
    if (seen === undefined || head.number > seen.number) seen = head;
  };
  const guard = async (): Promise<void> => {
    guarded ??= compare(database, memory, source).then(note);
    await guarded.catch((error: unknown) => {
      guarded = undefined;
      throw error;
    });
  };
  const trusted = async (ledger: string, more: readonly string[] = []): Promise<readonly TrustedKey[]> =>
    withRotations(ledger, [...trustedHere(memory, ledger), ...more.map(parseKey)], await source.keys());
  const idOf = async (): Promise<string> => (await source.head()).ledger;
  const recorded = async <T>(work: (ledger: string) => Promise<T>): Promise<T> => {
    await guard();
    return work(await idOf());
  };
  const own = async (ledger: string) => ownKey(memory, ledger) ?? (await makeOwnKey(database, memory, ledger, claimed));

  const checkpoint: Integrity["checkpoint"] = (progress) =>
    recorded(async (ledger) => {
      const key = await own(ledger);
      const from = newest(memory.read(ledger, CHECKPOINTS), await trusted(ledger));
      const result = await verify(source, { ...(from && { from }), ...(progress && { progress }) });
      if (result.broken !== undefined) throw brokenAt(result.broken);
      const made = { ledger, number: result.checked, hash: result.head };
      const text = signCheckpoint(made, key);
      if (from?.number !== made.number) memory.append(ledger, CHECKPOINTS, `${text}\n`);
      memory.see(made);
      return { ...made, note: text };
    });

  return {
    guard,
    see(entries) {
      const last = entries.at(-1);
      if (last !== undefined) note(last);
    },
    remember: () => seen && memory.see(seen),
    async verify(options = {}) {
      const { ledger } = await source.head();
      const keys = await trusted(ledger, options.keys);
      const given = options.against === undefined ? [] : [await against(options.against, keys)];
      const from = options.from === undefined ? {} : { from: await beginning(options.from, keys) };
      const known = [remembered(memory, memory.ledgerHere() ?? ledger, keys), ...given];
      return judge(source, known, { ...from, ...(options.progress && { progress: options.progress }) });
    },
    checkpoint,
    hasKey: async () => ownKey(memory, await idOf()) !== undefined,
    keys: async () => listKeys(database, memory, await idOf()),
    makeKey: () => recorded(async (ledger) => (await makeOwnKey(database, memory, ledger, claimed)).public.text),
    rotateKey: (reason) =>
      recorded(async (ledger) => (await rotateOwnKey(database, memory, ledger, claimed, reason)).public.text),
    trustKey: async (key) => trust(memory, await idOf(), parseKey(key)),
    async covering(number) {
      const { ledger } = await source.head();
      const { anchors } = remembered(memory, ledger, await trusted(ledger));
      const signed = anchors.filter((anchor) => anchor.signed && anchor.number >= number);
      return signed.sort((a, b) => a.number - b.number)[0];
    },
    async *export(progress) {
      const head = await checkpoint(progress);
      const notes = parseNotes(memory.read(head.ledger, CHECKPOINTS) ?? "");
      yield* exportLines(
        source,
        head,
        notes.map(({ whole }) => whole),
      );
    },
    acceptReplaced: async (reason) => {
      const head = await source.head();
      const lost = memory.head(memory.ledgerHere() ?? head.ledger);
      const body = { reason, found: plain(head), ...(lost === undefined ? {} : { lost: plain(lost) }) };
      const [entry] = await append(database, claimed, [{ type: "ledger.replaced", causes: [], body }], {
        id: randomUUID(),
        leases: [],
      });
      if (entry === undefined) throw new Error("an append of one entry gave none");
      await forget(memory, source, head.ledger);
      memory.see(entry, true);
      return entry;
    },
  };
}

function plain({ ledger, number, hash }: Head): { ledger: string; number: number; hash: string } {
  return { ledger, number, hash };
}

/** Verifies an export on its own: no database is asked. `memory` knows which keys this client trusts. */
export async function verifyExport(
  file: string,
  memory: Memory,
  options: Pick<Verifying, "progress" | "keys" | "against">,
): Promise<Verified> {
  const source = await openExport(file);
  const { ledger } = await source.head();
  const given = [...trustedHere(memory, ledger), ...(options.keys ?? []).map(parseKey)];
  const keys = withRotations(ledger, given, await source.keys());
  const notes = await source.checkpoints();
  const brought = notes.flatMap((text) => readCheckpoints(text, keys, file));
  const known = [
    vouchedFor(brought, "its own checkpoint"),
    ...(options.against ? [await against(options.against, keys)] : []),
  ];
  return judge(source, known, options.progress ? { progress: options.progress } : {});
}

async function judge(source: Source, known: readonly Anchors[], options: VerifyOptions): Promise<Verified> {
  const copy = known.find((one) => one.copy !== undefined)?.copy;
  const anchors = known.flatMap((one) => one.anchors);
  const result = await verify(source, { ...options, anchors, ...(copy && { copy }) });
  const faults: readonly Fault[] = known.flatMap((one) => one.fault ?? []);
  const [first] = [...(result.broken === undefined ? [] : [result.broken]), ...faults].sort(
    (a, b) => a.number - b.number,
  );
  const strangers = [...new Set(known.flatMap((one) => one.strangers))];
  return { ...result, strangers, ...(first === undefined ? {} : { broken: first }) };
}

/** The newest checkpoint that this client has signed. */
function newest(text: string | undefined, trusted: readonly TrustedKey[]): Checkpoint | undefined {
  const last = parseNotes(text ?? "").at(-1);
  if (last === undefined) return undefined;
  const [read] = readCheckpoints(last.whole, trusted, CHECKPOINTS);
  return read?.status === "signed" ? read.checkpoint : undefined;
}

/** The ledger must hold what was seen of it, here or elsewhere; the head of now comes back. */
async function compare(database: Database, memory: Memory, source: Source): Promise<Head> {
  const { newest: _, ...head } = await source.head();
  const known = memory.head(memory.ledgerHere() ?? head.ledger);
  if (known === undefined || known.number === 0) return head;
  if (head.ledger !== known.ledger)
    throw wentBack(database.where, `it is another one: ${head.ledger}, not ${known.ledger}`);
  if (head.number < known.number)
    throw wentBack(database.where, `it ends at entry ${head.number}, and this client has seen entry ${known.number}`);
  if ((await source.hashes([known.number])).get(known.number) !== known.hash)
    throw wentBack(database.where, `entry ${known.number} is not the one that this client has seen`);
  return head;
}

/** Checkpoints of entries that are gone on purpose are put aside: they would be a fault for ever. */
async function forget(memory: Memory, source: Source, ledger: string): Promise<void> {
  const text = memory.read(ledger, CHECKPOINTS);
  if (text === undefined) return;
  const own = readCheckpoints(text, [], CHECKPOINTS).map(({ checkpoint }) => checkpoint);
  const wholes = parseNotes(text).map(({ whole }) => `${whole}\n`);
  const hashes = await source.hashes(own.map(({ number }) => number));
  const isKept = (_: string, at: number) => hashes.get(own[at]?.number ?? 0) === own[at]?.hash;
  memory.append(ledger, "lost.txt", wholes.filter((whole, at) => !isKept(whole, at)).join(""));
  memory.write(ledger, CHECKPOINTS, wholes.filter(isKept).join(""));
}
