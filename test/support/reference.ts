/** The reference stacks of this repository, in another folder. */
import { cpSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const STACKS = fileURLToPath(new URL("../../stacks", import.meta.url));
const PACKAGES = "node_modules";

/** Copies them to `stacks` below the folder, with a link to their packages. */
export function bringStacks(folder: string): void {
  const to = join(folder, "stacks");
  cpSync(STACKS, to, { recursive: true, filter: (from) => basename(from) !== PACKAGES });
  symlinkSync(join(STACKS, PACKAGES), join(to, PACKAGES));
}
