/** Homes for worlds that leave nothing behind. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { type OpenWorld, openWorld, type World } from "../../src/world/index.js";

export const REFERENCE = fileURLToPath(new URL("../../sequences/worlds/reference.ts", import.meta.url));

/** A directory for the running test. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), "evo-world-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Opens a world, the reference system's by default, and closes it with the test. */
export async function opened(options: Partial<OpenWorld> & { readonly home: string }): Promise<World> {
  const world = await openWorld({ module: REFERENCE, ...options });
  onTestFinished(() => world.close());
  return world;
}

/** Waits until something holds; fails after a while that only a fault takes. */
export async function eventually(holds: () => boolean | Promise<boolean>, patience = 20_000): Promise<void> {
  const deadline = Date.now() + patience;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not after ${patience} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
