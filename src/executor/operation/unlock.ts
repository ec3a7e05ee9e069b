/** Before an engine is started: locks that dead engines of evo have left on the stack are taken away. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { type DeadEngine, describeLock, locksOf, removeLocksOf } from "../stack/locks.js";
import { readJournal } from "./journal.js";
import type { HostOrder } from "./order.js";
import { isAlive } from "./process-identity.js";

/**
 * Answers what was done, one sentence a lock. An operation begins only when the outcome of the one before is known, by
 * proof or by a person's word: what its dead engine holds nobody needs any more.
 */
export function unlock({ stack, directory }: HostOrder): readonly string[] {
  if (stack.kind !== "file") return [];
  const pids = new Set(locksOf(stack).map(({ pid }) => pid));
  if (pids.size === 0) return [];
  const removed = removeLocksOf(deadEngines(dirname(directory), pids), stack);
  return removed.map((lock) => `${describeLock(lock)}: it was an engine of evo, so its lock was taken away`);
}

/** Engines with one of these pids that operations of this home have started and that are dead. */
function deadEngines(operations: string, pids: ReadonlySet<number>): readonly DeadEngine[] {
  if (!existsSync(operations)) return [];
  return readdirSync(operations).flatMap((name) => {
    let announced = 0;
    return readJournal(join(operations, name)).flatMap((line) => {
      if (line.line === "spawning") announced = line.at;
      if (line.line !== "spawned" || !pids.has(line.engine.pid) || isAlive(line.engine)) return [];
      return [{ pid: line.engine.pid, spawned: announced }];
    });
  });
}
