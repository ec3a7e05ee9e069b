/** Builders for gate tests: a policy, looks in letters, and the tally that they make. */
import { type Tally, tally } from "../../src/gates/assess.js";
import type { GatePolicy, Json, Measurement, Verdict } from "../../src/gates/model.js";

/** The end of the update that the gates of these tests prove. */
export const SINCE = 1_000_000;

export function policyOf(overrides: Partial<GatePolicy> = {}): GatePolicy {
  return {
    quorum: "all",
    initialDelay: 0,
    interval: 1_000,
    timeout: 60_000,
    requestTimeout: 500,
    consecutiveSuccessLimit: 1,
    stableFor: 0,
    dryRun: false,
    onFailure: "halt",
    onError: "halt",
    onInconclusive: "halt",
    onTimeout: "halt",
    ...overrides,
  };
}

const VERDICTS: { readonly [letter: string]: Verdict } = { p: "pass", f: "fail", i: "inconclusive", e: "error" };

/** Look `number` (from 1): one an interval of a second from SINCE on, each of 100 ms. */
export function lookOf(letter: string, number: number, overrides: Partial<Measurement> = {}): Measurement {
  const verdict = VERDICTS[letter] ?? "error";
  const began = SINCE + (number - 1) * 1_000;
  const observed: Json = { status: verdict === "pass" ? 200 : verdict === "fail" ? 403 : null };
  return { verdict, observed, expected: { status: 200 }, number, began, ended: began + 100, ...overrides };
}

/** Folds looks in letters (`ppf`), one a second. */
export function seen(letters: string, policy = policyOf(), since = SINCE): Tally | undefined {
  return foldLooks(
    [...letters].map((letter, at) => lookOf(letter, at + 1)),
    policy,
    since,
  );
}

export function foldLooks(looks: readonly Measurement[], policy = policyOf(), since = SINCE): Tally | undefined {
  return looks.reduce<Tally | undefined>((before, look) => tally(before, look, policy, since), undefined);
}

/** Just after look `number` has ended. */
export function endOfLook(number: number): number {
  return SINCE + (number - 1) * 1_000 + 100;
}
