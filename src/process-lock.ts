/**
 * A lock between processes that outlives none of them. It is a folder of numbered files; the highest number is the
 * present holder. To take it is to make the next number, which only one can; a number is never used again, so nobody
 * removes a lock that has changed hands meanwhile. A holder that is proven dead is succeeded like one that let go.
 */
import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDead, myself, type Owner } from "./process-owner.js";

const FREE = "free";
const POLL = 20;

export interface LockOptions {
  /** Milliseconds after which waiting is given up. Default: never. */
  readonly patience?: number;
  /** Makes the error for that; `holder` names the process that keeps the lock, `file` what it wrote. */
  readonly refuse?: (holder: string, file: string) => Error;
  /** Called once, when another living process holds it. */
  readonly waiting?: (holder: string) => void;
}

/** Runs `work` while holding the lock in `folder`, which is made. Errors: those of `refuse`, and of `work`. */
export async function withLock<T>(folder: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = await take(folder, options);
  try {
    return await work();
  } finally {
    replace(folder, file, FREE);
  }
}

async function take(folder: string, options: LockOptions): Promise<string> {
  const deadline = Date.now() + (options.patience ?? Number.POSITIVE_INFINITY);
  let waiting = options.waiting;
  for (;;) {
    const highest = numbers(folder).at(-1) ?? 0;
    const held = join(folder, String(highest));
    if (highest === 0 || isFree(held)) {
      const file = tryTake(folder, highest + 1);
      if (file !== undefined) return file;
    } else {
      waiting?.(describe(held));
      waiting = undefined;
    }
    if (Date.now() > deadline) throw options.refuse?.(describe(held), held) ?? new Error(`${folder} is locked`);
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

function describe(file: string): string {
  try {
    const owner = JSON.parse(readFileSync(file, "utf8")) as Owner;
    return `process ${owner.pid} on ${owner.host}`;
  } catch {
    return file;
  }
}
