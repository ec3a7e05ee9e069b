/** Where evo itself is installed: the same from its sources and from its build. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** evo's own folder: the nearest one above with a package.json. */
export function packageRoot(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!isRoot(dir)) {
    if (dirname(dir) === dir) throw new Error("evo's package.json is missing");
    dir = dirname(dir);
  }
  return dir;
}

function isRoot(dir: string): boolean {
  const file = join(dir, "package.json");
  return existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as { name?: string }).name === "evo";
}
