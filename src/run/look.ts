/** Performs a look at a gate's target, and keeps what it tells. */
import { tally, worthRecording } from "../gates/assess.js";
import type { Measurement } from "../gates/model.js";
import type { GateId, PlanGate } from "../plan/model.js";
import type { Driving, Seen } from "./driving.js";
import { causesOfLooks, countsFrom, type GateEvidence, isMeasurable, operationsProved } from "./gates.js";
import { chainSample } from "./samples.js";
import { gatesOf, type RunState } from "./state.js";

/** Looks once. A look that ends after its gate has been given a new beginning (a new attempt) is void (invariant 3). */
export async function look(driving: Driving, seen: Seen, id: GateId, target: string): Promise<void> {
  const { recorder, ports } = driving;
  const gate = gateOf(recorder.state(), id);
  const probe = gate.targets.find((candidate) => candidate.name === target)?.probe;
  if (probe === undefined) throw new Error(`gate ${id} has no target ${target}`);
  const since = countsFrom(recorder.state(), gate);
  const began = ports.clock.now();
  const { run } = recorder.state();
  const seenNow = await ports.probe.look(
    { run, gate: id, target, probe, timeout: gate.policy.requestTimeout },
    driving.active,
  );
  if (driving.active.aborted) return;
  const measurement = { ...seenNow, number: seen.nextNumber(id, target), began, ended: ports.clock.now() };
  if (!isMeasurable(recorder.state(), gate) || countsFrom(recorder.state(), gate) !== since) return;
  await note(driving, seen, gate, target, since, measurement);
}

async function note(
  driving: Driving,
  seen: Seen,
  gate: PlanGate,
  target: string,
  since: number,
  measurement: Measurement,
): Promise<void> {
  const { recorder, ports } = driving;
  const before = evidenceSince(seen, gate, since);
  const previous = before.tallies[target];
  const next = tally(previous, measurement, gate.policy, since);
  const digest = chainSample(before.digests[target], target, measurement);
  seen.keep(gate.id, {
    since,
    tallies: { ...before.tallies, [target]: next },
    digests: { ...before.digests, [target]: digest },
  });
  await seen.sample({ run: recorder.state().run, gate: gate.id, target, measurement });
  ports.notifier.tell({ kind: "looked", gate: gate.id, target, measurement });
  if (!worthRecording(previous, next)) return;
  const operations = operationsProved(recorder.state(), gate);
  const event = {
    type: "gate.measured",
    at: ports.clock.now(),
    gate: gate.id,
    target,
    operations,
    measurements: [measurement],
    counts: next.counts,
  } as const;
  await recorder.record([{ event, causes: causesOfLooks(recorder.state(), gate) }]);
}

function evidenceSince(seen: Seen, gate: PlanGate, since: number): GateEvidence {
  const evidence = seen.evidence()[gate.id];
  return evidence?.since === since ? evidence : { since, tallies: {}, digests: {} };
}

function gateOf(state: RunState, id: GateId): PlanGate {
  const gate = gatesOf(state.started.plan).find((candidate) => candidate.id === id);
  if (gate === undefined) throw new Error(`the plan has no gate ${id}`);
  return gate;
}
