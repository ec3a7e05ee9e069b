/**
 * What an approval binds: the preview right before a step's update is compared with the one that was approved. Pure. The
 * caller refuses the operation before it has any effect where they differ.
 */
import type { NodeId, PlanGate } from "../plan/model.js";
import { differenceOf, previewDigest } from "./difference.js";
import { nodeOf } from "./edges.js";
import type { ChangeSet } from "./events.js";
import { overrideBehind } from "./overrides.js";
import type { RunState } from "./state.js";
import { wordProbeOf } from "./words.js";

/** Differences that a sentence names; the record has all of them. */
const MOST_NAMED = 12;

/** Why the step may not go on with what this preview shows; nothing where no approval is needed, or it covers that. */
export function unapproved(state: RunState, step: NodeId, preview: ChangeSet): string | undefined {
  const reasons = bindingGates(state, step).flatMap((gate) => unapprovedBy(state, gate, step, preview) ?? []);
  return reasons.length === 0 ? undefined : reasons.join("; ");
}

/** Gates that let it start and ask for approvals: its own and those of the groups around it. */
function bindingGates(state: RunState, step: NodeId): readonly PlanGate[] {
  const found: PlanGate[] = [];
  for (let id: NodeId | undefined = step; id !== undefined; id = nodeOf(state.started.plan, id).parent)
    found.push(...nodeOf(state.started.plan, id).ready);
  return found.filter(
    (gate) =>
      wordProbeOf(gate)?.type === "approved" && !gate.policy.dryRun && overrideBehind(state, gate) === undefined,
  );
}

function unapprovedBy(state: RunState, gate: PlanGate, step: NodeId, preview: ChangeSet): string | undefined {
  const request = state.requests[gate.id];
  const approved = request?.previews.find((candidate) => candidate.step === step);
  if (request === undefined || approved === undefined) return `nobody has been asked to approve it (${gate.id})`;
  if (approved.digest === previewDigest(preview)) return undefined;
  const lines = differenceOf(approved.changes, preview);
  const more = lines.length > MOST_NAMED ? `; and ${lines.length - MOST_NAMED} more` : "";
  const what = `what would happen now is not what was approved (${gate.id}, asked in entry ${request.entry})`;
  return `${what}: ${lines.slice(0, MOST_NAMED).join("; ")}${more}`;
}
