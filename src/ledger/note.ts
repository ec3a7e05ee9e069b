/**
 * Signed notes (https://c2sp.org/signed-note) with Ed25519: a text, an empty line, and a line for each signature over the
 * text. Tools that know the format (Go's sumdb/note, Tessera, Rekor) can check what is signed here.
 */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { EvoError, EXIT } from "../errors.js";

/** A public key as notes name it; `text` is its one-line form, `<name>+<id>+<base64>`. */
export interface PublicKey {
  readonly name: string;
  /** The first four bytes of sha256 over name, LF, algorithm and key; eight hex digits. */
  readonly id: string;
  readonly text: string;
  readonly key: KeyObject;
}

export interface SigningKey {
  readonly public: PublicKey;
  readonly private: KeyObject;
}

/** The algorithm byte of Ed25519 in signed notes. */
const ED25519 = 0x01;
/** What stands before the 32 bytes of an Ed25519 key in its DER form (RFC 8410). */
const SPKI = Buffer.from("302a300506032b6570032100", "hex");
const DASH = "\u2014";

/** Makes a key pair. What a name may not hold (spaces, plus signs) becomes a hyphen. */
export function makeKey(name: string): SigningKey {
  const { privateKey } = generateKeyPairSync("ed25519");
  return signingKey(name.replace(/[\s+]+/g, "-") || "evo", privateKey);
}

/** A private key together with its public side. */
export function signingKey(name: string, privateKey: KeyObject): SigningKey {
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return { private: privateKey, public: publicKey(name, spki.subarray(SPKI.length)) };
}

function publicKey(name: string, raw: Buffer): PublicKey {
  const typed = Buffer.concat([Buffer.from([ED25519]), raw]);
  const id = createHash("sha256").update(`${name}\n`).update(typed).digest("hex").slice(0, 8);
  const key = createPublicKey({ key: Buffer.concat([SPKI, raw]), type: "spki", format: "der" });
  return { name, id, text: `${name}+${id}+${typed.toString("base64")}`, key };
}

/** Reads a key's one-line form. Errors: `ledger.key` (exit 2) on anything else, and on an id that isn't its own. */
export function parseKey(text: string): PublicKey {
  const parts = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text.trim());
  const typed = Buffer.from(parts?.[3] ?? "", "base64");
  if (parts !== null && typed.length === 33 && typed[0] === ED25519) {
    const key = publicKey(parts[1] ?? "", typed.subarray(1));
    if (key.id === parts[2]) return key;
  }
  throw new EvoError("ledger.key", `this is no public key: ${text.trim().slice(0, 120)}`, {
    exit: EXIT.usage,
    remedy: "give it as evo ledger keys prints it: <name>+<id>+<base64>",
  });
}

/** The signature over a text, as a line of its note. */
export function signatureLine(text: string, key: SigningKey): string {
  const signature = sign(null, Buffer.from(text), key.private);
  const bytes = Buffer.concat([Buffer.from(key.public.id, "hex"), signature]);
  return `${DASH} ${key.public.name} ${bytes.toString("base64")}\n`;
}

/** The note over a text, which ends with a line end. */
export function signNote(text: string, key: SigningKey): string {
  return `${text}\n${signatureLine(text, key)}`;
}

export interface Note {
  /** The note itself: text, empty line, signatures. */
  readonly whole: string;
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly id: string; readonly bytes: Buffer }[];
}

const SIGNED = new RegExp(`((?:[^\\n]+\\n)+)\\n((?:${DASH} \\S+ \\S+\\n)+)`, "g");

/** All notes in a text, one after the other. Empty where there is none. */
export function parseNotes(text: string): readonly Note[] {
  return [...text.replaceAll("\r\n", "\n").matchAll(SIGNED)].map(([whole, body = "", lines = ""]) => ({
    whole,
    text: body,
    signatures: lines.trimEnd().split("\n").map(signatureOf),
  }));
}

function signatureOf(line: string): Note["signatures"][number] {
  const [, name = "", base64 = ""] = line.split(" ");
  const bytes = Buffer.from(base64, "base64");
  return { name, id: bytes.subarray(0, 4).toString("hex"), bytes: bytes.subarray(4) };
}

/** Which of these keys has signed a note; undefined where none has, or one's signature is false. */
export function signerOf(note: Note, keys: readonly PublicKey[]): PublicKey | undefined {
  const known = note.signatures.flatMap(({ name, id, bytes }) =>
    keys.filter((key) => key.name === name && key.id === id).map((key) => ({ key, bytes })),
  );
  const sound = known.filter(({ key, bytes }) => isSignature(note.text, key, bytes));
  return sound.length === known.length ? sound[0]?.key : undefined;
}

/** Whether these bytes are the key's signature over a text. */
export function isSignature(text: string, { key }: PublicKey, bytes: Buffer): boolean {
  return bytes.length === 64 && verify(null, Buffer.from(text), key, bytes);
}
