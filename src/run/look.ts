/** Performs a look at a gate's target, and keeps what it tells. */
import { tally, worthRecording } from "../gates/assess.js";
import { isWordProbe, type Measurement } from "../gates/model.js";
import type { GateId, PlanGate } from "../plan/model.js";
import type { Driving, Seen } from "./driving.js";
import { causesOfLooks, countsFrom, type GateEvidence, isMeasurable, operationsProved, provedBy } from "./gates.js";
import { chainSample } from "./samples.js";
import { gatesOf, type RunState } from "./state.js";
import { lookAtWords, wordProbeOf } from "./words.js";

/** Looks once. A look that ends after its gate has been given a new beginning (a new attempt) is void (invariant 3). */
export async function look(driving: Driving, seen: Seen, id: GateId, target: string): Promise<void> {
  const { recorder, ports } = driving;
  const gate = gateOf(recorder.state(), id);
  const probe = gate.targets.find((candidate) => candidate.name === target)?.probe;
  if (probe === undefined) throw new Error(`gate ${id} has no target ${target}`);
  const beginning = beginningOf(recorder.state(), gate);
  const began = ports.clock.now();
  const { run } = recorder.state();
  const timeout = gate.policy.requestTimeout;
  const seenNow = isWordProbe(probe)
    ? lookAtWords(recorder.state(), gate, target, began)
    : await ports.probe.look({ run, gate: id, target, probe, timeout }, driving.active);
  if (driving.active.aborted) return;
  const measurement = { ...seenNow, number: seen.nextNumber(id, target), began, ended: ports.clock.now() };
  if (!isMeasurable(recorder.state(), gate) || !isSame(beginningOf(recorder.state(), gate), beginning)) return;
  await note(driving, seen, gate, target, beginning, measurement);
}

async function note(
  driving: Driving,
  seen: Seen,
  gate: PlanGate,
  target: string,
  beginning: Beginning,
  measurement: Measurement,
): Promise<void> {
  const { recorder, ports } = driving;
  const operations = operationsProved(recorder.state(), gate);
  const before = evidenceSince(seen, gate, beginning);
  const previous = before.tallies[target];
  const next = tally(previous, measurement, gate.policy, beginning.since);
  const tallies = { ...before.tallies, [target]: next };
  if (wordProbeOf(gate) === undefined) {
    const digests = { ...before.digests, [target]: chainSample(before.digests[target], target, measurement) };
    seen.keep(gate.id, { ...beginning, tallies, digests });
    await seen.sample({ run: recorder.state().run, gate: gate.id, target, measurement });
  } else {
    // What people said is in the record itself: no raw looks beside it.
    seen.keep(gate.id, { ...beginning, tallies, digests: {} });
  }
  ports.notifier.tell({ kind: "looked", gate: gate.id, target, measurement });
  if (!worthRecording(previous, next)) return;
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

/** From when on looks count, and what they prove. */
type Beginning = Required<Pick<GateEvidence, "since" | "proves">>;

function beginningOf(state: RunState, gate: PlanGate): Beginning {
  return { since: countsFrom(state, gate), proves: provedBy(state, gate) };
}

function isSame(one: Pick<GateEvidence, "since" | "proves">, other: Beginning): boolean {
  return one.since === other.since && one.proves === other.proves;
}

function evidenceSince(seen: Seen, gate: PlanGate, beginning: Beginning): GateEvidence {
  const evidence = seen.evidence()[gate.id];
  return evidence !== undefined && isSame(evidence, beginning) ? evidence : { ...beginning, tallies: {}, digests: {} };
}

function gateOf(state: RunState, id: GateId): PlanGate {
  const gate = gatesOf(state.started.plan).find((candidate) => candidate.id === id);
  if (gate === undefined) throw new Error(`the plan has no gate ${id}`);
  return gate;
}
