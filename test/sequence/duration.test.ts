import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDuration, showDuration } from "../../src/sequence/duration.js";

describe("parseDuration", () => {
  it.each([
    ["500ms", 500],
    ["10s", 10_000],
    ["2m", 120_000],
    ["1h30m", 5_400_000],
    ["1d", 86_400_000],
    ["1.5s", 1_500],
    ["2m500ms", 120_500],
    ["0s", 0],
    [250, 250],
  ])("reads %s as %d ms", (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each([
    "",
    "5",
    "s",
    "5 s",
    "-1s",
    "1s1m",
    "5sec",
    "1e3s",
    Number.NaN,
    -1,
    Number.POSITIVE_INFINITY,
    null,
    undefined,
    {},
  ])("refuses %s", (wrong) => {
    expect(parseDuration(wrong)).toBeUndefined();
  });
});

describe("showDuration", () => {
  it("is read back as the same duration", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 * 86_400_000 }), (milliseconds) => {
        expect(parseDuration(showDuration(milliseconds))).toBe(milliseconds);
      }),
    );
  });

  it("is short", () => {
    expect([90_000, 3_600_000, 500, 0].map(showDuration)).toEqual(["1m30s", "1h", "500ms", "0s"]);
  });
});
