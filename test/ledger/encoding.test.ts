import { describe, expect, it } from "vitest";
import { recordable } from "../../src/canonical.js";
import { encodeEntry, entryHash, field } from "../../src/ledger/encoding.js";
import { codeOf, isLost, translate, withoutPassword } from "../../src/ledger/failures.js";
import { vectors } from "./vectors.js";

describe("encodeEntry", () => {
  it.each(vectors)("writes $name", ({ entry, encoded, hash }) => {
    expect(encodeEntry(entry)).toBe(encoded);
    expect(entryHash(entry)).toBe(hash);
  });

  it("counts bytes, and tells an absent field from an empty one", () => {
    expect([field("é"), field(""), field(undefined)]).toEqual(["2:é,", "0:,", "-,"]);
  });
});

describe("recordable", () => {
  it("is canonical", () => {
    expect(recordable({ b: 1, a: [true, null, 1e21] })).toBe('{"a":[true,null,1e+21],"b":1}');
  });

  it("replaces what Postgres can't hold, in keys and values, and leaves pairs alone", () => {
    expect(recordable({ "k\0": ["\ud800x", "x\udc00", "😀"] })).toBe('{"k\ufffd":["\ufffdx","x\ufffd","😀"]}');
  });
});

describe("failures", () => {
  const database = (code: string, message: string) => Object.assign(new Error(message), { code });

  it("tells a lost connection from an answer", () => {
    const lost = [
      database("57P01", "x"),
      database("ECONNREFUSED", "x"),
      new Error("Connection terminated unexpectedly"),
    ];
    expect(lost.map(isLost)).toEqual([true, true, true]);
    expect([database("EV001", "x"), database("23505", "x")].map(isLost)).toEqual([false, false]);
    expect(codeOf(new AggregateError([database("ECONNREFUSED", "x")]))).toBe("ECONNREFUSED");
  });

  it("keeps passwords out of messages", () => {
    expect(withoutPassword("p%20w%2F, p%20w/ and p w/", "p w/")).toBe("***, *** and ***");
    expect(translate(database("XX000", "saw hunter2"), "r@h/d", "hunter2").message).not.toContain("hunter2");
  });

  it.each([
    ["EV001", "ledger.conflict", 6],
    ["EV009", "ledger.changed", 6],
    ["EV002", "ledger.fenced", 6],
    ["42501", "ledger.schema", 9],
    ["28P01", "ledger.unavailable", 9],
    ["3D000", "ledger.unavailable", 9],
    ["57P03", "ledger.unavailable", 9],
  ])("translates %s", (code, expected, exit) => {
    expect(translate(database(code, "x"), "r@h/d")).toMatchObject({ code: expected, exit });
  });
});
