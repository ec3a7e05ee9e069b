/** How the machine uses `gates/assess`: since when a gate may be looked at, and what is to be recorded of it. */
import { assessGate, evidence as decidingLooks, type GateAssessment, type Tally } from "../gates/assess.js";
import type { Json } from "../gates/model.js";
import type { GateId, PlanGate } from "../plan/model.js";
import { appliedEntries, entriesBefore, isApplied } from "./edges.js";
import type { Counts, RunEvent, SampleDigest, TargetReport } from "./events.js";
import { isOverridden, judgedGate, overrideOf } from "./overrides.js";
import { lastAttempt, type RunState } from "./state.js";
import { wordsBehind } from "./words.js";

/** What has been seen of a gate by this process; not part of the state: whoever takes over looks anew. */
export interface GateEvidence {
  /** The moment after which looks count; evidence of another moment is void (invariant 3). */
  readonly since: number;
  /** What `provedBy` said then; where it is given, evidence of anything else is void too. */
  readonly proves?: string;
  readonly tallies: { readonly [target: string]: Tally };
  readonly digests: { readonly [target: string]: SampleDigest };
}

export type Evidence = { readonly [gate: GateId]: GateEvidence };

/** An event that the machine wants recorded; causes as in `NewEntry`. */
export interface Proposed {
  readonly event: RunEvent;
  readonly causes: readonly (number | { readonly batch: number })[];
}

/** A gate can be looked at once every update that it proves has succeeded. */
export function isMeasurable(state: RunState, gate: PlanGate): boolean {
  return gate.proves.every((step) => isApplied(state, step));
}

/**
 * From when on looks at a gate count and its time-out runs: the end of the updates it proves, the opening of what comes
 * before, or the moment a person resumed, whichever is latest (invariant 3).
 */
export function countsFrom(state: RunState, gate: PlanGate): number {
  const ended = gate.proves.map((step) => endOf(state, step));
  const before = gate.phase === "converged" ? [] : openings(state, gate);
  return Math.max(state.started.at, state.resumedAt, ...ended, ...before);
}

function endOf(state: RunState, step: string): number {
  const outcome = lastAttempt(state, step)?.outcome;
  return outcome?.status === "succeeded" ? outcome.ended : 0;
}

function openings(state: RunState, gate: PlanGate): number[] {
  if (gate.declaredOn === "sequence") return Object.values(state.opened).map((opened) => opened.at);
  const before = new Set(entriesBefore(state, gate.declaredOn, "start"));
  return Object.values(state.opened).flatMap((opened) => (before.has(opened.entry) ? [opened.at] : []));
}

/** The gate's verdict now. Evidence of an earlier attempt does not count. */
export function assess(state: RunState, seen: Evidence, gate: PlanGate, now: number): GateAssessment {
  const judged = judgedGate(state, gate);
  const assessment = assessGate(judged, talliesOf(state, seen, gate), countsFrom(state, gate), now);
  const override = isOverridden(state, gate) ? overrideOf(state, gate) : undefined;
  if (override === undefined) return assessment;
  const reason = `overridden by ${override.by}: ${override.reason}`;
  return { ...assessment, status: "converged", reason, needed: 0 };
}

/** The tallies that still count. */
export function talliesOf(state: RunState, seen: Evidence, gate: PlanGate): GateEvidence["tallies"] {
  return countingEvidence(state, seen, gate)?.tallies ?? {};
}

function countingEvidence(state: RunState, seen: Evidence, gate: PlanGate): GateEvidence | undefined {
  const evidence = seen[gate.id];
  if (evidence === undefined || evidence.since !== countsFrom(state, gate)) return undefined;
  return evidence.proves === undefined || evidence.proves === provedBy(state, gate) ? evidence : undefined;
}

/**
 * Names what looks at a gate prove: the entries of the updates and of the last resume. Under a clock that was put back
 * two updates may have the same `countsFrom`, but never the same entry (invariant 3).
 */
export function provedBy(state: RunState, gate: PlanGate): string {
  const outcomes = gate.proves.map((step) => lastAttempt(state, step)?.outcome?.entry ?? 0);
  return [state.resumedBy ?? 0, ...outcomes].join(" ");
}

/**
 * Entries that a look at this gate follows from: the updates it proves, else what let it be looked at; and what people
 * have said, where it asks them.
 */
export function causesOfLooks(state: RunState, gate: PlanGate): readonly number[] {
  const behind = [...causesOfMeasuring(state, gate), ...wordsBehind(state, gate)];
  return [...new Set(behind)].sort((a, b) => a - b);
}

function causesOfMeasuring(state: RunState, gate: PlanGate): readonly number[] {
  const applied = gate.proves.flatMap((step) => appliedEntries(state, step));
  if (applied.length > 0) return applied;
  return gate.declaredOn === "sequence" ? [state.drivenBy] : entriesBefore(state, gate.declaredOn, "start");
}

/** The operations whose updates a gate proves (invariant 3: a measurement names them). */
export function operationsProved(state: RunState, gate: PlanGate): readonly string[] {
  return gate.proves.flatMap((step) => lastAttempt(state, step)?.operation ?? []);
}

/**
 * The entries that say a gate has passed: for each target the looks of the deciding streak that are not recorded yet,
 * then `gate.passed`, caused by all of the streak's entries. `offset` is the place of the first in its batch.
 */
export function passing(
  state: RunState,
  seen: Evidence,
  gate: PlanGate,
  now: number,
  offset: number,
): readonly Proposed[] {
  const tallies = talliesOf(state, seen, gate);
  const measured: Proposed[] = [];
  const causes: (number | { batch: number })[] = [];
  for (const { name } of gate.targets) {
    const tally = tallies[name];
    if (tally === undefined) continue;
    const recorded = state.gates[gate.id]?.measured[name];
    causes.push(...(recorded?.entries ?? []));
    const looks = decidingLooks(tally).filter((look) => look.number > (recorded?.last.number ?? 0));
    if (looks.length === 0) continue;
    causes.push({ batch: offset + measured.length });
    measured.push({
      event: {
        type: "gate.measured",
        at: now,
        gate: gate.id,
        target: name,
        operations: operationsProved(state, gate),
        measurements: looks,
        counts: tally.counts,
      },
      causes: causesOfLooks(state, gate),
    });
  }
  const event: RunEvent = {
    type: "gate.passed",
    at: now,
    gate: gate.id,
    operations: operationsProved(state, gate),
    targets: reports(state, seen, gate, now),
    samples: digestsOf(state, seen, gate),
  };
  return [...measured, { event, causes: causes.length > 0 ? causes : causesOfLooks(state, gate) }];
}

/** The entry that says a gate has been judged against: caused by the last recorded look at each target. */
export function failing(
  state: RunState,
  seen: Evidence,
  gate: PlanGate,
  verdict: GateAssessment,
  now: number,
): Proposed {
  const timedOut = verdict.status === "timedOut";
  const type =
    verdict.status === "failed" ? "gate.failed" : verdict.status === "errored" ? "gate.errored" : "gate.inconclusive";
  return {
    event: {
      type,
      at: now,
      gate: gate.id,
      reason: verdict.reason,
      timedOut,
      targets: reports(state, seen, gate, now),
      samples: digestsOf(state, seen, gate),
    },
    causes: causesOfLooks(state, gate),
  };
}

/** Per target: what was seen last, since when, and whether it has converged. */
export function reports(state: RunState, seen: Evidence, gate: PlanGate, now: number): readonly TargetReport[] {
  const tallies = talliesOf(state, seen, gate);
  const { targets } = assess(state, seen, gate, now);
  return gate.targets.map(({ name }) => {
    const tally = tallies[name];
    const converged = targets.find((target) => target.target === name)?.status === "converged";
    return {
      target: name,
      converged,
      counts: tally?.counts ?? NO_COUNTS,
      ...(tally === undefined ? {} : { last: tally.last, since: tally.since }),
    };
  });
}

const NO_COUNTS: Counts = { pass: 0, fail: 0, inconclusive: 0, error: 0 };

/** Of the looks that still count: what was seen of an earlier attempt proves nothing about this one. */
function digestsOf(state: RunState, seen: Evidence, gate: PlanGate): readonly SampleDigest[] {
  return Object.values(countingEvidence(state, seen, gate)?.digests ?? {});
}

/** A body is the event without what the entry's own columns carry. */
export function bodyOf(event: RunEvent): { readonly [key: string]: Json } {
  const { type: _, ...body } = event;
  return body as unknown as { readonly [key: string]: Json };
}
