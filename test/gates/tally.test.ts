import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evidence, maxGap, resetStreaks, tally, worthRecording } from "../../src/gates/assess.js";
import { foldLooks, lookOf, policyOf, SINCE, seen } from "./looks.js";

describe("tally", () => {
  it("counts each verdict, the passes in a row and the errors in a row", () => {
    const after = seen("fpiepp");
    expect(after).toMatchObject({ counts: { pass: 3, fail: 1, inconclusive: 1, error: 1 }, consecutiveErrors: 0 });
    expect(after?.streak?.passes).toBe(2);
    expect(seen("pee")).toMatchObject({ consecutiveErrors: 2 });
    expect(seen("pee")?.streak).toBeUndefined();
  });

  it("knows since when the last verdict has stood", () => {
    expect(seen("ffppp")?.since).toBe(SINCE + 2_000);
    expect(seen("pppf")?.since).toBe(SINCE + 3_000);
  });

  it("remembers that it had converged and stopped passing", () => {
    const policy = policyOf({ consecutiveSuccessLimit: 2 });
    expect(seen("p", policy)).toMatchObject({ everConverged: false, flaps: 0 });
    expect(seen("pf", policy)).toMatchObject({ everConverged: false, flaps: 0 });
    expect(seen("ppfppe", policy)).toMatchObject({ everConverged: true, flaps: 2 });
  });

  it("counts no look that was begun before the update had ended (invariant 3)", () => {
    const early = lookOf("p", 1, { began: SINCE - 1, ended: SINCE + 50 });
    const first = tally(undefined, early, policyOf(), SINCE);
    expect(first.streak).toBeUndefined();
    expect(first.counts.pass).toBe(0);
    expect(tally(first, lookOf("p", 2), policyOf(), SINCE)).toMatchObject({
      since: SINCE + 1_000,
      counts: { pass: 1 },
    });
    const before = seen("p");
    expect(tally(before, { ...early, number: 9 }, policyOf(), SINCE)).toBe(before);
  });

  it("leaves a tally of an earlier attempt behind (invariant 3)", () => {
    const earlier = seen("ppp");
    const next = tally(earlier, lookOf("p", 10), policyOf(), SINCE + 5_000);
    expect(next).toMatchObject({ counts: { pass: 1 }, streak: { passes: 1 }, from: SINCE + 5_000 });
  });

  it("ignores a look that it has seen already", () => {
    const before = seen("pp");
    expect(before === undefined ? before : tally(before, lookOf("p", 2), policyOf(), SINCE)).toBe(before);
  });

  it("breaks the streak where nobody looked for too long, or a look itself took too long", () => {
    const policy = policyOf();
    const gap = maxGap(policy);
    const first = lookOf("p", 1);
    const close = { began: first.ended + gap - 100, ended: first.ended + gap };
    const far = { began: first.ended + gap - 100, ended: first.ended + gap + 1 };
    const slept = { began: first.ended + 1, ended: first.ended + gap + 1 };
    expect(foldLooks([first, lookOf("p", 2, close)], policy)?.streak?.passes).toBe(2);
    expect(foldLooks([first, lookOf("p", 2, far)], policy)).toMatchObject({ streak: { passes: 1 }, since: far.began });
    expect(foldLooks([first, lookOf("p", 2, slept)], policy)?.streak?.passes).toBe(1);
  });

  it("breaks the streak when the clock goes back", () => {
    const back = { began: SINCE + 10, ended: SINCE + 20 };
    expect(foldLooks([lookOf("p", 2), lookOf("p", 3, back)])?.streak?.passes).toBe(1);
    // Back by an hour, and found again at the very moment at which the look before it had begun.
    const { began } = lookOf("p", 2);
    const again = { began, ended: began + 1 };
    expect(foldLooks([lookOf("p", 2), lookOf("p", 3, again)])?.streak?.passes).toBe(1);
  });
});

describe("resetStreaks", () => {
  it("forgets what stood in a row and keeps what was counted", () => {
    const before = seen("eepp")!;
    const reset = resetStreaks(before);
    expect(reset.streak).toBeUndefined();
    expect(reset).toMatchObject({ consecutiveErrors: 0, counts: before.counts, last: before.last });
    expect(tally(reset, lookOf("p", 5), policyOf(), SINCE).streak?.passes).toBe(1);
  });
});

describe("evidence", () => {
  const numbers = (letters: string) => evidence(seen(letters)!).map((look) => look.number);

  it("is empty without a streak, and begins with its first look", () => {
    expect(numbers("ppf")).toEqual([]);
    expect(numbers("fpp")).toEqual([2, 3]);
  });

  it("keeps the first, the changes and the latest, and stays small", () => {
    expect(numbers("p".repeat(100))).toEqual([1, 98, 99, 100]);
    const changing = Array.from({ length: 30 }, (_, at) =>
      lookOf("p", at + 1, { observed: { version: at > 10 ? 2 : 1 } }),
    );
    expect(evidence(foldLooks(changing)!).map((look) => look.number)).toEqual([1, 12, 28, 29, 30]);
    const restless = Array.from({ length: 500 }, (_, at) => lookOf("p", at + 1, { observed: at }));
    expect(evidence(foldLooks(restless)!).length).toBeLessThanOrEqual(12);
  });

  it("has only passes of the present streak, in order, with its first and its last (property)", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("p", "p", "p", "f", "e", "i"), minLength: 1, maxLength: 60 }),
        (letters) => {
          const looks = evidence(seen(letters)!);
          const streak = /p*$/.exec(letters)?.[0].length ?? 0;
          expect(looks.every((look) => look.verdict === "pass" && look.number > letters.length - streak)).toBe(true);
          expect(looks.map((look) => look.number)).toEqual([...looks.map((look) => look.number)].sort((a, b) => a - b));
          if (streak > 0) expect(looks[0]?.number).toBe(letters.length - streak + 1);
          if (streak > 0) expect(looks.at(-1)?.number).toBe(letters.length);
        },
      ),
    );
  });
});

describe("worthRecording", () => {
  const recorded = (...looks: Parameters<typeof lookOf>[]) => {
    const before = foldLooks(looks.slice(0, -1).map((look) => lookOf(...look)));
    return worthRecording(before, tally(before, lookOf(...looks.at(-1)!), policyOf(), SINCE));
  };

  it("takes the first look, a change of verdict and a change of observed value", () => {
    expect(recorded(["f", 1])).toBe(true);
    expect(recorded(["f", 1], ["p", 2])).toBe(true);
    expect(recorded(["f", 1], ["f", 2, { observed: { status: 500 } }])).toBe(true);
  });

  it("takes no repetition, whatever its message or the order of its keys", () => {
    expect(recorded(["f", 1], ["f", 2])).toBe(false);
    expect(recorded(["f", 1], ["f", 2, { message: "other" }])).toBe(false);
    expect(recorded(["f", 1, { observed: { a: 1, b: 2 } }], ["f", 2, { observed: { b: 2, a: 1 } }])).toBe(false);
  });

  it("takes no look that does not count, and the first one that does", () => {
    const early = tally(undefined, lookOf("p", 1, { began: SINCE - 5 }), policyOf(), SINCE);
    expect(worthRecording(undefined, early)).toBe(false);
    expect(worthRecording(early, tally(early, lookOf("p", 2), policyOf(), SINCE))).toBe(true);
    const before = seen("p")!;
    expect(worthRecording(before, tally(before, lookOf("f", 2, { began: SINCE - 5 }), policyOf(), SINCE))).toBe(false);
  });
});
