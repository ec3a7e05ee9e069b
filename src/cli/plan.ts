/** `evo plan <sequence>` */
import { compile } from "../plan/compile.js";
import { loadSequence } from "../sequence/load.js";
import { describePlan } from "../views/plan.js";
import { print, printJson } from "./output.js";

/** Shows what a run would do, in what order, and what it would wait for. Errors: those of loading (exit 2). */
export async function plan(reference: string, options: { readonly json?: boolean }): Promise<void> {
  const loaded = await loadSequence(reference, process.cwd());
  const compiled = compile(loaded.sequence);
  if (options.json) printJson(compiled);
  else print(describePlan(compiled));
}
