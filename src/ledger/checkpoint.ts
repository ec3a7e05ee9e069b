/**
 * Checkpoints: how far a ledger had come, signed, to be kept where its database's owner can't write. The form is that of
 * https://c2sp.org/tlog-checkpoint; the root is the hash of the newest entry, since the record is a chain and no tree.
 *
 *   evo.ledger/1/<ledger id>
 *   <number of the newest entry>
 *   <its hash, base64>
 *
 *   — <key name> <base64 of key id and signature>
 */
import { EvoError, EXIT } from "../errors.js";
import { type Note, type PublicKey, parseNotes, type SigningKey, signerOf, signNote } from "./note.js";

export interface Checkpoint {
  readonly ledger: string;
  readonly number: number;
  /** Hash of the entry of that number, hex. */
  readonly hash: string;
}

/** A checkpoint whose signature a known key has made. */
export interface SignedCheckpoint extends Checkpoint {
  readonly key: PublicKey;
}

/** A key that may sign. After it was rotated, at the entry `until`, it may no more: later checkpoints are refused. */
export interface TrustedKey {
  readonly key: PublicKey;
  readonly until?: number;
}

const ORIGIN = "evo.ledger/1/";

/** The signed form of a checkpoint. Ed25519 is deterministic: the same checkpoint gives the same text. */
export function signCheckpoint({ ledger, number, hash }: Checkpoint, key: SigningKey): string {
  return signNote(`${ORIGIN}${ledger}\n${number}\n${Buffer.from(hash, "hex").toString("base64")}\n`, key);
}

/** `unknown`: nobody who is trusted has signed it. `forged`: somebody who is not them signed as one of them. */
export type ReadCheckpoint =
  | { readonly checkpoint: SignedCheckpoint; readonly status: "signed" }
  | {
      readonly checkpoint: Checkpoint;
      readonly status: "unknown" | "forged";
      readonly reason: string;
      /** `name+id` of those who signed. */
      readonly signers: readonly string[];
    };

/** Every checkpoint of a file, signed by a trusted key or refused. Errors: `ledger.checkpoint` (exit 2) where there is none. */
export function readCheckpoints(text: string, trusted: readonly TrustedKey[], file: string): readonly ReadCheckpoint[] {
  const notes = parseNotes(text);
  const read = notes.map((note) => {
    const checkpoint = bodyOf(note.text);
    if (checkpoint === undefined) throw noCheckpoint(file);
    return judge(checkpoint, note, trusted);
  });
  if (read.length === 0) throw noCheckpoint(file);
  return read;
}

function judge(checkpoint: Checkpoint, note: Note, trusted: readonly TrustedKey[]): ReadCheckpoint {
  const keys = trusted.map((one) => one.key);
  const key = signerOf(note, keys);
  const signers = note.signatures.map(({ name, id }) => `${name}+${id}`);
  const at = `the checkpoint at entry ${checkpoint.number}`;
  if (key === undefined) {
    const known = keys.some(({ name, id }) => signers.includes(`${name}+${id}`));
    const names = signers.join(", ");
    if (!known)
      return { checkpoint, status: "unknown", reason: `no trusted key has signed ${at}, only ${names}`, signers };
    return { checkpoint, status: "forged", reason: `the signature on ${at} is not that of ${names}`, signers };
  }
  const until = trusted.find((one) => one.key === key)?.until;
  if (until === undefined || checkpoint.number <= until)
    return { checkpoint: { ...checkpoint, key }, status: "signed" };
  const reason = `${key.name}+${key.id} signed ${at} after it was replaced at ${until}`;
  return { checkpoint, status: "forged", reason, signers };
}

function bodyOf(text: string): Checkpoint | undefined {
  const [origin = "", number = "", root = ""] = text.split("\n");
  const hash = Buffer.from(root, "base64");
  if (!origin.startsWith(ORIGIN) || !/^(0|[1-9]\d{0,14})$/.test(number) || hash.length !== 32) return undefined;
  return { ledger: origin.slice(ORIGIN.length), number: Number(number), hash: hash.toString("hex") };
}

function noCheckpoint(file: string): EvoError {
  return new EvoError("ledger.checkpoint", `${file} holds no checkpoint of a ledger`, {
    exit: EXIT.usage,
    remedy: "give a file that evo ledger checkpoint or evo ledger export has written",
  });
}
