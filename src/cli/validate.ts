/** `evo validate <sequence>` */
import { relative } from "node:path";
import { compile } from "../plan/compile.js";
import { stepsOf } from "../run/edges.js";
import { gatesOf } from "../run/state.js";
import { loadSequence } from "../sequence/load.js";
import { print, printJson } from "./output.js";

/** Loads and compiles; says what it is. Errors: those of loading (exit 2). */
export async function validate(reference: string, options: { readonly json?: boolean }): Promise<void> {
  const loaded = await loadSequence(reference, process.cwd());
  const plan = compile(loaded.sequence);
  const facts = {
    sequence: plan.sequence.name,
    file: loaded.file,
    digest: loaded.digest,
    steps: stepsOf(plan).length,
    gates: gatesOf(plan).length,
  };
  if (options.json) return printJson({ valid: true, ...facts });
  print(
    `${facts.sequence} is valid: ${facts.steps} steps, ${facts.gates} gates  (${relative(process.cwd(), loaded.file)}, ${loaded.digest.slice(0, 12)})`,
  );
}
