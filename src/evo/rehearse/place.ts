/**
 * A place in which cells of a fault matrix are rehearsed, one after the other: a whole EVO_HOME of its own, with world,
 * backend and ledger. What it holds can be saved and put back as it was, under the same paths, ports and identities, so
 * that a cell goes on from the state just before its fault and never knows that others went on from there, too.
 */
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { EvoError } from "../../errors.js";

const run = promisify(execFile);

export interface Place {
  /** EVO_HOME of what is rehearsed here. */
  readonly home: string;
  /** Keeps what is there under a name. Nothing may be open there. */
  save(name: string): Promise<void>;
  /** Puts back what was kept. Nothing may be open there. */
  restore(name: string): Promise<void>;
}

export interface Places {
  readonly all: readonly Place[];
  remove(): void;
}

/** Makes so many places. They are below the system's folder for temporary files until `remove`. */
export function makePlaces(count: number): Places {
  const base = mkdtempSync(join(tmpdir(), "evo-rehearse-"));
  // Root's Postgres runs as somebody else, who has to get through here; nothing in it can be listed.
  chmodSync(base, 0o711);
  const programs = join(base, "programs");
  mkdirSync(programs);
  const all = Array.from({ length: count }, (_, at) => placeIn(join(base, String(at + 1)), programs));
  return { all, remove: () => rmSync(base, { recursive: true, force: true }) };
}

function placeIn(base: string, programs: string): Place {
  const home = join(base, "home");
  mkdirSync(join(home, "ledger"), { recursive: true, mode: 0o711 });
  // The same for all: not copied with each state.
  symlinkSync(programs, join(home, "ledger", "programs"));
  const data = join(home, "ledger", "server", "data");
  return {
    home,
    save: async (name) => {
      if (!existsSync(data)) throw elsewhere();
      await copy(home, join(base, name));
    },
    restore: async (name) => {
      rmSync(home, { recursive: true, force: true });
      await copy(join(base, name), home);
    },
  };
}

/** Owners, modes and links as they are: the ledger's files may belong to another user. */
async function copy(from: string, to: string): Promise<void> {
  await run("cp", ["-pR", from, to]);
}

function elsewhere(): EvoError {
  return new EvoError(
    "rehearsal.place",
    `the ledger of a rehearsal can't live below ${tmpdir()}: its user can't get there`,
    {
      remedy: "set TMPDIR to a folder that every user may pass through",
    },
  );
}
