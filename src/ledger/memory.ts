/**
 * What this client remembers of ledgers, outside of them (invariant 7): for each place which ledger was there, for each
 * ledger the newest head that it saw, its checkpoints and its keys. All below `ledger/known` in EVO_HOME, for its user only.
 */
import { createHash, randomUUID } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** How far a ledger has come. */
export interface Head {
  readonly ledger: string;
  readonly number: number;
  readonly hash: string;
}

export interface Memory {
  /** The ledger that was last seen at this place. */
  ledgerHere(): string | undefined;
  /** The newest head that was seen of a ledger. */
  head(ledger: string): Head | undefined;
  /** Keeps a head, unless a newer one is known; `always`: even then, a person has signed for it. */
  see(head: Head, always?: boolean): void;
  /** A file of this ledger; undefined where there is none. */
  read(ledger: string, name: string): string | undefined;
  /** Writes a file of this ledger whole, or not at all; readable by its user only. */
  write(ledger: string, name: string, text: string): void;
  append(ledger: string, name: string, text: string): void;
}

/** The memory in an EVO_HOME, as it looks from one place: `host:port/database`. */
export function openMemory(home: string, place: string): Memory {
  const above = join(home, "ledger");
  // The server's user may have to pass the folder above (embedded/place.ts), but none below it.
  const makeFolder = (file: string) => {
    mkdirSync(above, { recursive: true, mode: process.getuid?.() === 0 ? 0o755 : 0o700 });
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  };
  const write = (file: string, text: string) => {
    makeFolder(file);
    const draft = `${file}.${randomUUID()}`;
    writeFileSync(draft, text, { mode: 0o600 });
    renameSync(draft, file);
  };
  const root = join(above, "known");
  const places = join(root, "places.json");
  const fileOf = (ledger: string, name: string) => join(root, folderOf(ledger), name);
  const headOf = (ledger: string) => fromJson<Head>(read(fileOf(ledger, "head.json")));
  const placesNow = () => fromJson<{ [place: string]: string }>(read(places)) ?? {};
  return {
    ledgerHere: () => placesNow()[place],
    head: headOf,
    see(head, always = false) {
      if (placesNow()[place] !== head.ledger) write(places, json({ ...placesNow(), [place]: head.ledger }));
      if (always || head.number > (headOf(head.ledger)?.number ?? -1))
        write(fileOf(head.ledger, "head.json"), json(head));
    },
    read: (ledger, name) => read(fileOf(ledger, name)),
    write: (ledger, name, text) => write(fileOf(ledger, name), text),
    append(ledger, name, text) {
      const file = fileOf(ledger, name);
      makeFolder(file);
      appendFileSync(file, text, { mode: 0o600 });
    },
  };
}

/** An id is the database's word: one that is no id of evo's making becomes no path either. */
function folderOf(ledger: string): string {
  if (/^[0-9a-f-]{1,64}$/.test(ledger)) return ledger;
  return createHash("sha256").update(ledger).digest("hex").slice(0, 32);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** A file that was cut short is none: it is written anew. */
function fromJson<T>(text: string | undefined): T | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
