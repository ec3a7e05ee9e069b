/**
 * Prepares the engine (with the build in dist), and installs what tests need beyond this repository's own packages: each
 * fixture project with a lock file of its own gets its packages into `node_modules/.cache/evo/<name>-<hash of the lock
 * file>`. Does nothing where that is there already.
 *
 *   node test/support/setup.mjs
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const projects = join(root, "test", "fixtures", "projects");
const cache = join(root, "node_modules", ".cache", "evo");

/** Where the packages of a project with a lock file lie, or will lie; undefined for a project without one. */
export function installedModules(name) {
  const lock = join(projects, name, "package-lock.json");
  if (!existsSync(lock)) return undefined;
  const hash = createHash("sha256").update(readFileSync(lock)).digest("hex").slice(0, 12);
  return join(cache, `${name}-${hash}`, "node_modules");
}

function install(name) {
  const target = installedModules(name);
  if (target === undefined) return;
  if (existsSync(target)) return console.log(`setup: ${name}: its packages are there`);
  console.log(`setup: ${name}: installing its packages (npm ci)`);
  const draft = join(cache, `.draft-${name}-${process.pid}`);
  mkdirSync(draft, { recursive: true });
  try {
    for (const file of ["package.json", "package-lock.json"])
      copyFileSync(join(projects, name, file), join(draft, file));
    const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const { status } = spawnSync("npm", args, { cwd: draft, stdio: ["ignore", "inherit", "inherit"] });
    if (status !== 0) throw new Error(`setup: ${name}: npm ci failed`);
    if (!existsSync(target)) renameSync(draft, join(target, ".."));
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** The engine, as a user gets it: made here, where it can be said, and not in the middle of a test. */
async function prepareEngine() {
  const { findEngine } = await import("../../dist/executor/engine/index.js");
  const { EVO_PULUMI: explicit, EVO_HOME, PATH = "" } = process.env;
  const home = EVO_HOME ?? join(homedir(), ".evo");
  await findEngine({
    explicit,
    home,
    path: PATH,
    env: process.env,
    install: true,
    say: (line) => console.log(`setup: ${line}`),
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of readdirSync(projects).sort()) install(name);
  await prepareEngine();
}
