/**
 * What has been seen and said of a gate's targets, so that a log says each thing once: a first look and every change at
 * once, but a target that goes back and forth only by its count, with the next heartbeat. Pure.
 */
import type { Measurement } from "../gates/model.js";

/** What is known of a target. */
export interface SeenTarget {
  readonly last: Measurement;
  /** Since when it has looked like this, milliseconds since the epoch. */
  readonly since: number;
  /** Passes in a row. */
  readonly passes: number;
  /** Changes that no line has told. */
  readonly untold: number;
  /** Lines since the last heartbeat. */
  readonly told: number;
  /** What it has looked like since it was last quiet. */
  readonly known: readonly string[];
}

/** More new sights in a minute than this, and they are only counted: an observed number may differ with each look. */
const MOST_LINES = 3;

/** One look further, and whether it is to be said at once. */
export function noteLook(before: SeenTarget | undefined, last: Measurement): { seen: SeenTarget; say: boolean } {
  const sight = sightOf(last);
  const passes = last.verdict === "pass" ? (before?.passes ?? 0) + 1 : 0;
  if (before === undefined)
    return { say: true, seen: { last, since: last.began, passes, untold: 0, told: 1, known: [sight] } };
  if (sightOf(before.last) === sight) return { say: false, seen: { ...before, last, passes } };
  const changed = { ...before, last, passes, since: last.began };
  if (before.known.includes(sight) || before.told >= MOST_LINES)
    return { say: false, seen: { ...changed, untold: before.untold + 1 } };
  return { say: true, seen: { ...changed, told: before.told + 1, known: [...before.known, sight] } };
}

/** After a heartbeat: what was untold is told; a target that was quiet since the last one may be new again. */
export function afterHeartbeat(seen: SeenTarget): SeenTarget {
  const quiet = seen.untold === 0 && seen.told === 0;
  return { ...seen, untold: 0, told: 0, known: quiet ? [sightOf(seen.last)] : seen.known };
}

function sightOf({ verdict, observed, message }: Measurement): string {
  return JSON.stringify([verdict, observed, verdict === "pass" ? undefined : message]);
}
