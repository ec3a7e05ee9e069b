/** A target of a gate as a row: what was seen there last, how far it has come, since when. Pure. */
import { isMet, type Streak, stableFor, type Tally } from "../gates/assess.js";
import type { GatePolicy, Json, Measurement } from "../gates/model.js";
import { looksIn } from "../gates/tally.js";
import type { PlanGate } from "../plan/model.js";
import { countsFrom, talliesOf } from "../run/gates.js";
import type { MeasuredTarget } from "../run/state.js";
import { duration, shown } from "./text.js";
import type { Mark, TreeInput, TreeRow } from "./tree-model.js";

/** The row of one target. What this process saw itself goes before what is recorded, which says that it is. */
export function targetRow(input: TreeInput, gate: PlanGate, target: string): TreeRow {
  const base = { kind: "target", name: target, children: [] } as const;
  const tally = talliesOf(input.state, input.seen, gate)[target];
  if (tally !== undefined && looksIn(tally) > 0) return { ...base, ...live(tally, gate.policy, input.now) };
  const recorded = input.state.gates[gate.id]?.measured[target];
  if (recorded !== undefined && recorded.last.began >= countsFrom(input.state, gate))
    return { ...base, ...fromRecord(recorded, input.now) };
  return { ...base, mark: "waiting", text: "not looked at yet", spare: 1 };
}

type Told = Omit<TreeRow, "kind" | "name" | "children">;

function live(tally: Tally, policy: GatePolicy, now: number): Told {
  const met = tally.streak !== undefined && isMet(tally.streak, policy);
  const meter = meterOf(tally, policy);
  return {
    mark: met ? "done" : markOf(tally.last),
    text: sightOf(tally.last),
    ...(meter === undefined ? {} : { meter }),
    time: elapsed(now - tally.since),
    spare: met ? 4 : tally.last.verdict === "pass" ? 3 : 1,
  };
}

/** Beside what this process has not seen itself. */
export const RECORDED = "last recorded";

function fromRecord({ last }: MeasuredTarget, now: number): Told {
  const time = elapsed(now - last.ended);
  return {
    mark: markOf(last),
    text: sightOf(last),
    meter: RECORDED,
    time: `${time} ago`,
    spare: last.verdict === "pass" ? 3 : 1,
  };
}

const MARKS: { readonly [verdict in Measurement["verdict"]]: Mark } = {
  pass: "working",
  fail: "missing",
  inconclusive: "unsure",
  error: "unsure",
};

function markOf({ verdict }: Measurement): Mark {
  return MARKS[verdict];
}

/** Towards what the policy counts: passes in a row, time without a break, or the limit of what goes wrong. */
function meterOf({ streak, counts, consecutiveErrors, last }: Tally, policy: GatePolicy): string | undefined {
  if (streak !== undefined) return streakOf(streak, policy);
  if (last.verdict === "fail" && policy.failureLimit !== undefined)
    return `failed ${counts.fail} of ${policy.failureLimit}`;
  if (last.verdict === "error" && policy.consecutiveErrorLimit !== undefined)
    return `${consecutiveErrors} of ${policy.consecutiveErrorLimit} errors`;
  if (last.verdict === "inconclusive" && policy.inconclusiveLimit !== undefined)
    return `${counts.inconclusive} of ${policy.inconclusiveLimit} inconclusive`;
  return undefined;
}

function streakOf(streak: Streak, policy: GatePolicy): string {
  const needed = Math.max(1, policy.consecutiveSuccessLimit);
  if (isMet(streak, policy)) return `${streak.passes} in a row`;
  if (streak.passes < needed) return `${streak.passes} of ${needed} in a row`;
  return `stable ${elapsed(stableFor(streak))} of ${elapsed(policy.stableFor)}`;
}

/** `403, expected 200`; of many values only those that are not as expected. */
export function sightOf({ verdict, observed, expected, message }: Measurement): string {
  if (verdict === "pass") return shown(observed);
  if (verdict !== "fail") return `${verdict}: ${message ?? shown(observed)}`;
  const parts = differences(observed, expected);
  return parts.length === 0 ? `${shown(observed)}, expected ${shown(expected)}` : parts.join("; ");
}

/** The status first, since it says most; nested values by their own names: `policy absent, expected 2`. */
function differences(observed: Json, expected: Json, name = ""): readonly string[] {
  if (!isRecord(observed) || !isRecord(expected))
    return `${shown(observed)}` === `${shown(expected)}`
      ? []
      : [`${name === "" || name === "status" ? "" : `${name} `}${shown(observed)}, expected ${shown(expected)}`];
  return Object.keys(expected)
    .filter((key) => observed[key] !== undefined)
    .sort((a, b) => Number(b === "status") - Number(a === "status"))
    .flatMap((key) => differences(observed[key] ?? null, expected[key] ?? null, key));
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** A duration that still runs: whole seconds, so that a row changes once a second. */
export function elapsed(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return seconds < 60 ? `${seconds} s` : duration(seconds * 1000);
}
