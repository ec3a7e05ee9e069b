/**
 * One process at a time prepares an engine. The lock is a file that names its holder by host, pid and start time, so that
 * a holder that has died is known to be dead, and a pid that was given out again isn't taken for it.
 */
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

interface Holder {
  readonly host: string;
  readonly pid: number;
  readonly start: string;
}

/** Milliseconds between looks at a lock that another holds. */
const POLL = 300;

/** Runs `work` under the lock; while another live process holds it, waits, saying so once. */
export async function withLock<T>(file: string, say: (line: string) => void, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  let said = false;
  while (!tryLock(file)) {
    const holder = read(file);
    if (holder !== undefined && isDead(holder)) rmSync(file, { force: true });
    else {
      if (!said) say(`engine: process ${holder?.pid ?? "?"} is preparing it; waiting`);
      said = true;
      await sleep(POLL);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** Links a finished file to the lock's name: it appears at once and whole, or not at all. */
function tryLock(file: string): boolean {
  const draft = `${file}.${process.pid}`;
  const holder: Holder = { host: hostname(), pid: process.pid, start: startOf(process.pid) ?? "" };
  writeFileSync(draft, JSON.stringify(holder));
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

function read(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // released between two looks
  }
}

/** Only a holder on this machine can be proven dead. */
function isDead(holder: Holder): boolean {
  return holder.host === hostname() && startOf(holder.pid) !== holder.start;
}

/** When a process started, in the system's own words; undefined if there is none. */
export function startOf(pid: number): string | undefined {
  try {
    if (process.platform === "linux") return linuxStart(pid);
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}

/** Boot id and field 22 of /proc/pid/stat; the second field may hold blanks and brackets, so count after the last one. */
function linuxStart(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z") return undefined; // dead, and not yet collected
  return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${fields[19]}`;
}
