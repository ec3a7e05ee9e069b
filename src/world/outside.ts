/**
 * Stacks that stand in for those outside of a sequence, in the world's own backend: nothing but outputs, for
 * StackReferences to read. (Format: apitype.CheckpointV3 of pulumi/pulumi, in the file backend's folders by project.)
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Properties } from "./model.js";
import { type Places, readJson, writeJson } from "./settings.js";

/** Where a stack's checkpoint lies in a file backend. */
export function stackFile(backend: string, project: string, stack: string): string {
  return join(backend, ".pulumi", "stacks", project, `${stack}.json`);
}

/** The checkpoints of all stacks of a project. */
export function stackFiles(backend: string, project: string): readonly string[] {
  const folder = dirname(stackFile(backend, project, "any"));
  return existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith(".json")) : [];
}

/** Writes the stand-ins, by `<project>/<stack>`. A stack that was made in this world is left as it is. */
export function bringOutside({ backend, outside }: Places, stacks: { readonly [stack: string]: Properties }): void {
  const ours = new Set(readJson<readonly string[]>(outside) ?? []);
  for (const [name, outputs] of Object.entries(stacks)) {
    const [project = "", stack = ""] = name.split("/");
    const file = stackFile(backend, project, stack);
    if (existsSync(file) && !ours.has(name)) continue;
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, JSON.stringify(checkpointOf(project, stack, outputs)), { mode: 0o600 });
    ours.add(name);
  }
  if (ours.size === 0) return;
  // Without it the engine takes the folder for a backend from before projects had their own.
  const meta = join(backend, ".pulumi", "meta.yaml");
  if (!existsSync(meta)) writeFileSync(meta, "version: 1\n", { mode: 0o600 });
  writeJson(outside, [...ours]);
}

function checkpointOf(project: string, stack: string, outputs: Properties): object {
  const time = new Date(0).toISOString();
  const root = {
    urn: `urn:pulumi:${stack}::${project}::pulumi:pulumi:Stack::${project}-${stack}`,
    custom: false,
    type: "pulumi:pulumi:Stack",
    outputs,
    created: time,
    modified: time,
  };
  const manifest = { time, magic: "", version: "" };
  const latest = { manifest, resources: [root], metadata: {} };
  return { version: 3, checkpoint: { stack: `organization/${project}/${stack}`, latest } };
}
