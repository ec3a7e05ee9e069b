/** `evo plan <sequence> --failure` */
import type { Plan } from "../plan/model.js";
import { failurePaths } from "../views/failure/paths.js";
import { describeFailures } from "../views/failure/text.js";
import { columns, print, printJson } from "./output.js";

/** What would happen at each step and gate if it failed there: the run's own machine is asked, nothing is run. */
export function planFailure(plan: Plan, { json }: { readonly json?: boolean }): void {
  const paths = failurePaths(plan);
  if (json) printJson(paths);
  else print(describeFailures(paths, columns()));
}
