/** Locks of a file backend: whose may be taken away. Real files, real processes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { FileStack } from "../../src/executor/stack/backend.js";
import { describeLock, locksOf, removeLocksOf } from "../../src/executor/stack/locks.js";

const BEFORE = Date.parse("2026-01-01T00:00:00Z");
const SINCE = "2026-01-01T00:00:01.5Z";

interface Holder {
  readonly pid: number;
  readonly hostname?: string;
}

/** A stack with the lock of this holder. */
function locked({ pid, hostname: host = hostname() }: Holder): { readonly stack: FileStack; readonly file: string } {
  const directory = mkdtempSync(join(tmpdir(), "evo-locks-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const locks = join(directory, "locks");
  const file = join(locks, "one.json");
  mkdirSync(locks);
  writeFileSync(file, JSON.stringify({ pid, username: "somebody", hostname: host, timestamp: SINCE }));
  const stack = { kind: "file", url: "", name: "", directory, checkpoint: "", history: "", locks } as const;
  return { stack, file };
}

/** The number of a process that is gone. */
async function deadPid(): Promise<number> {
  const child = spawn("true");
  await once(child, "exit");
  return child.pid ?? 0;
}

describe("a lock", () => {
  it("of a dead engine of ours is taken away", async () => {
    const pid = await deadPid();
    const { stack, file } = locked({ pid });
    expect(removeLocksOf([{ pid, spawned: BEFORE }], stack)).toMatchObject([{ pid, user: "somebody" }]);
    expect(existsSync(file)).toBe(false);
    expect(removeLocksOf([{ pid, spawned: BEFORE }], stack)).toEqual([]);
  });

  it("whose number a living process has stays, though our engine with that number is dead", () => {
    const { stack, file } = locked({ pid: process.pid });
    expect(removeLocksOf([{ pid: process.pid, spawned: BEFORE }], stack)).toEqual([]);
    expect(existsSync(file)).toBe(true);
  });

  it("of another machine stays", async () => {
    const pid = await deadPid();
    const { stack, file } = locked({ pid, hostname: "elsewhere" });
    expect(removeLocksOf([{ pid, spawned: BEFORE }], stack)).toEqual([]);
    expect(existsSync(file)).toBe(true);
  });

  it("that is older than our engine stays: its number was another's then", async () => {
    const pid = await deadPid();
    const { stack, file } = locked({ pid });
    expect(removeLocksOf([{ pid, spawned: Date.parse(SINCE) + 1 }], stack)).toEqual([]);
    expect(existsSync(file)).toBe(true);
  });

  it("of a dead process that was no engine of ours stays, and says that nobody has its number", async () => {
    const pid = await deadPid();
    const { stack } = locked({ pid });
    expect(removeLocksOf([{ pid: pid + 1, spawned: BEFORE }], stack)).toEqual([]);
    const [lock] = locksOf(stack);
    expect(describeLock(lock!)).toBe(
      `the stack is locked by somebody on ${hostname()} (pid ${pid}) since ${SINCE}; no process has that number here any more: pulumi cancel takes it away`,
    );
  });

  it("of somebody who lives is only told", () => {
    const [lock] = locksOf(locked({ pid: process.pid }).stack);
    expect(describeLock(lock!)).not.toContain("any more");
  });
});
