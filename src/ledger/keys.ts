/**
 * The keys that sign checkpoints. A client's private key lies in its memory; public keys are entries of the ledger, so
 * that an export carries them. What is recorded is believed only where a trusted key has signed for it: a rotation.
 */
import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { EvoError, EXIT } from "../errors.js";
import type { TrustedKey } from "./checkpoint.js";
import type { Database } from "./database.js";
import type { Memory } from "./memory.js";
import { isSignature, makeKey, type PublicKey, parseKey, type SigningKey, signingKey } from "./note.js";
import { append } from "./write.js";

/** A public key as the ledger has it: `key.added`, or `key.rotated` with the signature of the key that it replaces. */
export interface KeyRecord {
  /** Number of the entry. */
  readonly entry: number;
  readonly key: string;
  readonly previous?: string;
  /** Of `previous` over the endorsement of `key`, base64. */
  readonly signature?: string;
}

/** A key as people see it. */
export interface ListedKey {
  readonly key: string;
  /** own: this client signs with it. trusted: its checkpoints are believed here. recorded: the ledger names it. */
  readonly state: "own" | "trusted" | "replaced" | "recorded";
  readonly entry?: number;
}

const KEY = "key.json";
const TRUSTED = "trusted.txt";

interface KeyFile {
  readonly name: string;
  readonly private: string;
  /** Made for a rotation that may not be recorded yet. */
  readonly next?: KeyFile;
}

/** The key records of a ledger, in order. */
export async function recordedKeys(database: Database): Promise<readonly KeyRecord[]> {
  const sql =
    "select number, text from evo.readable_entries where type in ('key.added', 'key.rotated') order by number";
  const rows = await database.ask<{ number: string; text: string }>(sql);
  return rows.map(({ number, text }) => toKeyRecord(Number(number), JSON.parse(text)));
}

/** The record in the body of an entry `key.added` or `key.rotated`. */
export function toKeyRecord(entry: number, body: { readonly [key: string]: unknown }): KeyRecord {
  const { key, previous, signature } = body;
  return {
    entry,
    key: String(key),
    ...(typeof previous === "string" ? { previous } : {}),
    ...(typeof signature === "string" ? { signature } : {}),
  };
}

/** These keys, and those that they have been replaced by, each signed for by the one before. */
export function withRotations(
  ledger: string,
  trusted: readonly PublicKey[],
  records: readonly KeyRecord[],
): readonly TrustedKey[] {
  const known = new Map<string, TrustedKey>(trusted.map((key) => [key.text, { key }]));
  for (const record of records) {
    const before = known.get(record.previous ?? "");
    if (before === undefined || before.until !== undefined || !isEndorsed(ledger, before.key, record)) continue;
    known.set(before.key.text, { key: before.key, until: record.entry });
    if (!known.has(record.key)) known.set(record.key, { key: parseKey(record.key) });
  }
  return [...known.values()];
}

function isEndorsed(ledger: string, by: PublicKey, record: KeyRecord): boolean {
  return isSignature(endorsement(ledger, record.key), by, Buffer.from(record.signature ?? "", "base64"));
}

/** What the old key signs of the new one. */
function endorsement(ledger: string, key: string): string {
  return `evo.key/1\n${ledger}\n${key}\n`;
}

/** The keys whose checkpoints this client believes, without those that took their place. */
export function trustedHere(memory: Memory, ledger: string): readonly PublicKey[] {
  return (memory.read(ledger, TRUSTED) ?? "")
    .split("\n")
    .filter((line) => line !== "")
    .map(parseKey);
}

/** From now on this client believes checkpoints by this key. */
export function trust(memory: Memory, ledger: string, key: PublicKey): void {
  if (trustedHere(memory, ledger).some(({ text }) => text === key.text)) return;
  memory.append(ledger, TRUSTED, `${key.text}\n`);
}

/** This client's key for a ledger, if it has one. */
export function ownKey(memory: Memory, ledger: string): SigningKey | undefined {
  const text = memory.read(ledger, KEY);
  return text === undefined ? undefined : fromFile(JSON.parse(text) as KeyFile);
}

function fromFile(file: KeyFile): SigningKey {
  return signingKey(file.name, createPrivateKey(file.private));
}

function toFile(key: SigningKey): KeyFile {
  return { name: key.public.name, private: String(key.private.export({ type: "pkcs8", format: "pem" })) };
}

/** Makes this client's key and records its public side. Errors: `ledger.key` (exit 2) where there is one. */
export async function makeOwnKey(
  database: Database,
  memory: Memory,
  ledger: string,
  claimed: string,
): Promise<SigningKey> {
  if (ownKey(memory, ledger) !== undefined)
    throw new EvoError("ledger.key", "this client has a key for this ledger", {
      exit: EXIT.usage,
      remedy: "see evo ledger keys; evo ledger keys rotate replaces it",
    });
  const key = makeKey(claimed);
  const entry = { type: "key.added", causes: [], body: { key: key.public.text } };
  await append(database, claimed, [entry], { id: randomUUID(), leases: [] });
  memory.write(ledger, KEY, JSON.stringify(toFile(key)));
  trust(memory, ledger, key.public);
  return key;
}

/**
 * Replaces this client's key; the old one signs for the new one, in an entry. The new key is kept before it is recorded:
 * a rotation that was interrupted is finished by the next. Errors: `ledger.key` (exit 2) where there is none to replace.
 */
export async function rotateOwnKey(
  database: Database,
  memory: Memory,
  ledger: string,
  claimed: string,
  reason: string,
): Promise<SigningKey> {
  const old = ownKey(memory, ledger);
  if (old === undefined)
    throw new EvoError("ledger.key", "this client has no key for this ledger to replace", {
      exit: EXIT.usage,
      remedy: "evo ledger keys make",
    });
  const { next: begun } = JSON.parse(memory.read(ledger, KEY) ?? "{}") as Partial<KeyFile>;
  const key = begun === undefined ? makeKey(claimed) : fromFile(begun);
  memory.write(ledger, KEY, JSON.stringify({ ...toFile(old), next: toFile(key) }));
  const records = await recordedKeys(database);
  if (!records.some((record) => record.key === key.public.text))
    await append(database, claimed, [rotation(ledger, old, key.public.text, reason, records)], {
      id: randomUUID(),
      leases: [],
    });
  memory.write(ledger, KEY, JSON.stringify(toFile(key)));
  trust(memory, ledger, key.public);
  return key;
}

function rotation(ledger: string, old: SigningKey, key: string, reason: string, records: readonly KeyRecord[]) {
  const signature = sign(null, Buffer.from(endorsement(ledger, key)), old.private).toString("base64");
  const causes = records.filter((record) => record.key === old.public.text).map((record) => record.entry);
  return { type: "key.rotated", causes, body: { key, previous: old.public.text, signature, reason } };
}

/** All keys that this client or the ledger knows. */
export async function listKeys(database: Database, memory: Memory, ledger: string): Promise<readonly ListedKey[]> {
  const records = await recordedKeys(database);
  const trusted = withRotations(ledger, trustedHere(memory, ledger), records);
  const own = ownKey(memory, ledger)?.public.text;
  const texts = new Set([...records.map(({ key }) => key), ...trusted.map(({ key }) => key.text)]);
  return [...texts].map((key) => {
    const known = trusted.find((one) => one.key.text === key);
    const entry = records.find((record) => record.key === key)?.entry;
    const state = key === own ? "own" : known === undefined ? "recorded" : known.until ? "replaced" : "trusted";
    return { key, state, ...(entry === undefined ? {} : { entry }) };
  });
}
