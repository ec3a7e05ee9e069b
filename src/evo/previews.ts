/** Previews of a sequence's steps as things stand now, and what each is worth: nothing is changed or recorded. */
import { dependenciesOf } from "../authoring/dependencies.js";
import { type Foreseen, foresee, type Previewed, upstreamOf, withoutOutputs } from "../authoring/foresee.js";
import { EvoError } from "../errors.js";
import type { Plan, StepNode } from "../plan/model.js";
import { stepsOf } from "../run/edges.js";
import type { LoadedSequence } from "../sequence/load.js";
import { type Binding, openBinding, type RehearsalMode } from "./session.js";
import type { Settings } from "./settings.js";

export interface PreviewRequest {
  readonly loaded: LoadedSequence;
  readonly plan: Plan;
  /** The world to look at; the real stacks where absent. */
  readonly rehearsal?: RehearsalMode;
  readonly signal: AbortSignal;
  /** Hears what takes time. */
  say(line: string): void;
  /** Hears of each step when it has been previewed. */
  told?(one: Foreseen, node: StepNode): void;
}

/** By step, in the order of the plan. A step that can't be previewed is a result; errors: those of engine and world. */
export async function previewSteps(
  settings: Settings,
  request: PreviewRequest,
): Promise<ReadonlyMap<string, Foreseen>> {
  const { loaded, plan, rehearsal, signal, say } = request;
  const upstream = upstreamOf(loaded.sequence, dependenciesOf(loaded.sequence, loaded.root));
  const mode = rehearsal === undefined ? {} : { rehearsal };
  const binding = await openBinding(settings, mode, { plan, root: loaded.root, loaded }, say);
  const foreseen = new Map<string, Foreseen>();
  try {
    for (const node of stepsOf(plan)) {
      const needed = upstream.get(node.id) ?? [];
      const missing = withoutOutputs(needed, foreseen);
      const seen: Previewed =
        missing.length > 0
          ? { status: "failed", reason: `it reads outputs of ${missing.join(", ")} that are not there yet` }
          : await previewOne(binding, node, loaded.root, signal);
      signal.throwIfAborted();
      const one = foresee(node.id, needed, seen, foreseen);
      foreseen.set(node.id, one);
      request.told?.(one, node);
    }
    return foreseen;
  } finally {
    await binding.close();
  }
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
    if (!(error instanceof EvoError)) throw error;
    const own = error.source === "user";
    return { status: "failed", own, reason: own && error.remedy ? `${error.message}; ${error.remedy}` : error.message };
  }
}
