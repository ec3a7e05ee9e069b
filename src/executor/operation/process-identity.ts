/** Who a process is, across pid reuse and reboots: pid, start time and boot id together. */
import { readdirSync, readFileSync } from "node:fs";
import { bootId, startOf, statFields } from "../../process-owner.js";

/** A pid alone proves nothing once the machine has rebooted or the number was given again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own unit: clock ticks since boot (Linux), `ps` text elsewhere. Only compared. */
  readonly start: string;
  readonly boot: string;
}

function quietly(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Who has this pid now; undefined when nobody has. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const start = startOf(pid);
  return start === undefined ? undefined : { pid, start, boot: bootId() };
}

/** Whether this very process, not a later one with the same number, still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return startOf(identity.pid) === identity.start && bootId() === identity.boot;
}

/** Whether a signal has stopped it (proc(5): state T). Linux only; elsewhere nothing counts as stopped. */
export function isStopped(identity: ProcessIdentity): boolean {
  return isAlive(identity) && statFields(identity.pid)?.[0] === "T";
}

/**
 * The process that carries `name=value` in its environment and was started from the given executable: finds an engine
 * whose pid nobody had the time to write down. Linux only; elsewhere, and for other users' processes, undefined.
 */
export function findByEnvironment(name: string, value: string, executable: string): ProcessIdentity | undefined {
  const pids = (quietly(() => readdirSync("/proc").join(" ")) ?? "").split(" ").filter((entry) => /^\d+$/.test(entry));
  const pid = pids.find((candidate) => {
    const command = quietly(() => readFileSync(`/proc/${candidate}/cmdline`, "utf8"));
    if (command?.split("\0")[0] !== executable) return false;
    return quietly(() => readFileSync(`/proc/${candidate}/environ`, "utf8"))
      ?.split("\0")
      .includes(`${name}=${value}`);
  });
  return pid === undefined ? undefined : identifyProcess(Number(pid));
}

/** Everything in the engine's session but the engine itself: providers and language hosts. Linux only. */
export function sessionMembers(session: number): readonly ProcessIdentity[] {
  const pids = (quietly(() => readdirSync("/proc").join(" ")) ?? "").split(" ").filter((entry) => /^\d+$/.test(entry));
  return pids
    .map(Number)
    .filter((pid) => pid !== session && Number(statFields(pid)?.[3]) === session)
    .map(identifyProcess)
    .filter((identity) => identity !== undefined);
}
