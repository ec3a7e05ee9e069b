/** What is a departure, where it lies in the order, and what is recorded of it: tables over the pure core. */
import { describe, expect, it } from "vitest";
import { type Drifted, driftNews, fingerprintOf, idOf, keep } from "../../src/departures/drift.js";
import { baselined, foreignEntries, type Look, scanEntries } from "../../src/departures/entries.js";
import { foreignIn, originOf } from "../../src/departures/foreign.js";
import { departuresOf, knowledgeOf } from "../../src/departures/known.js";
import { placeOf } from "../../src/departures/order.js";
import { ruleFor, writerOf } from "../../src/departures/policy.js";
import type { Entry, NewEntry } from "../../src/run/ports.js";
import { entry, firstContact, order, ours, STACK, update, view } from "./support.js";

const NONE: ReadonlySet<string> = new Set();
const look = (entries: readonly Entry[], more: Partial<Look> = {}): Look => ({
  known: knowledgeOf(STACK, entries, 0),
  now: 1_000,
  rehearsal: false,
  orders: [],
  ...more,
});

/** What was made, as the ledger would give it back. */
const recorded = (from: number, made: readonly NewEntry[]): readonly Entry[] =>
  made.map(({ type, body, causes: _, ...more }, at) => entry(from + at, type, body, more));

describe("foreignIn", () => {
  const succeeded = (number: number, checkpoint: string) => entry(number, "operation.succeeded", { checkpoint });
  it.each([
    ["nothing known", [], view("c0"), "first"],
    ["as it was", [firstContact(1)], view("c0"), []],
    ["a foreign update", [firstContact(1)], view("c1", [update("h1")]), ["h1"]],
    ["two of them", [firstContact(1)], view("c2", [update("h1"), update("h2")]), ["h1", "h2"]],
    ["our own update", [firstContact(1), succeeded(2, "c1")], view("c1", [ours("h1", "r.s.1.up")]), []],
    ["one that says it is ours and isn't", [firstContact(1)], view("c1", [ours("h1", "other.s.1.up")]), ["h1"]],
    [
      "one before our own",
      [firstContact(1), succeeded(2, "c2")],
      view("c2", [update("h1"), ours("h2", "r.s.1.up")]),
      ["h1"],
    ],
    ["an edit", [firstContact(1)], view("x", [], { left: "c0" }), ["edit x"]],
    ["an update and an edit", [firstContact(1)], view("x", [update("h1")], { left: "c1" }), ["h1", "edit x"]],
    [
      "an edit that is recorded",
      [firstContact(1), entry(2, "departure.detected", { id: "d", edit: "x", checkpoint: "x" })],
      view("x", [], { left: "c0" }),
      [],
    ],
    [
      "an edit back to what it was",
      [firstContact(1), entry(2, "departure.detected", { id: "d", edit: "x", checkpoint: "x" })],
      view("c0", [], { left: "h" }),
      ["edit c0"],
    ],
    [
      "an update that is recorded",
      [firstContact(1), entry(2, "departure.detected", { id: "d", position: "h1", checkpoint: "c1" })],
      view("c1", [update("h1")]),
      [],
    ],
    ["removed", [firstContact(1)], { exists: false, locks: [], updates: [] }, ["edit gone"]],
    [
      "made empty by whomever",
      [firstContact(1, { exists: false, checkpoint: null })],
      { ...view("c0"), left: undefined, resources: 0 },
      [],
    ],
    ["locked", [firstContact(1)], view("c1", [update("h1")], { locks: ["locked by x"] }), "not assessed"],
    ["our operation under way", [firstContact(1), entry(2, "operation.intended", {})], view("c1"), "not assessed"],
    [
      "nobody knows how ours ended",
      [firstContact(1), entry(2, "operation.unresolved", {})],
      view("c1"),
      "not assessed",
    ],
    [
      "settled by a person",
      [firstContact(1), entry(2, "operation.settled", {})],
      view("c9", [], { left: "c8" }),
      "first",
    ],
    [
      "settled and looked at since",
      [firstContact(1), entry(2, "operation.settled", {}), firstContact(3, { checkpoint: "c9" })],
      view("c9", [], { left: "c8" }),
      [],
    ],
  ])("%s", (_, entries, shown, expected) => {
    const seen = foreignIn(knowledgeOf(STACK, entries, 0), shown as never, new Set(["r.s.1.up"]), 1_000);
    const told =
      seen.status === "seen"
        ? seen.foreign.map((one) => (one.kind === "update" ? one.update.position : `edit ${one.to}`))
        : seen.status;
    expect(told).toEqual(expected);
  });
});

describe("placeOf", () => {
  const at = (from: number, to = from) => ({ from, to });
  it.each([
    ["no order", [], at(5), "unrelated"],
    ["another stack's order", [order({ stack: "other" })], at(5), "unrelated"],
    ["an order that stood only later", [order({}, { since: 10 })], at(5), "unrelated"],
    ["not reached", [order({})], at(5), "early"],
    ["reached later", [order({ reached: 9 })], at(5), "early"],
    ["under way", [order({ reached: 3 })], at(5), "concurrent"],
    ["converged later", [order({ reached: 3, converged: 8 })], at(5), "concurrent"],
    ["converged before", [order({ reached: 3, converged: 4 })], at(5), "after"],
    ["perhaps before it had converged", [order({ reached: 1, converged: 4 })], at(2, 9), "concurrent"],
    ["the gravest of several", [order({ reached: 3, converged: 4 }), order({}, { sequence: "b" })], at(5), "early"],
  ])("%s", (_, orders, moment, expected) => {
    expect(placeOf(STACK, moment, orders).place).toBe(expected);
  });
});

describe("what a foreign update becomes", () => {
  const changed = [{ urn: "urn::a", type: "t", op: "update", paths: ["tags.team"] }];
  const foreign = (noted = {}) => ({
    kind: "update" as const,
    update: update("h1", noted),
    moment: { from: 90, to: 100 },
  });
  const made = (more: Partial<Look>, noted = {}) =>
    foreignEntries(look([firstContact(1)], more), view("c1"), [{ foreign: foreign(noted), changed }]);

  it("says what, when, by whom as far as known, and where in the order", () => {
    const [departure] = made({ orders: [order({})] });
    expect(departure).toMatchObject({
      type: "departure.detected",
      sequence: "rollout",
      step: "identity",
      causes: [1],
      body: {
        place: "early",
        rule: "halt",
        changedFrom: 90,
        changedTo: 100,
        position: "h1",
        checkpoint: "c1",
        origin: { by: "unknown", from: "unknown" },
      },
    });
    expect(departure?.body.summary).toBe(
      "out of sequence: identity was changed before step 1 by unknown: update: update a (tags.team)",
    );
  });
  it("halts by default in an order and only records outside of one", () => {
    expect(["early", "concurrent", "after", "unrelated"].map((place) => ruleFor(undefined, place as never))).toEqual([
      "halt",
      "halt",
      "halt",
      "record",
    ]);
  });
  it("is closed at once where the policy adopts it", () => {
    const entries = made({ orders: [order({}, { policy: { departures: "adopt" } })] });
    expect(entries.map(({ type }) => type)).toEqual(["departure.detected", "departure.closed"]);
    expect(departuresOf(recorded(2, entries), 0)).toMatchObject([{ open: false }]);
  });
  it("is no departure where a declared writer made it, and is known from then on", () => {
    const writers = [
      {
        name: "deployer",
        noted: { "ci.system": "GitHub Actions" },
        stacks: ["p/dev"],
        until: "2030-01-01",
        reason: "hotfixes",
      },
    ];
    const entries = made({ policy: { writers } }, { "ci.system": "GitHub Actions" });
    expect(entries.map(({ type, body }) => [type, body.writer])).toEqual([["update.observed", "deployer"]]);
    const known = knowledgeOf(STACK, [firstContact(1), ...recorded(2, entries)], 0);
    expect(foreignIn(known, view("c1", [update("h1")]), NONE, 0)).toEqual({ status: "seen", foreign: [] });
  });
  it.each([
    ["another system", { "ci.system": "Jenkins" }, {}],
    ["another stack", { "ci.system": "x" }, { stacks: ["other/dev"] }],
    ["too late", { "ci.system": "x" }, { until: "1970-01-01T00:00:00Z" }],
    ["too early", { "ci.system": "x" }, { from: "2030-01-01" }],
  ])("is one where the writer is not meant: %s", (_, noted, more) => {
    const writers = [{ name: "w", noted: { "ci.system": "x" }, reason: "r", ...more }];
    expect(writerOf({ writers }, STACK, update("h1", noted))).toBeUndefined();
  });
  it("never guesses who: the author of a commit is not who ran the engine", () => {
    expect(originOf(foreign({ "git.author": "Zoë", "git.head": "0123456789abcdef" }))).toMatchObject({
      by: "unknown",
      from: "commit 0123456789ab",
    });
    expect(originOf(foreign({ "ci.system": "Jenkins", "ci.build.id": "7" })).by).toBe("Jenkins (7)");
  });
});

describe("drift", () => {
  const drifted = (name: string, ...paths: string[]): Drifted => ({
    urn: `urn:${name}`,
    type: "aws:s3/bucket:Bucket",
    op: paths.length === 0 ? "gone" : "changed",
    properties: paths.map((path) => ({ path, declared: 1, live: 2 })),
  });
  const scan = (entries: readonly Entry[], ...found: Drifted[]) => scanOf(look(entries), entries, found);
  const scanOf = (at: Look, entries: readonly Entry[], found: readonly Drifted[]) => {
    const news = driftNews(at.known, found);
    return recorded(
      entries.length + 1,
      scanEntries(at, { scan: "s", took: 1, found: keep(found, undefined, 0) }, news, 0),
    );
  };
  const over = (start: readonly Entry[], ...looks: (readonly Drifted[])[]) =>
    looks.reduce<readonly Entry[]>((entries, found) => entries.concat(scan(entries, ...found)), start);
  const made = [firstContact(1, { exists: false, checkpoint: null })];
  const types = (entries: readonly Entry[]) =>
    entries.map(({ type }) => type).filter((type) => type.startsWith("departure"));

  it("is one departure over many scans, closes when gone and reopens when back", () => {
    const bucket = drifted("b", "tags");
    const entries = over(made, [bucket], [bucket], [bucket], [bucket], [], [], [bucket]);
    expect(types(entries)).toEqual(["departure.detected", "departure.closed", "departure.reopened"]);
    expect(departuresOf(entries, 0)).toMatchObject([
      { open: true, reopened: 1, id: idOf(fingerprintOf(STACK, bucket)) },
    ]);
  });
  it("that comes back is another change: it is placed anew, in the orders of now", () => {
    const bucket = drifted("b", "tags");
    const before = over(made, [bucket], []);
    expect(departuresOf(before, 0)).toMatchObject([{ place: "unrelated", rule: "record", open: false }]);
    const after = [...before, ...scanOf(look(before, { orders: [order({})] }), before, [bucket])];
    expect(departuresOf(after, 0)).toMatchObject([
      {
        ...{ place: "early", rule: "halt", sequence: "rollout", step: "identity", open: true, reopened: 1 },
        summary: "out of sequence: identity was changed before step 1 by unknown: drift: live differs: urn:b (tags)",
      },
    ]);
    const [again] = departuresOf(over(after, [], [bucket]), 0);
    expect(again).toMatchObject({ place: "unrelated", rule: "record", reopened: 2 });
    expect([again?.sequence, again?.step]).toEqual([undefined, undefined]);
  });
  it("of another life of the stack is another departure, though it looks the same", () => {
    const bucket = drifted("b", "tags");
    const entries = over(made, [bucket]);
    const nothing = { exists: false, locks: [], updates: [] };
    const anew = [...entries, ...recorded(entries.length + 1, [baselined(look(entries), nothing, true)])];
    const found = over(anew, [bucket]);
    expect(types(found)).toEqual(["departure.detected", "departure.detected"]);
    expect(departuresOf(found, 0)).toMatchObject([{ open: true, reopened: 0, entry: found.length }]);
  });
  it("that two looks found at the same moment is one departure", () => {
    const twice = over(made, [drifted("b", "tags")]);
    const [detected] = twice.slice(-1);
    expect(departuresOf([...twice, { ...(detected as Entry), number: 9 }], 0)).toMatchObject([{ entry: 4, last: 4 }]);
  });
  it("that was there before the first look is none, until it has been away", () => {
    const bucket = drifted("b", "tags");
    expect(types(over([firstContact(1)], [bucket], [bucket]))).toEqual([]);
    expect(types(over([firstContact(1)], [bucket], [], [bucket]))).toEqual(["departure.detected"]);
    expect(types(over([firstContact(1)], [bucket], [bucket, drifted("c")]))).toEqual(["departure.detected"]);
  });
  it("of another property is another departure, whatever the values", () => {
    expect(fingerprintOf(STACK, drifted("b", "x", "y"))).toBe(fingerprintOf(STACK, { ...drifted("b", "y", "x") }));
    expect(fingerprintOf(STACK, drifted("b", "x"))).not.toBe(fingerprintOf(STACK, drifted("b", "y")));
  });
  it("that a look could not assess neither closes nor opens anything", () => {
    const entries = over(made, [drifted("b", "x")]);
    const failed = scanEntries(look(entries), { scan: "s", took: 1, why: "the provider failed" }, undefined, 0);
    expect(failed.map(({ type, body }) => [type, body.result, body.why])).toEqual([
      ["drift.scanned", "not assessed", "the provider failed"],
    ]);
  });
  it.each([
    ["a type", { type: "aws:s3/*" }, [], 3],
    ["a resource by name", { resource: "urn:b" }, ["urn:c"], 2],
    ["a property and what lies below it", { property: "tags" }, ["urn:b", "urn:c"], 1],
    ["an end date that is over", { type: "aws:s3/*", until: "1970-01-01T00:00:00Z" }, ["urn:b", "urn:c"], 0],
    ["another type", { type: "aws:sqs/*" }, ["urn:b", "urn:c"], 0],
  ])("is left out by %s, and counted", (_, rule, left, count) => {
    const kept = keep([drifted("b", "tags.team", "size"), drifted("c")], [{ ...rule, reason: "autoscaler" }], 5);
    expect(kept.drifted.map(({ urn }) => urn)).toEqual(left);
    expect(kept.ignored).toEqual(count === 0 ? [] : [{ reason: "autoscaler", count }]);
  });
});

it("an operation that a person settled is taken as it is found, and closes no departure", () => {
  const drift = entry(2, "departure.detected", { id: "d", kind: "drift", place: "early", summary: "", rule: "halt" });
  const live = entry(3, "stack.baselined", { of: "live", fingerprints: [] });
  const entries = [
    firstContact(1),
    drift,
    live,
    entry(4, "operation.settled", {}),
    firstContact(5, { checkpoint: "c9" }),
  ];
  expect(knowledgeOf(STACK, entries, 0)).toMatchObject({
    operation: "none",
    checkpoint: "c9",
    liveBaseline: { entry: 3 },
    departures: [{ open: true }],
  });
});

it("a first contact anew closes what was open, and is of another life of the stack", () => {
  const before = [
    firstContact(1),
    entry(2, "departure.detected", {
      id: "d",
      kind: "update",
      place: "early",
      summary: "",
      rule: "halt",
      position: "h1",
      checkpoint: "c1",
    }),
  ];
  const anew = recorded(3, [baselined(look(before), { exists: false, locks: [], updates: [] }, true)]);
  expect(departuresOf([...before, ...anew], 0)).toMatchObject([{ open: false }]);
  expect(knowledgeOf(STACK, [...before, ...anew], 0)).toMatchObject({
    operation: "none",
    recorded: NONE,
    baseline: { exists: false },
  });
});

describe("an acceptance", () => {
  const bucket: Drifted = { urn: "u", type: "t", op: "changed", properties: [{ path: "x" }] };
  const placed = { place: "unrelated", rule: "record", summary: "by hand" };
  const detected = entry(2, "departure.detected", { id: idOf(fingerprintOf(STACK, bucket)), kind: "drift", ...placed });
  const [{ id } = { id: "" }] = departuresOf([detected], 0);
  const until = "2026-12-01T00:00:00.000Z";
  const accepted = entry(3, "departure.reconciled", {
    id,
    how: `accepted until ${until}`,
    until,
    reason: "the vendor",
  });
  const entries = [firstContact(1), entry(1, "stack.baselined", { of: "live", fingerprints: [] }), detected, accepted];
  const [before, after] = [Date.parse(until) - 1, Date.parse(until)];

  it("closes until its date, and is open again then by itself", () => {
    expect(departuresOf(entries, before)).toMatchObject([
      { open: false, accepted: until, closed: `accepted until ${until}: the vendor` },
    ]);
    expect(departuresOf(entries, after)).toMatchObject([{ open: true }]);
  });

  it("is no news for a scan that still finds it; when its time is over it is back; when it is gone it closes", () => {
    const news = (now: number, found: readonly Drifted[]) => driftNews(knowledgeOf(STACK, entries, now), found);
    expect(news(before, [bucket])).toMatchObject({ detected: [], reopened: [], closed: [], still: [{ id }] });
    expect(news(after, [bucket])).toMatchObject({ reopened: [{ departure: { id } }], closed: [], still: [] });
    expect(news(before, [])).toMatchObject({ closed: [{ id }] });
  });

  it("that is over leaves the change at the place it had", () => {
    const known = knowledgeOf(STACK, entries, after);
    const at = look([], { known, orders: [order({})], now: after });
    const found = { scan: "s", took: 1, found: keep([bucket], undefined, after) };
    const [reopened] = departuresOf(
      [...entries, ...recorded(4, scanEntries(at, found, driftNews(known, [bucket]), 0))],
      after,
    );
    expect(reopened).toMatchObject({ open: true, reopened: 1, place: "unrelated", rule: "record", summary: "by hand" });
    expect([reopened?.accepted, reopened?.sequence]).toEqual([undefined, undefined]);
  });

  it("what was adopted or reverted is closed, with the reason", () => {
    const reverted = entry(3, "departure.reconciled", { id, how: "reverted", reason: "nobody asked", by: "r-1" });
    expect(departuresOf([detected, reverted], 9)).toMatchObject([{ open: false, closed: "reverted: nobody asked" }]);
  });
});
