/** The server process: found, started under a watch, stopped, and what a dead one left behind. */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startOf } from "../../process-owner.js";
import { serverEnvironment } from "./cluster.js";
import type { Place } from "./place.js";
import type { Programs } from "./programs.js";

/** The port is part of the socket's name and nothing else: the server has no network socket. */
export const PORT = 5432;

const SETTINGS: { readonly [name: string]: string } = {
  listen_addresses: "",
  port: String(PORT),
  unix_socket_permissions: "0700",
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  logging_collector: "off",
  log_checkpoints: "off",
  // Statements stay out of the log (invariant 11).
  log_min_error_statement: "panic",
  log_statement: "none",
};

/**
 * The watch: every evo holds the writing end of a FIFO; its reader stops the server when the last one has let go, killed
 * ones too, because the kernel closes what they held. It signals its process group, never a pid that may be another's
 * by now. It is no child of the server, which would take its death for a crash of its own.
 */
const WATCH = `exec 3<&0 </dev/null
( { cat >/dev/null; kill -INT 0; } <&3 3<&- & )
exec 3<&-
exec "$@"`;

/** The writing end of the watch, as a file descriptor; nothing when nobody watches. Close it to let go. */
export function joinWatch(place: Place): number | undefined {
  try {
    return openSync(watchFile(place), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined; // ENXIO: no reader; ENOENT: never started.
  }
}

function watchFile(place: Place): string {
  return join(place.own, "watch");
}

/** A new FIFO with both ends open: the reader exists before the server does, so that no death in between is missed. */
function makeWatch(place: Place): { readonly reader: number; readonly writer: number } {
  const file = watchFile(place);
  rmSync(file, { force: true });
  const made = spawnSync("mkfifo", ["-m", "600", file], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`mkfifo ${file}: ${made.error?.message ?? made.stderr}`);
  const opener = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK);
  // `cat` wants a reader that blocks; the first one only let the writer in.
  const reader = openSync(file, constants.O_RDONLY);
  closeSync(opener);
  return { reader, writer };
}

/** A server that was just started. */
export interface Started {
  readonly watch: number;
  /** True once the process has ended. */
  readonly ended: () => boolean;
}

/** Starts the server in a session of its own, so that neither Ctrl-C nor our death reaches it. */
export function startServer(place: Place, programs: Programs): Started {
  clearLeftovers(place);
  const { reader, writer } = makeWatch(place);
  const log = openLog(place);
  const options = Object.entries({ ...SETTINGS, unix_socket_directories: place.socket });
  const args = ["-D", place.data, ...options.flatMap(([name, value]) => ["-c", `${name}=${value}`])];
  const command = ["-c", WATCH, "evo-ledger", join(programs.root, "bin/postgres"), ...args];
  const child = spawn("/bin/sh", command, {
    cwd: place.base,
    env: serverEnvironment(),
    detached: true,
    stdio: [reader, log, log],
    ...place.as,
  });
  closeSync(reader);
  closeSync(log);
  let ended = false;
  for (const event of ["exit", "error"]) child.on(event, () => (ended = true));
  child.unref();
  return { watch: writer, ended: () => ended };
}

/** A log for this start; the one of the start before is kept. */
function openLog(place: Place): number {
  try {
    renameSync(place.log, `${place.log}.before`);
  } catch {
    // The first start.
  }
  return openSync(place.log, "w", 0o600);
}

/** The last lines that the server has written, on one line. */
export function logTail(place: Place): string {
  try {
    return readFileSync(place.log, "utf8").trim().split("\n").slice(-4).join(" | ");
  } catch {
    return "nothing";
  }
}

/** The pid of the live server of this data folder; a pid file alone proves nothing. */
export function serverPid(place: Place): number | undefined {
  const pid = recordedPid(place);
  if (pid === undefined || startOf(pid) === undefined) return undefined;
  return isServer(pid, place) ? pid : undefined;
}

function recordedPid(place: Place): number | undefined {
  try {
    const pid = Number(readFileSync(join(place.data, "postmaster.pid"), "utf8").split("\n")[0]);
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Postgres works in its data folder; where that can't be seen, its command line names the folder. */
function isServer(pid: number, place: Place): boolean {
  if (process.platform === "linux") {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(place.data);
    } catch {
      return false;
    }
  }
  const found = spawnSync("ps", ["-ww", "-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return (found.stdout ?? "").includes(place.data);
}

/** Removes a dead server's pid file and socket: another process may have its pid by now, and Postgres would believe it. */
function clearLeftovers(place: Place): void {
  for (const file of [
    join(place.data, "postmaster.pid"),
    join(place.socket, `.s.PGSQL.${PORT}`),
    join(place.socket, `.s.PGSQL.${PORT}.lock`),
  ]) {
    rmSync(file, { force: true });
  }
}

/** Stops the server in order (a "fast" shutdown: clients are sent away, nothing is lost) and waits for its end. */
export async function stopServer(place: Place): Promise<void> {
  const pid = serverPid(place);
  if (pid === undefined) return;
  const started = startOf(pid);
  process.kill(pid, "SIGINT");
  const deadline = Date.now() + 30_000;
  while (startOf(pid) === started && Date.now() < deadline) await sleep(10);
}
