/** `evo plan <sequence>` */
import { describeChanges, describeForeseen } from "../authoring/describe-preview.js";
import type { Foreseen } from "../authoring/foresee.js";
import { planFor } from "../evo/rehearsal.js";
import { loadSequence } from "../sequence/load.js";
import { describePlan } from "../views/plan.js";
import { print, printJson } from "./output.js";
import type { PreviewOptions } from "./preview.js";

export interface PlanOptions extends PreviewOptions {
  readonly preview?: boolean;
  readonly failure?: boolean;
}

/**
 * Shows what a run would do, in what order, and what it would wait for; with `preview` (or `diff`) also what each step
 * would change now; with `failure` what would happen if it failed. Errors: those of loading (exit 2) and of previews.
 */
export async function plan(reference: string, options: PlanOptions): Promise<void> {
  const loaded = await loadSequence(reference, process.cwd());
  const compiled = planFor(loaded.sequence, options.rehearse === true);
  if (options.failure) return (await import("./plan-failure.js")).planFailure(compiled, options);
  const previews =
    options.preview || options.diff ? await (await import("./preview.js")).look(loaded, compiled, options) : undefined;
  if (options.json)
    return printJson(previews === undefined ? compiled : { ...compiled, previews: [...previews.values()] });
  const beside = [...(previews ?? [])].map(([step, one]) => [step, linesOf(one, options)] as const);
  print(describePlan(compiled, new Map(beside)));
}

function linesOf(one: Foreseen, { diff }: PlanOptions): readonly string[] {
  return [
    `preview: ${describeForeseen(one)}`,
    ...(diff === true ? describeChanges(one).map((line) => `  ${line}`) : []),
  ];
}
