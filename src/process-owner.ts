/** Which process is meant by a pid, so that a later one with the same number is not taken for it. */
import { spawnSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** A process, proven by when it started on which boot of which machine. */
export interface Owner {
  readonly pid: number;
  readonly started: string;
  readonly boot: string;
  readonly host: string;
  /** Where its pid is its pid: containers of one name may share a machine, but not their process numbers. */
  readonly namespace: string;
}

/**
 * When a process started, in the system's own units; nothing when there is none or it is a zombie. Linux: field 22 of
 * /proc/<pid>/stat (proc(5)); elsewhere: `ps`.
 */
export function startOf(pid: number): string | undefined {
  return process.platform === "linux" ? startFromProc(pid) : startFromPs(pid);
}

function startFromProc(pid: number): string | undefined {
  const fields = statFields(pid);
  return fields === undefined || fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

/** The fields of /proc/<pid>/stat after the name, which may itself hold spaces and brackets: state first. Linux only. */
export function statFields(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function startFromPs(pid: number): string | undefined {
  const found = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" });
  const [state = "", ...start] = (found.stdout ?? "").trim().split(/\s+/);
  return start.length === 0 || state.startsWith("Z") ? undefined : start.join(" ");
}

/** Linux names each boot; elsewhere the start time, a full date, is enough. */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

/** Linux names each space of process numbers; elsewhere there is one. */
function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

/** This process. */
export function myself(): Owner {
  const { pid } = process;
  return { pid, started: startOf(pid) ?? "", boot: bootId(), host: hostname(), namespace: pidNamespace() };
}

/** Whether it is, or was, a process of this machine that could be seen from here. */
export function isHere(owner: Owner): boolean {
  return owner.host === hostname() && (owner.namespace === pidNamespace() || owner.boot !== bootId());
}

/** True only with proof: a process of another machine is never proven dead from here. */
export function isDead(owner: Owner): boolean {
  if (!isHere(owner)) return false;
  return owner.boot !== bootId() || startOf(owner.pid) !== owner.started;
}
