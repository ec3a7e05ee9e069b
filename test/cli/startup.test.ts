/** Commands start fast because they load little: what a verb imports at once is read from the sources. */
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const SRC = fileURLToPath(new URL("../../src", import.meta.url));
/** Imports that exist at run time: `import type` is gone by then, `await import(...)` comes later. */
const IMPORT = /^(?:import|export) (?!type\b)[^;]*?from "([^"]+)";|^import "([^"]+)";/gm;

/** The packages that a module loads, with one path that leads to each. */
function packagesOf(file: string, path: readonly string[] = [], seen = new Set<string>()): Map<string, string> {
  const found = new Map<string, string>();
  if (seen.has(file)) return found;
  seen.add(file);
  const here = [...path, relative(SRC, file)];
  for (const match of readFileSync(file, "utf8").matchAll(IMPORT)) {
    const specifier = match[1] ?? match[2] ?? "";
    if (specifier.startsWith("node:")) continue;
    if (!specifier.startsWith(".")) found.set(specifier, here.join(" > "));
    else
      for (const [name, way] of packagesOf(resolve(dirname(file), specifier.replace(/\.js$/, ".ts")), here, seen))
        if (!found.has(name)) found.set(name, way);
  }
  return found;
}

describe("start-up", () => {
  it("evo --help loads the command line's definition and nothing else", () => {
    expect([...packagesOf(join(SRC, "cli/main.ts")).keys()]).toEqual(["commander"]);
  });

  it.each(["status", "ledger"])("evo %s loads the database's driver, no schemas, loaders or engines", (verb) => {
    expect([...packagesOf(join(SRC, `cli/${verb}.ts`)).keys()].sort()).toEqual(["canonicalize", "pg"]);
  });
});
