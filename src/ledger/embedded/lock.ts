/**
 * A lock between processes that outlives none of them. It is a folder of numbered files; the highest number is the
 * present holder. To take it is to make the next number, which only one can; a number is never used again, so nobody
 * removes a lock that has changed hands meanwhile. A holder that is proven dead is succeeded like one that let go.
 */
import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EvoError, EXIT } from "../../errors.js";
import { isDead, myself, type Owner } from "./owner.js";

const FREE = "free";
/** Longer than initdb and a crash recovery take on a slow machine; milliseconds. */
const PATIENCE = 180_000;
const POLL = 20;

/** Runs `work` while holding the lock in `folder`. Errors: `ledger.unavailable` when its holder keeps it for minutes. */
export async function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = await take(folder);
  try {
    return await work();
  } finally {
    replace(folder, file, FREE);
  }
}

async function take(folder: string): Promise<string> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const highest = numbers(folder).at(-1) ?? 0;
    if (highest === 0 || isFree(join(folder, String(highest)))) {
      const file = tryTake(folder, highest + 1);
      if (file !== undefined) return file;
    }
    if (Date.now() > deadline) throw stuck(folder, highest);
    await sleep(POLL);
  }
}

function numbers(folder: string): number[] {
  return readdirSync(folder)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** A file that is gone was succeeded while we looked. */
function isFree(file: string): boolean {
  try {
    const text = readFileSync(file, "utf8");
    return text === FREE || isDead(JSON.parse(text) as Owner);
  } catch {
    return false;
  }
}

/** Makes the number, complete with its content, if nobody else has; then looks whether it is still the highest. */
function tryTake(folder: string, number: number): string | undefined {
  const file = join(folder, String(number));
  const draft = join(folder, `draft-${randomUUID()}`);
  writeFileSync(draft, JSON.stringify(myself()), { mode: 0o600 });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const all = numbers(folder);
  if (all.at(-1) !== number) {
    rmSync(file, { force: true }); // Others came and went since we looked; theirs are newer.
    return undefined;
  }
  for (const older of all.slice(0, -1)) rmSync(join(folder, String(older)), { force: true });
  return file;
}

function replace(folder: string, file: string, content: string): void {
  const draft = join(folder, `draft-${randomUUID()}`);
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, file);
}

function stuck(folder: string, number: number): EvoError {
  const file = join(folder, String(number));
  return new EvoError(
    "ledger.unavailable",
    `Another process has been starting or stopping the ledger's server for minutes: ${describe(file)}.`,
    {
      exit: EXIT.ledgerUnavailable,
      remedy: `Wait for it, or, when it is surely gone, remove ${file}.`,
    },
  );
}

function describe(file: string): string {
  try {
    const owner = JSON.parse(readFileSync(file, "utf8")) as Owner;
    return `process ${owner.pid} on ${owner.host}`;
  } catch {
    return file;
  }
}
