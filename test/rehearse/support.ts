/** The role rollout in a folder of its own, and its fault matrix as `evo rehearse` tells it. */
import { cpSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CellResult } from "../../src/rehearse/results.js";
import { loadSequence } from "../../src/sequence/load.js";
import type { Sequence } from "../../src/sequence/model.js";
import type { Evo } from "../support/evo.js";
import { bringStacks } from "../support/reference.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Told {
  readonly code: number | null;
  readonly stderr: string;
  /** Milliseconds. */
  readonly duration: number;
  readonly results: readonly (CellResult & { readonly outcome: string; readonly green: boolean })[];
}

/** Runs `evo rehearse` to its end. */
export async function rehearse(evo: Evo, sequence: string, ...args: readonly string[]): Promise<Told> {
  const { code, stdout, stderr } = await evo.run(["rehearse", sequence, "--json", ...args]);
  try {
    return { code, stderr, ...(JSON.parse(stdout) as Pick<Told, "duration" | "results">) };
  } catch {
    throw new Error(`evo told no matrix (exit ${code}):\n${stdout}\n${stderr}`);
  }
}

/** The repository's sequences and stacks, in evo's directory. */
export function bringRollout(evo: Evo): void {
  cpSync(join(ROOT, "sequences"), join(evo.directory, "sequences"), { recursive: true });
  bringStacks(evo.directory);
  symlinkSync(join(ROOT, "node_modules"), join(evo.directory, "node_modules"));
}

/** The rollout's JSON form, changed; answers its file. */
export async function changedRollout(evo: Evo, change: (sequence: Sequence) => Sequence): Promise<string> {
  const { sequence } = await loadSequence("role-rollout", evo.directory);
  const file = join(evo.directory, "changed.json");
  writeFileSync(file, JSON.stringify(change(sequence)));
  return file;
}

/** Cells that are red, each with why. */
export function redOf({ results }: Told): readonly string[] {
  return results.flatMap(({ cell, red }) => red.map((why) => `${cell.id}: ${why}`));
}
