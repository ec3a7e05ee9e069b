/**
 * The operation's directory: `<home>/operations/<operation id>/`, mode 0700. The journal stays; everything else is a
 * signal between evo, the operation host and the language host, and goes when the operation is settled.
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  type FSWatcher,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  watch,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** `held` and `evaluated` come from the language host; the others are answers to it and orders to the host. */
export type SignalName = "held" | "accept" | "refuse" | "evaluated" | "commit" | "cancel";

export const JOURNAL = "journal.ndjson";
export const EVENTS = "events";
export const SECRETS = "secrets";

/** Where an operation keeps its files; ids are made of names that are safe in paths, but a colon or slash isn't. */
export function operationDirectory(home: string, operation: string): string {
  return join(home, "operations", encodeURIComponent(operation));
}

function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes the directory, durably. Throws EEXIST when the operation was begun before: it is never begun twice. */
export function makeOperationDirectory(home: string, operation: string): string {
  const parent = join(home, "operations");
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  const directory = operationDirectory(home, operation);
  mkdirSync(directory, { mode: 0o700 });
  syncDirectory(parent);
  return directory;
}

/** Node has no mkfifo of its own. */
export function makeFifo(path: string): void {
  execFileSync("mkfifo", ["-m", "600", path], { stdio: "ignore" });
}

/** Writes a signal so that whoever sees the file sees all of its text. A signal that stands is never overwritten. */
export function signal(directory: string, name: SignalName, text = ""): boolean {
  const scratch = join(directory, `.${name}.${process.pid}`);
  writeFileSync(scratch, text, { mode: 0o600 });
  try {
    linkSync(scratch, join(directory, name));
    return true;
  } catch {
    return false;
  } finally {
    unlinkSync(scratch);
  }
}

export function signalled(directory: string, name: SignalName): boolean {
  return existsSync(join(directory, name));
}

/** The text of a signal, undefined while it has not been given. */
export function signalText(directory: string, name: SignalName): string | undefined {
  try {
    return readFileSync(join(directory, name), "utf8");
  } catch {
    return undefined;
  }
}

/** Takes away everything but the journal, once the operation is settled (invariant 11). */
export function clearScratch(directory: string): void {
  for (const entry of readdirSync(directory)) {
    if (entry !== JOURNAL) rmSync(join(directory, entry), { recursive: true, force: true });
  }
}

/**
 * Calls back when something in the directory may have changed: at once where the system tells, else twice a second
 * (network file systems tell nothing). Returns the way to stop.
 */
export function watchDirectory(directory: string, changed: () => void): () => void {
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(directory, { persistent: false }, () => changed());
    watcher.on("error", () => undefined);
  } catch {
    watcher = undefined;
  }
  const timer = setInterval(changed, 500);
  return () => {
    watcher?.close();
    clearInterval(timer);
  };
}
