/**
 * Locks of a file backend: who holds a stack, and taking away those of evo's own engines whose death is proven. A lock is
 * a file without expiry or heartbeat; `pulumi cancel` deletes all of a stack's, live ones too. Source: pulumi/pulumi
 * pkg/backend/diy/lock.go.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { startOf } from "../../process-owner.js";
import { type FileStack, readBackendFile } from "./backend.js";

export interface StackLock {
  readonly file: string;
  readonly user: string;
  readonly host: string;
  /** Of the CLI. */
  readonly pid: number;
  /** When it was taken, as the backend notes it. */
  readonly since: string;
}

/** An engine process of an operation of ours, known to be dead. */
export interface DeadEngine {
  readonly pid: number;
  /** When it was about to be started, milliseconds since the epoch. */
  readonly spawned: number;
}

/** All locks of a stack. One that is given back meanwhile is none. */
export function locksOf({ locks }: FileStack): readonly StackLock[] {
  if (!existsSync(locks)) return [];
  return readdirSync(locks)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      const file = join(locks, name);
      const raw = parsed(file);
      if (raw === undefined) return [];
      const { username, hostname: host, pid, timestamp } = raw;
      return [{ file, user: String(username), host: String(host), pid: Number(pid), since: String(timestamp) }];
    });
}

function parsed(file: string): { readonly [key: string]: unknown } | undefined {
  try {
    return JSON.parse(readBackendFile(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Who holds it, for a person. */
export function describeHolder({ user, host, pid, since }: StackLock): string {
  return `locked by ${user} on ${host} (pid ${pid}) since ${since}`;
}

/** For a person; says so where the holder can't be alive on this machine. */
export function describeLock(lock: StackLock): string {
  const gone = isHolderGone(lock) ? "; no process has that number here any more: pulumi cancel takes it away" : "";
  return `the stack is ${describeHolder(lock)}${gone}`;
}

/**
 * Takes away the locks that these engines took, and answers which. A lock is an engine's if it was taken on this machine,
 * by its pid and not before it was started; as long as any process has that pid the lock stays. So a live or a foreign
 * lock is never taken.
 */
export function removeLocksOf(engines: readonly DeadEngine[], stack: FileStack): readonly StackLock[] {
  const stale = locksOf(stack).filter((lock) => isHolderGone(lock) && engines.some((engine) => took(engine, lock)));
  for (const { file } of stale) rmSync(file, { force: true });
  return stale;
}

function isHolderGone({ host, pid }: StackLock): boolean {
  return host === hostname() && startOf(pid) === undefined;
}

function took({ pid, spawned }: DeadEngine, lock: StackLock): boolean {
  return lock.pid === pid && Date.parse(lock.since) >= spawned;
}
