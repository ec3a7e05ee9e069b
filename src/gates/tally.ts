/**
 * What has been seen of one target, folded look by look into a few numbers: a gate that is watched for a week needs no
 * more memory than one that passes at once. Pure; time comes with the measurements (invariant 8).
 */
import { canonical } from "../canonical.js";
import type { GatePolicy, Measurement, Verdict } from "./model.js";

/** Passes without a break, in which nobody looked away for too long. */
export interface Streak {
  readonly passes: number;
  /** The looks that are kept of it: its first, those that observed something new, its latest. In order, bounded. */
  readonly kept: readonly Measurement[];
}

export interface Tally {
  /** Only looks begun at or after this moment (milliseconds since the epoch) are in it (invariant 3). */
  readonly from: number;
  readonly counts: { readonly [verdict in Verdict]: number };
  readonly consecutiveErrors: number;
  /** The newest look, of whatever verdict. */
  readonly last: Measurement;
  /** When the first of the looks began that have since then all had the newest look's verdict. */
  readonly since: number;
  /** Absent while the newest look is no pass. */
  readonly streak?: Streak;
  /** It has met its policy at some time. */
  readonly everConverged: boolean;
  /** How often it has stopped passing after it had converged. */
  readonly flaps: number;
}

/** Milliseconds that a loaded machine may be late without its looks losing their connection. */
const GRACE = 1_000;

/** Looks that a streak keeps at its end, and looks that observed something new. */
const LATEST_KEPT = 3;
const CHANGES_KEPT = 8;

const NO_LOOKS = { pass: 0, fail: 0, inconclusive: 0, error: 0 };

/**
 * The longest time, in milliseconds, from the end of one look to the end of the next (or to now) in which a target may
 * be taken to have stayed as it was. A machine that slept, or that was too busy to look, measures anew (invariant 2).
 */
export function maxGap(policy: GatePolicy): number {
  return 3 * policy.interval + policy.requestTimeout + GRACE;
}

/**
 * One look more. `since` is the end of the updates that the gate proves: a look begun before it counts for nothing, and
 * a tally of an earlier `since` is left behind (invariant 3). Looks come in order of their numbers; a repeated one
 * changes nothing.
 */
export function tally(previous: Tally | undefined, look: Measurement, policy: GatePolicy, since: number): Tally {
  const before = previous !== undefined && previous.from >= since ? previous : undefined;
  if (look.began < since) return before ?? nothing(look, since);
  if (before === undefined) return count(nothing(look, since), look, policy, false);
  return look.number <= before.last.number ? before : count(before, look, policy, isConnected(before, look, policy));
}

function nothing(look: Measurement, from: number): Tally {
  const none = { counts: NO_LOOKS, consecutiveErrors: 0, everConverged: false, flaps: 0 };
  return { ...none, from, last: look, since: look.began };
}

/** How many looks count. */
export function looksIn({ counts }: Tally): number {
  return counts.pass + counts.fail + counts.inconclusive + counts.error;
}

/**
 * Nothing unseen can have happened between the two: close enough, and the clock did not go back. (A target's looks never
 * overlap: one that begins before the end of the one before it was timed by another clock.)
 */
function isConnected(before: Tally, look: Measurement, policy: GatePolicy): boolean {
  return looksIn(before) > 0 && look.began >= before.last.ended && look.ended - before.last.ended <= maxGap(policy);
}

function count(before: Tally, look: Measurement, policy: GatePolicy, connected: boolean): Tally {
  const { verdict } = look;
  const same = connected && before.last.verdict === verdict;
  const streak = verdict === "pass" ? extend(connected ? before.streak : undefined, look) : undefined;
  const broke = verdict !== "pass" && before.streak !== undefined && isMet(before.streak, policy);
  return {
    from: before.from,
    counts: { ...before.counts, [verdict]: before.counts[verdict] + 1 },
    consecutiveErrors: verdict === "error" ? before.consecutiveErrors + 1 : 0,
    last: look,
    since: same ? before.since : look.began,
    ...(streak === undefined ? {} : { streak }),
    everConverged: before.everConverged || (streak !== undefined && isMet(streak, policy)),
    flaps: before.flaps + (broke ? 1 : 0),
  };
}

function extend(streak: Streak | undefined, look: Measurement): Streak {
  if (streak === undefined) return { passes: 1, kept: [look] };
  return { passes: streak.passes + 1, kept: keep([...streak.kept, look]) };
}

function keep(looks: readonly Measurement[]): readonly Measurement[] {
  const older = looks.slice(0, -LATEST_KEPT);
  const [first, ...changes] = older.filter((look, at) => at === 0 || isNews(older[at - 1], look));
  const kept = first === undefined ? [] : [first, ...changes.slice(-CHANGES_KEPT)];
  return [...kept, ...looks.slice(-LATEST_KEPT)];
}

function isNews(before: Measurement | undefined, look: Measurement): boolean {
  return before?.verdict !== look.verdict || canonical(before.observed) !== canonical(look.observed);
}

/** Whether the streak has the passes, and the time, that the policy asks for. */
export function isMet(streak: Streak, policy: GatePolicy): boolean {
  return streak.passes >= Math.max(1, policy.consecutiveSuccessLimit) && stableFor(streak) >= policy.stableFor;
}

/**
 * How long a streak is sure to have lasted, in milliseconds: from the end of its first look to the beginning of its
 * last, since a look may have seen its target at any moment in between.
 */
export function stableFor(streak: Streak): number {
  const first = streak.kept[0];
  const last = streak.kept.at(-1);
  return first === undefined || last === undefined ? 0 : Math.max(0, last.began - first.ended);
}

/** For whoever takes a run over: streaks begin anew, since nobody watched meanwhile; what was counted stays counted. */
export function resetStreaks(tally: Tally): Tally {
  const { streak: _, ...rest } = tally;
  return { ...rest, consecutiveErrors: 0 };
}

/** The looks to be recorded as the reason that a target has converged: of its streak the first, the changes, the latest. */
export function evidence(tally: Tally): readonly Measurement[] {
  return tally.streak?.kept ?? [];
}

/** Whether the newest look belongs into the ledger: the first one, and each change of verdict or observed value (DESIGN 7). */
export function worthRecording(previous: Tally | undefined, next: Tally): boolean {
  if (looksIn(next) === 0) return false;
  if (previous === undefined || previous.from !== next.from || looksIn(previous) === 0) return true;
  return previous.last.number !== next.last.number && isNews(previous.last, next.last);
}
