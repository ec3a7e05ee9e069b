/** Where evo itself is installed: the folder that holds its `package.json`, whether it runs from sources or compiled. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of a file below evo's own package root. */
export function packageFile(...path: readonly string[]): string {
  return join(packageRoot(), ...path);
}

function packageRoot(): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); dirname(at) !== at; at = dirname(at))
    if (existsSync(join(at, "package.json"))) return at;
  throw new Error("evo's package.json is missing above its own code");
}
