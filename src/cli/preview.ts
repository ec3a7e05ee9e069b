/** `evo preview <sequence>`, and the previews of `evo plan --preview`. */
import { describeChanges, describeForeseen } from "../authoring/describe-preview.js";
import type { Foreseen } from "../authoring/foresee.js";
import { EvoError, EXIT } from "../errors.js";
import { previewSteps } from "../evo/previews.js";
import { planFor, rehearsalOf } from "../evo/rehearsal.js";
import { readSettings } from "../evo/settings.js";
import type { Plan, StepNode } from "../plan/model.js";
import { type LoadedSequence, loadSequence } from "../sequence/load.js";
import { wrap } from "../views/text.js";
import { columns, print, printJson, say } from "./output.js";

export interface PreviewOptions {
  readonly rehearse?: boolean;
  readonly diff?: boolean;
  readonly engine?: string;
  readonly json?: boolean;
}

/** Previews every step as things stand now; nothing is changed or recorded. Exit 1 where a preview failed for a reason of its own. */
export async function preview(reference: string, options: PreviewOptions): Promise<void> {
  const loaded = await loadSequence(reference, process.cwd());
  const plan = planFor(loaded.sequence, options.rehearse === true);
  const tell = (one: Foreseen, node: StepNode) => print(linesOf(one, node, options));
  const foreseen = await look(loaded, plan, options, options.json ? undefined : tell);
  if (options.json) printJson({ sequence: plan.sequence.name, steps: [...foreseen.values()] });
}

/** Previews all steps; sets exit code 1 where one failed for a reason of its own. Ctrl-C ends it. */
export async function look(
  loaded: LoadedSequence,
  plan: Plan,
  options: PreviewOptions,
  told?: (one: Foreseen, node: StepNode) => void,
): Promise<ReadonlyMap<string, Foreseen>> {
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const world = options.rehearse ? { rehearsal: { ...rehearsalOf(loaded), fresh: false, faults: [] } } : {};
  const stop = new AbortController();
  const onSignal = () =>
    stop.abort(new EvoError("preview.cancelled", "stopped at the terminal", { exit: EXIT.aborted }));
  process.once("SIGINT", onSignal);
  try {
    const request = { loaded, plan, ...world, signal: stop.signal, say, ...(told === undefined ? {} : { told }) };
    const foreseen = await previewSteps(settings, request);
    if ([...foreseen.values()].some(({ status }) => status === "failed")) process.exitCode = EXIT.error;
    return foreseen;
  } finally {
    process.off("SIGINT", onSignal);
  }
}

function linesOf(one: Foreseen, node: StepNode, options: PreviewOptions): readonly string[] {
  const head = `${node.verb} ${one.step} (${node.stack.dir} · ${node.stack.stack}): ${describeForeseen(one)}`;
  const diff = options.diff === true ? describeChanges(one).map((line) => `    ${line}`) : [];
  return [head, ...diff].flatMap((line) => wrap(line, columns(), "      "));
}
