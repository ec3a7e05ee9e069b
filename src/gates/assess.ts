/**
 * Verdicts on gates: pure functions of what was seen and of the time (invariants 2, 3 and 8). Four questions, four
 * functions, after Argo Rollouts: what was seen (`tally`), what follows for a target and for a gate (`assessTarget`,
 * `assessGate`), what follows for a boundary (`jointly`), when to look next (`nextLookAt`).
 *
 * The order of judgement (DESIGN 8): failed once a limit is reached; converged once the streak and `stableFor` are met;
 * in progress while time remains; else timed out, which is inconclusive.
 */
import type { GatePolicy, Measurement } from "./model.js";
import { describeGate, describeTarget } from "./reasons.js";
import { evidence, isMet, looksIn, maxGap, type Tally } from "./tally.js";

export {
  evidence,
  isMet,
  maxGap,
  resetStreaks,
  type Streak,
  stableFor,
  type Tally,
  tally,
  worthRecording,
} from "./tally.js";

/**
 * failed, errored, inconclusive: the limit for fail, error or inconclusive looks is reached. timedOut: none is, but the
 * time is up. waiting: it may still converge.
 */
export type GateStatus = "converged" | "waiting" | "failed" | "errored" | "inconclusive" | "timedOut";

/** A gate as far as its verdict depends on it; the plan's gates are such. */
export interface JudgedGate {
  readonly targets: readonly { readonly name: string }[];
  readonly policy: GatePolicy;
}

export interface TargetVerdict {
  readonly status: GateStatus;
  /** One line for a person. */
  readonly reason: string;
  /** When converged: the newest look of the deciding streak. */
  readonly deciding?: Measurement;
}

export interface TargetAssessment extends TargetVerdict {
  readonly target: string;
}

export interface GateAssessment {
  readonly status: GateStatus;
  readonly reason: string;
  /** It holds nothing back, whatever its status. */
  readonly dryRun: boolean;
  /** How many targets have converged, and how many must. */
  readonly converged: number;
  readonly needed: number;
  readonly targets: readonly TargetAssessment[];
}

/**
 * The verdict on one target at `now`. `since` is the end of the updates that the gate proves; a tally from before it is
 * no tally (invariant 3), and one whose newest look is too old is no longer a pass (invariant 2).
 */
export function assessTarget(policy: GatePolicy, seen: Tally | undefined, since: number, now: number): TargetVerdict {
  const tally = seen !== undefined && seen.from >= since ? seen : undefined;
  const status = judge(policy, tally, since, now);
  const deciding = status === "converged" && tally !== undefined ? evidence(tally).at(-1) : undefined;
  const reason = describeTarget(status, policy, tally, since, now);
  return { status, reason, ...(deciding === undefined ? {} : { deciding }) };
}

function judge(policy: GatePolicy, tally: Tally | undefined, since: number, now: number): GateStatus {
  const limit = tally === undefined ? undefined : reachedLimit(policy, tally);
  if (limit !== undefined) return limit;
  if (tally !== undefined && hasConverged(policy, tally, now)) return "converged";
  return now >= since + policy.timeout && isMissed(policy, tally, now) ? "timedOut" : "waiting";
}

/** An error is never a fail: each verdict has a limit of its own. */
function reachedLimit(policy: GatePolicy, { counts, consecutiveErrors }: Tally): GateStatus | undefined {
  if (policy.failureLimit !== undefined && counts.fail >= Math.max(1, policy.failureLimit)) return "failed";
  if (policy.consecutiveErrorLimit !== undefined && consecutiveErrors >= Math.max(1, policy.consecutiveErrorLimit))
    return "errored";
  if (policy.inconclusiveLimit !== undefined && counts.inconclusive >= Math.max(1, policy.inconclusiveLimit))
    return "inconclusive";
  return undefined;
}

/** A pass that nobody has seen lately is none (invariant 2). */
function hasConverged(policy: GatePolicy, tally: Tally, now: number): boolean {
  return tally.streak !== undefined && isMet(tally.streak, policy) && isFresh(policy, tally, now);
}

/**
 * A time-out is decided on a look, and never in the middle of a streak: a machine that has slept through it, or whose clock
 * was put forth, looks anew, and goes on looking as long as what it sees is a pass.
 */
function isMissed(policy: GatePolicy, tally: Tally | undefined, now: number): boolean {
  if (tally === undefined || looksIn(tally) === 0) return false;
  return tally.streak === undefined && isFresh(policy, tally, now);
}

/** Whether the newest look tells of now. One that lies ahead of the clock (which was put back) may be of any age. */
function isFresh(policy: GatePolicy, { last }: Tally, now: number): boolean {
  const age = now - last.ended;
  return age >= 0 && age <= maxGap(policy);
}

/**
 * The verdict on a gate at `now`. Converged when as many targets as the quorum asks for have converged; judged against
 * as soon as too few are left that still may. A gate without targets never converges (invariant 2).
 */
export function assessGate(
  gate: JudgedGate,
  tallies: { readonly [target: string]: Tally | undefined },
  since: number,
  now: number,
): GateAssessment {
  const targets = gate.targets.map(({ name }) => ({
    target: name,
    ...assessTarget(gate.policy, tallies[name], since, now),
  }));
  const needed = neededOf(gate);
  const status = judgeGate(targets, needed, now >= since + gate.policy.timeout);
  const converged = numberOf(targets, "converged");
  const reason = describeGate(status, targets, needed);
  return { status, reason, dryRun: gate.policy.dryRun, converged, needed, targets };
}

/** At least one, so that no quorum lets a gate pass without a measurement. */
export function neededOf({ targets, policy }: JudgedGate): number {
  if (policy.quorum === "all") return Math.max(1, targets.length);
  return policy.quorum === "any" ? 1 : Math.max(1, Math.ceil(policy.quorum));
}

const AGAINST = ["failed", "errored", "inconclusive"] as const;

function judgeGate(targets: readonly TargetAssessment[], needed: number, timeIsUp: boolean): GateStatus {
  if (numberOf(targets, "converged") >= needed) return "converged";
  const lost = AGAINST.filter((status) => numberOf(targets, status) > 0);
  const left = targets.length - numberOf(targets, ...AGAINST);
  if (left < needed && lost[0] !== undefined) return lost[0];
  return timeIsUp && numberOf(targets, "waiting") === 0 ? "timedOut" : "waiting";
}

function numberOf(targets: readonly TargetAssessment[], ...statuses: readonly GateStatus[]): number {
  return targets.filter(({ status }) => statuses.includes(status)).length;
}

/**
 * Whether all gates of a boundary are converged at once: each is converged now, and the looks that decide it ended
 * within `window` milliseconds of each other, give or take one look: when in a look its target was seen nobody knows, so
 * the longest of them is allowed for. Gates in dry run are not asked.
 *
 * It does not starve with the default window of twice the longest interval, however the targets' looks are out of step:
 * what a target showed last had ended at most one interval and one look ago. (Without that allowance two refresh
 * previews of five seconds each, one a second, would never fall into a window of two seconds.)
 */
export function jointly(assessments: readonly GateAssessment[], window: number): boolean {
  const asked = assessments.filter((assessment) => !assessment.dryRun);
  if (!asked.every((assessment) => assessment.status === "converged")) return false;
  const looks = asked.flatMap(decidingLooks);
  if (looks.length === 0) return true;
  const ends = looks.map((look) => look.ended);
  const longest = Math.max(...looks.map((look) => look.ended - look.began));
  return Math.max(...ends) - Math.min(...ends) <= window + longest;
}

/** With a quorum below all: the freshest looks that are enough. */
function decidingLooks({ targets, needed }: GateAssessment): readonly Measurement[] {
  const looks = targets.flatMap(({ deciding }) => deciding ?? []);
  return looks.sort((a, b) => b.ended - a.ended).slice(0, needed);
}

/**
 * When a target is to be looked at next, in milliseconds since the epoch; may lie in the past. Intervals count from
 * the beginning of a look, and a look never begins before the one before it has ended. The caller starts none while one
 * is under way. Where the newest look lies ahead of `now` the clock was put back: no interval can count from there.
 */
export function nextLookAt(
  policy: GatePolicy,
  seen: Tally | undefined,
  since: number,
  now = Number.POSITIVE_INFINITY,
): number {
  const first = since + policy.initialDelay;
  if (seen === undefined || seen.from < since || seen.last.ended > now) return first;
  return Math.max(first, seen.last.began + policy.interval, seen.last.ended);
}
