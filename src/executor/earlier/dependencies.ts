/**
 * What the packages of a laid-out Node program are: those of today's checkout where nothing that decides them has changed,
 * else its own, to be installed by the package manager whose lockfile it has.
 */
import { type Dirent, existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { EvoError } from "../../errors.js";
import { LOCKFILES } from "../stack/sources.js";

/** A program in a tree, and the checkout that the tree's commit is from. */
export interface Laid {
  /** Absolute: the repository's folder, and the one where the commit is laid out. */
  readonly top: string;
  readonly tree: string;
  /** Absolute, below `tree`. */
  readonly program: string;
}

export interface Install {
  readonly command: string;
  readonly args: readonly string[];
  /** Relative to the tree: where the lockfile lies. */
  readonly folder: string;
}

/** linked: these folders (relative to the tree) take the checkout's `node_modules`; none where nothing is needed. */
export type Packages =
  | { readonly how: "linked"; readonly folders: readonly string[] }
  | { readonly how: "installed"; readonly install: Install };

/** Files that decide what is installed in a folder. */
const DECIDING = ["package.json", ...LOCKFILES, "pnpm-workspace.yaml"];

/** Errors: `earlier.unlocked` where nobody can say what was installed. */
export function packagesOf(laid: Laid): Packages {
  const { top, tree } = laid;
  const folders = upwards(laid);
  const locked = folders.find((folder) => lockfileIn(join(tree, folder)) !== undefined);
  const present = folders.filter((folder) => existsSync(join(top, folder, "node_modules")));
  const deciding = [...new Set([...present, ...(locked === undefined ? [] : [locked])])];
  const same = deciding.every((folder) => isSame(join(top, folder), join(tree, folder)));
  if (present.length > 0 && same && !present.some((folder) => holdsSources(top, join(top, folder, "node_modules"))))
    return { how: "linked", folders: present };
  if (locked !== undefined) return { how: "installed", install: installIn(tree, locked) };
  if (!folders.some((folder) => needsPackages(join(tree, folder)))) return { how: "linked", folders: [] };
  throw new EvoError(
    "earlier.unlocked",
    `${relative(tree, laid.program) || "the program"} had no lockfile at that commit`,
    {
      remedy: "nobody can say which packages it ran with; name an operation of a later commit in asOf",
    },
  );
}

/** The program's folder and those above it, relative to the tree, the nearest first. */
function upwards({ tree, program }: Laid): readonly string[] {
  const folders: string[] = [];
  for (let at = program; at === tree || at.startsWith(tree + sep); at = dirname(at)) folders.push(relative(tree, at));
  return folders;
}

function lockfileIn(folder: string): string | undefined {
  return LOCKFILES.find((name) => existsSync(join(folder, name)));
}

function isSame(one: string, other: string): boolean {
  const read = (folder: string, name: string) =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), "base64") : "";
  return DECIDING.every((name) => read(one, name) === read(other, name));
}

function needsPackages(folder: string): boolean {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return false;
  const { dependencies, devDependencies } = JSON.parse(readFileSync(file, "utf8")) as { [key: string]: object };
  return Object.keys({ ...dependencies, ...devDependencies }).length > 0;
}

/** Packages that are folders of the repository (workspaces, `file:`): a link would lead to what they are today. */
function holdsSources(top: string, modules: string): boolean {
  const entries = readdirSync(modules, { withFileTypes: true });
  const scoped = entries.filter(({ name }) => name.startsWith("@")).map(({ name }) => join(modules, name));
  const links = [
    ...linksIn(modules, entries),
    ...scoped.flatMap((scope) => linksIn(scope, readdirSync(scope, { withFileTypes: true }))),
  ];
  const real = realpathSync(top) + sep;
  return links.some(
    (target) => target.startsWith(real) && !target.slice(real.length).split(sep).includes("node_modules"),
  );
}

function linksIn(folder: string, entries: readonly Dirent[]): readonly string[] {
  const links = entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => join(folder, name));
  return links.filter((path) => existsSync(path)).map((path) => realpathSync(path));
}

const INSTALLS: { readonly [lockfile: string]: readonly [string, ...string[]] } = {
  "package-lock.json": ["npm", "ci"],
  "npm-shrinkwrap.json": ["npm", "ci"],
  "pnpm-lock.yaml": ["pnpm", "install", "--frozen-lockfile"],
  "bun.lock": ["bun", "install", "--frozen-lockfile"],
  "bun.lockb": ["bun", "install", "--frozen-lockfile"],
};

function installIn(tree: string, folder: string): Install {
  const lockfile = lockfileIn(join(tree, folder)) ?? "";
  const [command, ...args] = INSTALLS[lockfile] ?? ["yarn", "install", yarnFlag(join(tree, folder, lockfile))];
  return { command, args, folder };
}

/** Yarn 2 and later call it another name, and write another head into the lockfile. */
function yarnFlag(lockfile: string): string {
  return /^__metadata:/m.test(readFileSync(lockfile, "utf8")) ? "--immutable" : "--frozen-lockfile";
}
