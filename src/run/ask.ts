/** Asks for approvals: previews what they would let start, and records what is to be approved. Nothing is changed. */
import { EvoError } from "../errors.js";
import type { GateId, PlanGate, StepNode } from "../plan/model.js";
import { previewDigest } from "./difference.js";
import type { Driving } from "./driving.js";
import { isApplied, nodeOf, stepsOf } from "./edges.js";
import type { RequestedPreview, RunEvent } from "./events.js";
import { causesOfLooks } from "./gates.js";
import { gatesOf, type RunState } from "./state.js";
import { mustAsk } from "./words.js";

/** Once for each request; a preview that fails halts the run, since nobody can approve what can't be shown. */
export async function ask({ recorder, ports, active }: Driving, id: GateId): Promise<void> {
  const { plan, root } = recorder.state().started;
  const gate = gatesOf(plan).find((candidate) => candidate.id === id);
  if (gate === undefined) throw new Error(`the plan has no gate ${id}`);
  const previews: RequestedPreview[] = [];
  let failure: EvoError | undefined;
  for (const step of covered(recorder.state(), gate))
    try {
      const changes = await ports.executor.preview(step, root, active);
      previews.push({ step: step.id, digest: previewDigest(changes), changes });
    } catch (error) {
      if (active.aborted) return;
      if (!(error instanceof EvoError)) throw error;
      failure ??= error;
    }
  const state = recorder.state();
  if (state.status !== "running" || !mustAsk(state, gate)) return;
  const at = ports.clock.now();
  const event: RunEvent =
    failure === undefined
      ? { type: "approval.requested", at, gate: id, plan: plan.digest, previews }
      : {
          type: "run.halted",
          at,
          cause: "operation-failed",
          node: gate.declaredOn,
          reason: `what ${id} would approve can't be shown: ${failure.message}`,
        };
  await recorder.record([{ event, causes: causesOfLooks(state, gate) }]);
}

/** The steps that the gate lets start and that are still to be updated; none where it asks after their update. */
function covered(state: RunState, gate: PlanGate): readonly StepNode[] {
  if (gate.phase !== "ready") return [];
  const below = (id: string): readonly string[] => {
    const node = nodeOf(state.started.plan, id);
    return node.kind === "step" ? [id] : node.members.flatMap(below);
  };
  const steps = new Set(below(gate.declaredOn));
  return stepsOf(state.started.plan).filter(
    ({ id }) => steps.has(id) && (id === gate.declaredOn || !isApplied(state, id)),
  );
}
