/** What the record says of stacks, on a real Postgres. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenLedger } from "../../src/ledger/index.js";
import type { NewEntry } from "../../src/run/ports.js";
import { type TestServer, testServer } from "../support/postgres.js";

let server: TestServer;
let ledger: OpenLedger;
beforeAll(async () => {
  server = await testServer();
  ledger = await (await server.fresh()).open();
  await ledger.append(
    [
      made("operation.succeeded", "a", { checkpoint: "1" }),
      made("operation.succeeded", "a", { checkpoint: "2" }),
      made("operation.succeeded", "a", {}),
      made("drift.scanned", "a", { result: "clean" }),
      made("drift.scanned", "a", { result: "not assessed" }),
      made("drift.scanned", "a", { result: "not assessed" }),
      made("departure.detected", "a", { id: "d" }),
      made("departure.closed", "a", { id: "d" }),
      made("departure.detected", "b", { id: "e" }),
      made("run.paused", undefined, {}),
      { ...made("operation.intended", "a", {}), run: "r", operation: "r.s.1.up" },
      declared("one", { ahead: true }),
      { ...declared("one", { ahead: true }), rehearsal: true },
      declared("two", { ahead: true }),
      declared("two", {}),
      { ...declared("one", {}), type: "sequence.withdrawn" },
    ],
    { id: randomUUID(), leases: [] },
  );
});
afterAll(() => server?.close());

function made(type: string, stack: string | undefined, body: NewEntry["body"]): NewEntry {
  return { type, causes: [], body: { at: 1, ...body }, ...(stack === undefined ? {} : { stack }) };
}

const declared = (sequence: string, body: NewEntry["body"]): NewEntry => ({
  ...made("sequence.declared", undefined, body),
  sequence,
});

describe("the record of stacks", () => {
  const every = ["departure.detected", "departure.closed"];
  it("has every entry of some types, and of others the newest of each result and kind", async () => {
    const numbers = async (stacks?: readonly string[]) =>
      (
        await ledger.aboutStacks({ every, newest: ["operation.succeeded", "drift.scanned"], ...(stacks && { stacks }) })
      ).map(({ number }) => number);
    expect(await numbers(["a"])).toEqual([2, 3, 4, 6, 7, 8]);
    expect(await numbers()).toEqual([2, 3, 4, 6, 7, 8, 9]);
    expect(await numbers([])).toEqual([]);
  });
  it("knows its own operations from those that only say so", async () => {
    expect(await ledger.intended(["r.s.1.up", "r.s.2.up", "other.s.1.up"])).toEqual(new Set(["r.s.1.up"]));
    expect(await ledger.intended([])).toEqual(new Set());
  });
  it("has the newest word on what was declared ahead, rehearsals apart", async () => {
    const words = (await ledger.intents()).map(({ type, sequence, rehearsal }) => [sequence, rehearsal, type]);
    expect(words).toEqual([
      ["one", false, "sequence.withdrawn"],
      ["one", true, "sequence.declared"],
      ["two", false, "sequence.declared"],
    ]);
  });
});
