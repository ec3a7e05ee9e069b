/** `evo preview <sequence>` */
import { dependenciesOf } from "../authoring/dependencies.js";
import { changed, type Foreseen, foresee, type Previewed, upstreamOf } from "../authoring/foresee.js";
import { EvoError, EXIT } from "../errors.js";
import { planFor } from "../evo/rehearsal.js";
import { type Binding, openBinding } from "../evo/session.js";
import { readSettings } from "../evo/settings.js";
import type { StepNode } from "../plan/model.js";
import { stepsOf } from "../run/edges.js";
import { loadSequence } from "../sequence/load.js";
import { planned, wrap } from "../views/text.js";
import { rehearsalOf } from "./options.js";
import { columns, print, printJson, say } from "./output.js";

export interface PreviewOptions {
  readonly rehearse?: boolean;
  readonly diff?: boolean;
  readonly engine?: string;
  readonly json?: boolean;
}

/** Previews every step as things stand now; nothing is changed or recorded. Exit 1 where a preview failed for a reason of its own. */
export async function preview(reference: string, options: PreviewOptions): Promise<void> {
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const loaded = await loadSequence(reference, settings.cwd);
  const plan = planFor(loaded.sequence, options.rehearse === true);
  const upstream = upstreamOf(loaded.sequence, dependenciesOf(loaded.sequence, loaded.root));
  const mode = options.rehearse ? { rehearsal: { ...rehearsalOf(loaded), fresh: false, faults: [] } } : {};
  const binding = await openBinding(settings, mode, { plan, root: loaded.root, loaded }, say);
  const stop = new AbortController();
  const onSignal = () =>
    stop.abort(new EvoError("preview.cancelled", "stopped at the terminal", { exit: EXIT.aborted }));
  process.once("SIGINT", onSignal);
  const foreseen = new Map<string, Foreseen>();
  try {
    for (const node of stepsOf(plan)) {
      const seen = await previewOne(binding, node, loaded.root, stop.signal);
      stop.signal.throwIfAborted();
      const one = foresee(node.id, upstream.get(node.id) ?? [], seen, foreseen);
      foreseen.set(node.id, one);
      if (!options.json) print(linesOf(one, node, options));
    }
  } finally {
    process.off("SIGINT", onSignal);
    await binding.close();
  }
  if (options.json) printJson({ sequence: plan.sequence.name, steps: [...foreseen.values()] });
  if ([...foreseen.values()].some(({ status }) => status === "failed")) process.exitCode = EXIT.error;
}

async function previewOne(
  { executor }: Binding,
  node: StepNode,
  root: string,
  signal: AbortSignal,
): Promise<Previewed> {
  try {
    return { status: "previewed", changes: await executor.preview(node, root, signal) };
  } catch (error) {
    if (error instanceof EvoError) return { status: "failed", reason: error.message };
    throw error;
  }
}

function linesOf(one: Foreseen, node: StepNode, options: PreviewOptions): readonly string[] {
  const head = `${node.verb} ${one.step} (${node.stack.dir} · ${node.stack.stack}): ${summary(one)}`;
  const resources = options.diff === true ? changed(one.changes) : [];
  const diff = resources.map(({ op, urn, type, paths, replaces }) => {
    const properties =
      paths.length === 0
        ? ""
        : `: ${paths.map((path) => (replaces.includes(path) ? `${path} (forces replacement)` : path)).join(", ")}`;
    return `    ${op} ${type} ${urn.split("::").at(-1)}${properties}`;
  });
  return [head, ...diff].flatMap((line) => wrap(line, columns(), "      "));
}

function summary({ status, changes, dependsOn, reason }: Foreseen): string {
  const names = dependsOn.join(", ");
  const told = (reason ?? "")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(0, 3)
    .join("; ");
  switch (status) {
    case "certain":
      return planned(changes?.counts ?? {});
    case "mayChange":
      return `${planned(changes?.counts ?? {})}; may change: depends on outputs of ${names}`;
    case "notKnown":
      return `not known before ${names} ${dependsOn.length === 1 ? "has" : "have"} run (${told})`;
    case "failed":
      return `preview failed: ${told}`;
  }
}
