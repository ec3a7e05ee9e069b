import fc from "fast-check";
import { expect, test } from "vitest";
import { callerOf, rotation } from "../../src/world/edges.js";

const LOOKS = fc.record({
  seed: fc.integer(),
  caller: fc.string(),
  from: fc.nat(1_000),
  edges: fc.integer({ min: 5, max: 9 }),
});

test("2n-1 requests in a row of one caller meet every edge, wherever they begin", () => {
  fc.assert(
    fc.property(LOOKS, ({ seed, caller, from, edges }) => {
      const met = new Set<number>();
      for (let nth = from; nth < from + 2 * edges - 1; nth++) met.add(rotation(seed, "r", edges, caller, nth));
      expect(met.size).toBe(edges);
    }),
  );
});

test("one request meets any of them", () => {
  const first = Array.from({ length: 100 }, (_, seed) => rotation(seed, "r", 5, "c", 0));
  expect(new Set(first).size).toBe(5);
});

test("callers differ by what they say of themselves, and none of it can be read back", () => {
  const caller = callerOf({ authorization: "Bearer secret-token" });
  expect(caller).toBe(callerOf({ authorization: "Bearer secret-token", accept: "*/*" }));
  expect(caller).not.toBe(callerOf({ authorization: "Bearer other" }));
  expect(caller).toMatch(/^[0-9a-f]{16}$/);
});
