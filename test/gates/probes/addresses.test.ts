import type { LookupOptions } from "node:dns";
import { describe, expect, it } from "vitest";
import { checkHost, guardedLookup, refusal } from "../../../src/gates/probes/addresses.js";

describe("refusal", () => {
  it.each([
    ["169.254.169.254", false],
    ["::ffff:169.254.0.1", false],
    ["fe80::1", false],
    ["febf::1", false],
    ["100.100.100.200", false],
    ["8.8.8.8", true],
    ["10.0.0.1", true],
    ["169.255.0.1", true],
    ["2001:db8::1", true],
    ["127.0.0.1", true],
  ])("outside a rehearsal %s may be spoken to: %s", (address, may) => {
    expect(refusal(address, false) === undefined).toBe(may);
  });

  it.each([
    ["127.0.0.1", true],
    ["127.255.255.254", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["0.0.0.0", false],
    ["::", false],
    ["10.0.0.1", false],
    ["169.254.169.254", false],
  ])("in a rehearsal %s may be spoken to: %s (invariant 13)", (address, may) => {
    expect(refusal(address, true) === undefined).toBe(may);
  });
});

describe("checkHost", () => {
  it("in a rehearsal lets no name but localhost be asked for", () => {
    expect(() => checkHost("localhost", true)).not.toThrow();
    expect(() => checkHost("metadata.google.internal", true)).toThrow("loopback");
    expect(() => checkHost("localhost.example", true)).toThrow("loopback");
    expect(() => checkHost("example.invalid", false)).not.toThrow();
  });
});

describe("guardedLookup", () => {
  /** An address as a name resolves to itself, without a name service. */
  const lookup = (name: string, loopbackOnly: boolean, options: LookupOptions) =>
    new Promise<unknown>((resolve, reject) => {
      guardedLookup(loopbackOnly)(name, options, (error, address) =>
        error === null ? resolve(address) : reject(error),
      );
    });

  it("gives one address or all, as it is asked", async () => {
    expect(await lookup("127.0.0.1", true, { all: true })).toEqual([{ address: "127.0.0.1", family: 4 }]);
    expect(await lookup("127.0.0.1", true, {})).toBe("127.0.0.1");
  });

  it("refuses a name after its resolution", async () => {
    await expect(lookup("169.254.169.254", false, { all: true })).rejects.toThrow("link-local");
    await expect(lookup("192.0.2.1", true, {})).rejects.toThrow("loopback");
  });
});
