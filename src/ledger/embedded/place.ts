/**
 * Where the embedded server lives. A user's server runs as the user, below EVO_HOME. Postgres refuses to run as root, so
 * root's server runs as an unprivileged uid, in EVO_HOME when that uid can get there, else below /var/lib/evo.
 */
import { createHash } from "node:crypto";
import { chmodSync, chownSync, lstatSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { EvoError, EXIT } from "../../errors.js";

/** The user that needs nothing and owns nothing, on Linux distributions: nobody. */
const NOBODY = 65534;
const SYSTEM_BASE = "/var/lib/evo";
/** sockaddr_un takes 104 bytes on macOS and 108 on Linux, with the closing NUL and `/.s.PGSQL.5432`. */
const LONGEST_SOCKET_DIR = 103 - "/.s.PGSQL.5432".length;

export interface Place {
  /** Evo's own files about the server: lock, passwords, watch; the user's alone. */
  readonly own: string;
  /** The server's files: data, log; the server's alone. */
  readonly base: string;
  readonly data: string;
  readonly log: string;
  /** Folder of the Unix socket. */
  readonly socket: string;
  /** Where the server's programs are copied to, one folder a version. */
  readonly programs: string;
  /** As whom to run the server; absent: as this process's user. */
  readonly as?: { readonly uid: number; readonly gid: number };
  /** One line for the user when the place is not the one they would look at. */
  readonly note?: string;
}

/** Decides where the server for this EVO_HOME is and makes the folders. Safe to repeat. */
export function findPlace(home: string): Place {
  const own = join(home, "ledger");
  const root = process.getuid?.() === 0;
  mkdirSync(own, { recursive: true, mode: root ? 0o755 : 0o700 });
  const real = realpathSync(own);
  if (!root) return layOut(real, join(real, "server"), join(real, "programs"));
  const as = { uid: NOBODY, gid: NOBODY };
  if (reachable(real)) return layOut(real, join(real, "server"), join(real, "programs"), as);
  makePublic(SYSTEM_BASE);
  const base = join(SYSTEM_BASE, short(real));
  const note = `Postgres doesn't run as root and uid ${NOBODY} can't reach ${home}: the ledger's data are in ${base}`;
  return { ...layOut(real, base, join(SYSTEM_BASE, "programs"), as), note };
}

function layOut(own: string, base: string, programs: string, as?: Place["as"]): Place {
  const socket = socketDir(base);
  for (const folder of new Set([base, socket])) makePrivate(folder, as);
  makePublic(programs);
  return { own, base, data: join(base, "data"), log: join(base, "server.log"), socket, programs, ...(as && { as }) };
}

/** A folder that everybody may pass, whatever the umask says. */
function makePublic(folder: string): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
}

/** A folder of the server's alone. Errors: somebody else has made it before. */
function makePrivate(folder: string, as: Place["as"]): void {
  const uid = as?.uid ?? process.getuid?.() ?? 0;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || (found.uid !== uid && found.uid !== process.getuid?.())) {
    throw new EvoError("ledger.unavailable", `${folder} belongs to somebody else (uid ${found.uid}).`, {
      exit: EXIT.ledgerUnavailable,
      remedy: "Have it removed, or choose another EVO_HOME.",
    });
  }
  if (as !== undefined) chownSync(folder, as.uid, as.gid);
  chmodSync(folder, 0o700);
}

/** Beside the data, unless that path is too long for a socket's address. */
function socketDir(base: string): string {
  const near = join(base, "run");
  if (Buffer.byteLength(near) <= LONGEST_SOCKET_DIR) return near;
  return `/tmp/evo-${process.getuid?.() ?? 0}-${short(base)}`;
}

function short(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 16);
}

/** Whether others may pass every folder down to this one. Access lists are not looked at: then the answer is no. */
function reachable(folder: string): boolean {
  if ((statSync(folder).mode & 0o001) === 0) return false;
  const parent = dirname(folder);
  return parent === folder || reachable(parent);
}
