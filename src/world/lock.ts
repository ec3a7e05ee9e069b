/** A lock between processes, held for moments: a file that only one can create. */
import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { EvoError, EXIT } from "../errors.js";

/** Nobody holds it this long: what is older was left behind by a crash, whoever has its process id now. */
const STALE = 60_000;
const PATIENCE = 45_000;

/** Runs while no other process does. Errors: `world.locked` (exit 6) after 45 s. */
export async function locked<T>(file: string, run: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE;
  while (!taken(file)) {
    if (abandoned(file)) rmSync(file, { force: true });
    else if (Date.now() > deadline) throw stillLocked(file);
    else await sleep(25);
  }
  try {
    return await run();
  } finally {
    rmSync(file, { force: true });
  }
}

function taken(file: string): boolean {
  try {
    const handle = openSync(file, "wx", 0o600);
    writeSync(handle, String(process.pid));
    closeSync(handle);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function abandoned(file: string): boolean {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    return Date.now() - statSync(file).mtimeMs > STALE || (pid > 0 && !lives(pid));
  } catch {
    return false;
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function stillLocked(file: string): EvoError {
  return new EvoError("world.locked", `Another command has been starting this world for ${PATIENCE / 1000} s.`, {
    exit: EXIT.locked,
    remedy: `If none does, delete ${file}.`,
  });
}
