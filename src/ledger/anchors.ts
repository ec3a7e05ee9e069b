/** What vouches for a record from outside: this client's checkpoints and memory, and files that it is held against. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { EvoError, EXIT } from "../errors.js";
import { type Checkpoint, type ReadCheckpoint, readCheckpoints, type TrustedKey } from "./checkpoint.js";
import { exportSource, isExport } from "./export-source.js";
import type { Memory } from "./memory.js";
import type { Fault } from "./trail.js";
import type { Anchor, Copy } from "./verify.js";

/** File in a client's memory: its checkpoints, one after the other. */
export const CHECKPOINTS = "checkpoints.txt";

export interface Anchors {
  readonly anchors: readonly Anchor[];
  readonly copy?: Copy;
  /** The first checkpoint that may not be believed. */
  readonly fault?: Fault;
  /** Keys, as `name+id`, that signed what is vouched for and that nobody here trusts. */
  readonly strangers: readonly string[];
}

const NOTHING: Anchors = { anchors: [], strangers: [] };

/** This client's checkpoints, and the newest head that it saw. */
export function remembered(memory: Memory, ledger: string, trusted: readonly TrustedKey[]): Anchors {
  const text = memory.read(ledger, CHECKPOINTS);
  const own = !text ? NOTHING : strictly(readCheckpoints(text, trusted, CHECKPOINTS), "this client's checkpoint");
  const head = memory.head(ledger);
  if (head === undefined) return own;
  const seen: Anchor = { ...head, by: "this client when it last looked", signed: false };
  return { ...own, anchors: [...own.anchors, seen] };
}

/** What a file vouches for: checkpoints that must be signed by a trusted key, or an export to be compared with. */
export async function against(file: string, trusted: readonly TrustedKey[]): Promise<Anchors> {
  const name = basename(file);
  if (!(await isExport(file)))
    return strictly(readCheckpoints(await textOf(file), trusted, name), `the checkpoint in ${name}`);
  return { ...vouchedFor([], name), copy: await copyOf(file, name) };
}

/** The checkpoint to begin from: the newest of a file. Errors: `ledger.checkpoint` (exit 10) where it isn't signed by a trusted key. */
export async function beginning(file: string, trusted: readonly TrustedKey[]): Promise<Checkpoint> {
  const read = readCheckpoints(await textOf(file), trusted, basename(file));
  const newest = [...read].sort((a, b) => b.checkpoint.number - a.checkpoint.number)[0];
  if (newest?.status === "signed") return newest.checkpoint;
  throw new EvoError("ledger.checkpoint", newest?.reason ?? `${file} holds no checkpoint`, {
    exit: EXIT.ledgerBroken,
    remedy: "verify from the first entry; evo ledger keys trust <key> believes a key that you have checked",
  });
}

/** Checkpoints that an export brings along: one of a stranger vouches for nothing and is no fault. */
export function vouchedFor(read: readonly ReadCheckpoint[], what: string): Anchors {
  return {
    ...strictly(
      read.filter(({ status }) => status !== "unknown"),
      what,
    ),
    strangers: strangersOf(read),
  };
}

function strictly(read: readonly ReadCheckpoint[], what: string): Anchors {
  const anchors = read.flatMap((one) => (one.status === "signed" ? [anchorOf(one.checkpoint, what)] : []));
  const refused = read.flatMap((one) =>
    one.status === "signed" ? [] : [{ number: one.checkpoint.number, reason: one.reason }],
  );
  const [fault] = refused.sort((a, b) => a.number - b.number);
  return { anchors, strangers: strangersOf(read), ...(fault === undefined ? {} : { fault }) };
}

function anchorOf(checkpoint: (ReadCheckpoint & { readonly status: "signed" })["checkpoint"], what: string): Anchor {
  const { key, ...rest } = checkpoint;
  return {
    ...rest,
    by: `${what} by ${key.name}+${key.id}`,
    signed: true,
  };
}

function strangersOf(read: readonly ReadCheckpoint[]): readonly string[] {
  return [...new Set(read.flatMap((one) => (one.status === "unknown" ? one.signers : [])))];
}

async function copyOf(file: string, name: string): Promise<Copy> {
  const source = exportSource(file);
  const head = await source.head();
  const hashes = Buffer.alloc(head.number * 32);
  for await (const rows of source.pages(0, head.number))
    for (const { number, hash } of rows)
      if (Number(number) <= head.number) hashes.write(hash, (Number(number) - 1) * 32, "hex");
  return { ledger: head.ledger, by: name, last: head.number, hashes };
}

/** The text of a file. Errors: `usage` (exit 2) where it can't be read. */
export async function textOf(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new EvoError("usage", `${file} can't be read: ${error.code}`, { remedy: "give a file that exists" });
  });
}
