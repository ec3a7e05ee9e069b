import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  assessGate,
  assessTarget,
  type GateAssessment,
  type GateStatus,
  jointly,
  maxGap,
  nextLookAt,
  type Tally,
} from "../../src/gates/assess.js";
import type { GatePolicy, Measurement } from "../../src/gates/model.js";
import { endOfLook, foldLooks, lookOf, policyOf, SINCE, seen } from "./looks.js";

describe("assessTarget", () => {
  type Row = readonly [given: string, policy: Partial<GatePolicy>, at: number, then: GateStatus];
  const rows: readonly Row[] = [
    ["", {}, SINCE, "waiting"],
    ["", {}, SINCE + 59_999, "waiting"],
    // A machine that slept through the time-out looks before it decides.
    ["", {}, SINCE + 60_000, "waiting"],
    ["f", { timeout: 1_000 }, SINCE + 60_000, "waiting"],
    // What passes is given the time to converge, and none once it doesn't.
    ["pp", { timeout: 1_000, consecutiveSuccessLimit: 3 }, endOfLook(2), "waiting"],
    ["ppf", { timeout: 1_000, consecutiveSuccessLimit: 3 }, endOfLook(3), "timedOut"],
    ["p", {}, endOfLook(1), "converged"],
    ["f", {}, endOfLook(1), "waiting"],
    ["i", {}, endOfLook(1), "waiting"],
    ["e", {}, endOfLook(1), "waiting"],
    ["pf", {}, endOfLook(2), "waiting"],
    ["pe", {}, endOfLook(2), "waiting"],
    ["pi", {}, endOfLook(2), "waiting"],
    ["pp", { consecutiveSuccessLimit: 3 }, endOfLook(2), "waiting"],
    ["ppp", { consecutiveSuccessLimit: 3 }, endOfLook(3), "converged"],
    ["ppepp", { consecutiveSuccessLimit: 3 }, endOfLook(5), "waiting"],
    ["p", { consecutiveSuccessLimit: 0 }, endOfLook(1), "converged"],
    // From the end of the first look (0.1 s) to the beginning of the fourth (3 s): 2.9 s for certain.
    ["pppp", { stableFor: 2_900 }, endOfLook(4), "converged"],
    ["pppp", { stableFor: 2_901 }, endOfLook(4), "waiting"],
    ["pppfp", { stableFor: 2_900 }, endOfLook(5), "waiting"],
    ["ff", { failureLimit: 2 }, endOfLook(2), "failed"],
    ["fpf", { failureLimit: 2 }, endOfLook(3), "failed"],
    // Failed comes before converged, and stays.
    ["ffp", { failureLimit: 2 }, endOfLook(3), "failed"],
    ["ee", { consecutiveErrorLimit: 2 }, endOfLook(2), "errored"],
    ["epe", { consecutiveErrorLimit: 2 }, endOfLook(3), "waiting"],
    ["eeee", { failureLimit: 1 }, endOfLook(4), "waiting"],
    ["ffff", { consecutiveErrorLimit: 1, inconclusiveLimit: 1 }, endOfLook(4), "waiting"],
    ["ipi", { inconclusiveLimit: 2 }, endOfLook(3), "inconclusive"],
    // Converged comes before the time-out.
    ["p", { timeout: 50 }, endOfLook(1), "converged"],
    ["f", { timeout: 1_000 }, SINCE + 1_000, "timedOut"],
    // Too old to be a pass.
    ["p", {}, endOfLook(1) + maxGap(policyOf()), "converged"],
    ["p", {}, endOfLook(1) + maxGap(policyOf()) + 1, "waiting"],
    // The clock was put back: how old the look is nobody knows.
    ["p", {}, endOfLook(1) - 1, "waiting"],
  ];
  it.each(rows)("given looks '%s' under %j at %d: %4$s", (letters, overrides, at, then) => {
    const policy = policyOf(overrides);
    expect(assessTarget(policy, seen(letters, policy), SINCE, at).status).toBe(then);
  });

  it("takes a tally of an earlier attempt for none (invariant 3)", () => {
    expect(assessTarget(policyOf(), seen("ppp"), SINCE + 1, endOfLook(3)).status).toBe("waiting");
    expect(assessTarget(policyOf({ failureLimit: 1 }), seen("f"), SINCE + 1, endOfLook(1)).status).toBe("waiting");
  });

  it("names what it saw, what it expected, how often and since when", () => {
    const { reason } = assessTarget(policyOf(), seen("pff"), SINCE, SINCE + 60_000);
    expect(reason).toBe(
      'observed {"status":403}, expected {"status":200}; fail since 1970-01-01T00:16:41.000Z, 3 looks',
    );
    expect(assessTarget(policyOf(), undefined, SINCE, SINCE).reason).toContain("not looked at yet");
  });

  it("gives the look that decided", () => {
    expect(assessTarget(policyOf(), seen("pp"), SINCE, endOfLook(2)).deciding?.number).toBe(2);
    expect(assessTarget(policyOf(), seen("pf"), SINCE, endOfLook(2)).deciding).toBeUndefined();
  });
});

/** A gate over targets a, b, c … with the looks of each in letters. */
function gate(looks: readonly string[], overrides: Partial<GatePolicy> = {}, at = endOfLook(9)): GateAssessment {
  const policy = policyOf({ timeout: 1_000_000, interval: 10_000, ...overrides });
  const names = looks.map((_, place) => String.fromCharCode(97 + place));
  const tallies = Object.fromEntries(names.map((name, place) => [name, seen(looks[place] ?? "", policy)]));
  return assessGate({ targets: names.map((name) => ({ name })), policy }, tallies, SINCE, at);
}

describe("assessGate", () => {
  type Row = readonly [given: readonly string[], policy: Partial<GatePolicy>, then: GateStatus];
  const limits = { failureLimit: 1, consecutiveErrorLimit: 1, inconclusiveLimit: 1 };
  const rows: readonly Row[] = [
    [["p", "p", "p"], {}, "converged"],
    [["p", "p", "f"], {}, "waiting"],
    [["p", "p", ""], {}, "waiting"],
    [["p", "", ""], { quorum: "any" }, "converged"],
    [["f", "f", ""], { quorum: "any" }, "waiting"],
    [["p", "f", "p"], { quorum: 2 }, "converged"],
    [["p", "f", "f"], { quorum: 2 }, "waiting"],
    [["p", "p"], { quorum: 3 }, "waiting"],
    [["f"], { quorum: 0 }, "waiting"],
    [["f"], { quorum: -1 }, "waiting"],
    [["p", "f", "p"], limits, "failed"],
    [["p", "e", "p"], limits, "errored"],
    [["p", "i", "p"], limits, "inconclusive"],
    [["i", "e", "f"], limits, "failed"],
    [["i", "e", "p"], limits, "errored"],
    // One may be lost as long as enough are left.
    [["f", "p", "p"], { ...limits, quorum: 2 }, "converged"],
    [["f", "p", ""], { ...limits, quorum: 2 }, "waiting"],
    [["f", "f", "p"], { ...limits, quorum: 2 }, "failed"],
    [["f", "f", "p"], { ...limits, quorum: "any" }, "converged"],
    [["p", "f"], { timeout: 1_000 }, "timedOut"],
    [["f", ""], { ...limits, quorum: "any", timeout: 1_000 }, "waiting"],
  ];
  it.each(rows)("given %j under %j: %s", (looks, overrides, then) => {
    expect(gate(looks, overrides).status).toBe(then);
  });

  it("never lets a gate without a target pass (invariant 2)", () => {
    expect(gate([]).status).toBe("waiting");
    expect(gate([], { quorum: "any" }).status).toBe("waiting");
    expect(gate([], { quorum: 0, timeout: 1 })).toMatchObject({ status: "timedOut", reason: "it has no target" });
  });

  it("ignores tallies of targets that it does not have", () => {
    const policy = policyOf();
    const tallies = { b: seen("p") };
    expect(assessGate({ targets: [{ name: "a" }], policy }, tallies, SINCE, endOfLook(1)).status).toBe("waiting");
  });

  it("says which targets hold it back", () => {
    const { reason, converged, needed } = gate(["p", "f"]);
    expect({ converged, needed }).toEqual({ converged: 1, needed: 2 });
    expect(reason).toContain("1 of 2 targets have converged, 2 must; b: observed");
  });
});

describe("jointly", () => {
  const assessed = (
    deciding: readonly (readonly [began: number, ended: number])[],
    more: Partial<GateAssessment> = {},
  ) => ({
    status: "converged" as const,
    reason: "",
    dryRun: false,
    converged: deciding.length,
    needed: deciding.length,
    targets: deciding.map(([began, ended], at) => ({
      target: String(at),
      status: "converged" as const,
      reason: "",
      deciding: lookOf("p", 1, { began, ended }),
    })),
    ...more,
  });

  it("opens when all are converged and their looks ended within the window, give or take a look", () => {
    expect(jointly([assessed([[0, 10]]), assessed([[110, 120]])], 100)).toBe(true);
    expect(jointly([assessed([[0, 10]]), assessed([[111, 121]])], 100)).toBe(false);
    expect(
      jointly(
        [
          assessed([
            [0, 10],
            [111, 121],
          ]),
        ],
        100,
      ),
    ).toBe(false);
  });

  it("stays shut while one gate is not converged now", () => {
    expect(jointly([assessed([[0, 10]]), assessed([[0, 10]], { status: "waiting" })], 100)).toBe(false);
    expect(jointly([assessed([[0, 10]], { status: "timedOut" })], 100)).toBe(false);
  });

  it("does not ask a gate in dry run, and nothing where there is no gate", () => {
    expect(jointly([assessed([[0, 10]]), assessed([], { status: "failed", dryRun: true })], 100)).toBe(true);
    expect(jointly([], 0)).toBe(true);
  });

  it("takes the freshest looks that are enough for a quorum", () => {
    expect(
      jointly(
        [
          assessed(
            [
              [0, 10],
              [500, 510],
            ],
            { needed: 1 },
          ),
          assessed([[520, 530]]),
        ],
        100,
      ),
    ).toBe(true);
  });

  it("does not starve, however long the looks take and however they are out of step (property)", () => {
    const target = fc.record({
      interval: fc.integer({ min: 500, max: 5_000 }),
      durations: fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 5 }),
      phase: fc.integer({ min: 0, max: 10_000 }),
    });
    fc.assert(
      fc.property(fc.array(target, { minLength: 2, maxLength: 5 }), (targets) => {
        const window = 2 * Math.max(...targets.map(({ interval }) => interval));
        const newest = new Map<number, readonly [number, number]>();
        const opens = looksOf(targets).some(({ place, look }) => {
          newest.set(place, look);
          return newest.size === targets.length && jointly([assessed([...newest.values()])], window);
        });
        expect(opens).toBe(true);
      }),
    );
  });

  /** A minute of looks at each target, one after another, in the order in which they end. */
  function looksOf(targets: readonly { interval: number; durations: readonly number[]; phase: number }[]) {
    const looks = targets.flatMap(({ interval, durations, phase }, place) => {
      const own: { place: number; look: readonly [number, number] }[] = [];
      for (let at = phase, n = 0; at < 60_000; n++) {
        const duration = durations[n % durations.length] ?? 1;
        own.push({ place, look: [at, at + duration] });
        at += Math.max(interval, duration);
      }
      return own;
    });
    return looks.sort((a, b) => a.look[1] - b.look[1]);
  }
});

describe("nextLookAt", () => {
  const policy = policyOf({ initialDelay: 300, interval: 1_000 });
  it("waits for the initial delay", () => {
    expect(nextLookAt(policy, undefined, SINCE)).toBe(SINCE + 300);
  });
  it("counts the interval from the beginning of the last look", () => {
    expect(nextLookAt(policy, seen("p", policy), SINCE)).toBe(SINCE + 1_000);
  });
  it("never begins before the last look has ended", () => {
    const slow = foldLooks([lookOf("p", 1, { ended: SINCE + 4_000 })], policy);
    expect(nextLookAt(policy, slow, SINCE)).toBe(SINCE + 4_000);
  });
  it("does not wait for a clock that was put back to catch up with the last look", () => {
    expect(nextLookAt(policy, seen("ppp", policy), SINCE, SINCE + 500)).toBe(SINCE + 300);
  });
  it("starts anew after another update", () => {
    expect(nextLookAt(policy, seen("ppp", policy), SINCE + 10_000)).toBe(SINCE + 10_300);
  });
});

describe("properties", () => {
  const policies = fc
    .record({
      consecutiveSuccessLimit: fc.integer({ min: 0, max: 4 }),
      stableFor: fc.integer({ min: 0, max: 4_000 }),
      timeout: fc.integer({ min: 1, max: 40_000 }),
      failureLimit: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
      consecutiveErrorLimit: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
      inconclusiveLimit: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
    })
    .map(({ failureLimit, consecutiveErrorLimit, inconclusiveLimit, ...rest }) =>
      policyOf({
        ...rest,
        ...(failureLimit === undefined ? {} : { failureLimit }),
        ...(consecutiveErrorLimit === undefined ? {} : { consecutiveErrorLimit }),
        ...(inconclusiveLimit === undefined ? {} : { inconclusiveLimit }),
      }),
    );

  /** Looks at irregular times, from before SINCE on, with gaps and clocks that go back. */
  const histories = fc
    .array(
      fc.record({
        letter: fc.constantFrom("p", "p", "p", "f", "i", "e"),
        pause: fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: -3_000, max: 20_000 })),
        duration: fc.integer({ min: 0, max: 900 }),
      }),
      { maxLength: 25 },
    )
    .map((steps) => {
      let at = SINCE - 4_000;
      return steps.map(({ letter, pause, duration }, place): Measurement => {
        at += pause;
        return lookOf(letter, place + 1, { began: at, ended: at + duration });
      });
    });
  const elapsed = fc.integer({ min: 0, max: 30_000 });
  const endOf = (looks: readonly Measurement[]) => Math.max(SINCE, ...looks.map((look) => look.ended));

  it("never converged without enough fresh passes in a row at the end (invariants 2 and 3)", () => {
    fc.assert(
      fc.property(policies, histories, elapsed, (policy, looks, later) => {
        const now = endOf(looks) + later;
        const { status, deciding } = assessTarget(policy, foldLooks(looks, policy), SINCE, now);
        if (status !== "converged") return;
        const counted = looks.filter((look) => look.began >= SINCE);
        const needed = Math.max(1, policy.consecutiveSuccessLimit);
        const deciders = counted.slice(-needed);
        expect(deciders).toHaveLength(needed);
        expect(deciders.every((look) => look.verdict === "pass")).toBe(true);
        expect(deciding).toEqual(deciders.at(-1));
        expect(now - (deciding?.ended ?? 0)).toBeLessThanOrEqual(maxGap(policy));
      }),
      { numRuns: 500 },
    );
  });

  it("is the same whether earlier looks of another attempt were seen or not (invariant 3)", () => {
    fc.assert(
      fc.property(policies, histories, elapsed, (policy, looks, later) => {
        const fresh = looks.filter((look) => look.began >= SINCE);
        const now = endOf(looks) + later;
        const first = assessTarget(policy, foldLooks(looks, policy), SINCE, now);
        expect(first).toEqual(assessTarget(policy, foldLooks(fresh, policy), SINCE, now));
      }),
    );
  });

  it("error is never fail, fail is never error", () => {
    fc.assert(
      fc.property(policies, histories, elapsed, (policy, looks, later) => {
        const { status } = assessTarget(policy, foldLooks(looks, policy), SINCE, endOf(looks) + later);
        if (!looks.some((look) => look.verdict === "fail")) expect(status).not.toBe("failed");
        if (!looks.some((look) => look.verdict === "error")) expect(status).not.toBe("errored");
        if (!looks.some((look) => look.verdict === "inconclusive")) expect(status).not.toBe("inconclusive");
      }),
    );
  });

  it("the quorum is monotone: what converges under a larger one converges under a smaller one", () => {
    fc.assert(
      fc.property(
        policies,
        fc.array(histories, { minLength: 1, maxLength: 5 }),
        fc.nat(6),
        fc.nat(6),
        (policy, all, a, b) => {
          const names = all.map((_, place) => String(place));
          const tallies: { [name: string]: Tally | undefined } = {};
          for (const [place, looks] of all.entries()) tallies[String(place)] = foldLooks(looks, policy);
          const judge = (quorum: number) => {
            const judged = { targets: names.map((name) => ({ name })), policy: { ...policy, quorum } };
            return assessGate(judged, tallies, SINCE, Math.max(...all.map(endOf))).status;
          };
          if (judge(Math.max(a, b)) === "converged") expect(judge(Math.min(a, b))).toBe("converged");
        },
      ),
    );
  });
});
