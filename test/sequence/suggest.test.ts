import { describe, expect, it } from "vitest";
import { didYouMean, nearest } from "../../src/sequence/suggest.js";

describe("nearest", () => {
  it.each([
    ["dirr", "dir"],
    ["intreval", "interval"],
    ["timeOut", "timeout"],
    ["convergedwhen", "convergedWhen"],
  ])("takes %s for %s", (word, meant) => {
    expect(nearest(word, ["dir", "interval", "timeout", "convergedWhen", "stack"])).toBe(meant);
  });

  it("offers nothing for a word that is like none", () => {
    expect(nearest("colour", ["dir", "stack"])).toBeUndefined();
    expect(didYouMean("colour", ["dir"])).toBe("");
  });
});
