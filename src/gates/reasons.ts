/** Verdicts in words. A gate that waits or has timed out says, per target: observed, expected, attempts, since when. */
import { canonical } from "../canonical.js";
import type { GateStatus, TargetAssessment } from "./assess.js";
import type { GatePolicy, Json, Measurement } from "./model.js";
import { isMet, looksIn, maxGap, stableFor, type Tally } from "./tally.js";

/** Characters of an observed or expected value in a sentence. */
const LONGEST_VALUE = 160;

/** One line on one target; what it shows was made fit to be stored by the probe (invariant 11). */
export function describeTarget(
  status: GateStatus,
  policy: GatePolicy,
  tally: Tally | undefined,
  since: number,
  now: number,
): string {
  if (tally === undefined || looksIn(tally) === 0) return `not looked at yet, since ${time(since)}`;
  switch (status) {
    case "converged":
      return `passed ${tally.streak?.passes} times in a row since ${time(tally.since)}`;
    case "failed":
      return `failed ${tally.counts.fail} times (limit ${policy.failureLimit}): ${sight(tally)}`;
    case "errored":
      return `${tally.consecutiveErrors} errors in a row (limit ${policy.consecutiveErrorLimit}): ${sight(tally)}`;
    case "inconclusive":
      return `inconclusive ${tally.counts.inconclusive} times (limit ${policy.inconclusiveLimit}): ${sight(tally)}`;
    default:
      return progress(policy, tally, now);
  }
}

function progress(policy: GatePolicy, tally: Tally, now: number): string {
  const { streak } = tally;
  if (streak === undefined) return sight(tally);
  if (now < tally.last.ended) return `last looked at ${time(tally.last.ended)}: the clock was put back since`;
  if (isMet(streak, policy) && now - tally.last.ended > maxGap(policy))
    return `last looked at ${time(tally.last.ended)}: too long ago to count`;
  const passes = `passes ${streak.passes} of ${Math.max(1, policy.consecutiveSuccessLimit)}`;
  return policy.stableFor === 0
    ? `${passes} in a row`
    : `${passes} in a row, stable for ${stableFor(streak)} of ${policy.stableFor} ms`;
}

function sight(tally: Tally): string {
  const { last } = tally;
  return `${seen(last)}; ${last.verdict} since ${time(tally.since)}, ${looksIn(tally)} looks`;
}

function seen({ observed, expected, message }: Measurement): string {
  const values = `observed ${show(observed)}, expected ${show(expected)}`;
  return message === undefined ? values : `${values} (${message})`;
}

/** One line on a gate: how many targets have converged, and what the others say. */
export function describeGate(status: GateStatus, targets: readonly TargetAssessment[], needed: number): string {
  if (targets.length === 0) return "it has no target";
  const converged = targets.filter((target) => target.status === "converged").length;
  const head = `${converged} of ${targets.length} targets have converged, ${needed} must`;
  const others = targets.filter((target) => target.status !== "converged");
  if (status === "converged" || others.length === 0) return head;
  return [head, ...others.map(({ target, reason }) => `${target}: ${reason}`)].join("; ");
}

function show(value: Json): string {
  const text = canonical(value);
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}…`;
}

function time(at: number): string {
  return Number.isFinite(at) ? new Date(at).toISOString() : "ever";
}
