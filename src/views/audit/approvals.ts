/**
 * Was what ran what had been approved? Worked out from the entries again: the preview that each update went on with is
 * compared to the digests that the approvals name. Pure.
 */
import { isWordProbe } from "../../gates/model.js";
import type { NodeId, Plan, PlanGate } from "../../plan/model.js";
import { stepsIn } from "../../plan/steps.js";
import { previewDigest } from "../../run/difference.js";
import type { Entry } from "../../run/ports.js";
import { naming, ofType } from "./reading.js";

/** What a gate before a start lacks: updates that went on without as many approvals of just that as it asks for. */
export function unapprovedIn(plan: Plan, own: readonly Entry[], gate: PlanGate): readonly string[] {
  const probe = gate.targets[0]?.probe;
  if (gate.phase !== "ready" || probe === undefined || !isWordProbe(probe) || probe.type !== "approved") return [];
  return stepsIn(plan, gate.declaredOn).flatMap((step) =>
    updatesOf(own, step).flatMap(({ digest, entry, at }) => {
      const given = new Set(
        ofType(own, "approval.given")
          .filter(({ entry: word, event }) => event.gate === gate.id && word.number < entry.number)
          .filter(({ event }) => event.previews[step] === digest && at < event.at + probe.expires)
          .map(({ entry: word, event }) => `${word.actor.authenticated} ${event.from ?? word.actor.claimed}`),
      );
      if (given.size >= probe.count) return [];
      return [`${step} went on${naming(entry.number)} with what ${given.size} of ${probe.count} had approved`];
    }),
  );
}

/** Previews that were gone on with, and when the start that they belong to was intended. */
function updatesOf(own: readonly Entry[], step: NodeId) {
  return ofType(own, "operation.intended")
    .filter(({ event }) => event.step === step)
    .flatMap(({ event: { operation, at } }) => {
      const previewed = ofType(own, "operation.previewed").find(({ event }) => event.operation === operation);
      const done = ofType(own, "operation.succeeded").find(({ event }) => event.operation === operation);
      if (previewed === undefined || done === undefined) return [];
      return [{ digest: previewDigest(previewed.event.preview), entry: done.entry, at }];
    });
}
