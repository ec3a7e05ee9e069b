/**
 * The files whose code a sequence executes, by digest (invariant 6): the module, what it imports from the same
 * checkout, and the lockfile that decides what its packages are.
 */
import { readFileSync, statSync } from "node:fs";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import { sha256 } from "../canonical.js";

/** A file and the sha256 of its bytes. */
export interface SourceFile {
  /** Relative to the root; POSIX separators. */
  readonly path: string;
  readonly sha256: string;
}

// Every relative specifier in a string after `from`, `import`, `import(`, `require(`; type-only imports are included, and
// so is what only looks like an import: a digest too many halts a run, one too few would let changed code in.
const SPECIFIER = /(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\()\s*["'`]([^"'`\n]+)["'`]/g;
const LOCKFILES = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock"];
const OWN = /^(?:evo|node:.*)$/;

/** A walk of the imports of `file`: absolute paths and the sha256 of each. */
export function importsOf(file: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  let packages = false;
  const visit = (path: string) => {
    const bytes = readFileSync(path);
    files.set(path, sha256(bytes));
    for (const specifier of specifiersIn(path, bytes.toString("utf8"))) {
      if (!/^[./]/.test(specifier)) packages ||= !OWN.test(specifier);
      else {
        const found = findModule(resolve(dirname(path), specifier));
        if (found !== undefined && !files.has(found)) visit(found);
      }
    }
  };
  visit(file);
  const lockfile = packages ? findLockfile(dirname(file)) : undefined;
  if (lockfile !== undefined) files.set(lockfile, sha256(readFileSync(lockfile)));
  return files;
}

/** What `importsOf` found, as the ledger records it: relative to the root and sorted by path. */
export function sourcesOf(imports: ReadonlyMap<string, string>, root: string): readonly SourceFile[] {
  return [...imports]
    .map(([path, hash]) => ({ path: posix(relative(root, path)), sha256: hash }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function specifiersIn(path: string, text: string): string[] {
  return extname(path) === ".json" ? [] : [...text.matchAll(SPECIFIER)].map((found) => found[1]!);
}

/** As the loader resolves it: as written, with an extension, `.js` standing for `.ts`, or a folder's index. */
function findModule(path: string): string | undefined {
  const extensions = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".json"];
  const swapped = path.replace(/\.([mc]?)js$/, ".$1ts");
  return [
    path,
    swapped,
    ...extensions.map((end) => path + end),
    ...extensions.map((end) => join(path, `index${end}`)),
  ].find(isFile);
}

function findLockfile(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const found = LOCKFILES.map((name) => join(at, name)).find(isFile);
    if (found !== undefined || dirname(at) === at) return found;
  }
}

/** Whether a path is a file, links followed. */
export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** A path with `/` as its separator, as plans carry it. */
export function posix(path: string): string {
  return path.split(sep).join("/");
}
