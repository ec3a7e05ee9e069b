/** Looks on a real ledger, with a backend that the test holds in its hand: first contact, one change, many who look. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Drifted, fingerprintOf, idOf } from "../../src/departures/drift.js";
import type { BackendView } from "../../src/departures/model.js";
import { type Looker, lookForForeign, type Subject } from "../../src/evo/departures/foreign.js";
import { scanStacks } from "../../src/evo/departures/live.js";
import type { Twin } from "../../src/executor/index.js";
import type { OpenLedger } from "../../src/ledger/index.js";
import type { StepNode } from "../../src/plan/model.js";
import { update, view } from "../departures/support.js";
import { type TestServer, testServer } from "../support/postgres.js";

let server: TestServer;
let ledger: OpenLedger;
const shown = new Map<string, BackendView>();
const live = new Map<string, readonly Drifted[] | Error>();
let whileLooking: (() => Promise<unknown>) | undefined;
let twins: readonly Twin[] = [];

beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server?.close());
beforeEach(async () => {
  ledger = await (await server.fresh()).open();
  shown.clear();
  live.clear();
  whileLooking = undefined;
  twins = [];
});

function lookerOn(where: OpenLedger): Looker {
  const executor = {
    view: async ({ stack }: StepNode) => shown.get(stack.stack),
    changed: () => [],
    twins: (_: StepNode, __: string, urns: readonly string[]) => twins.filter(({ urn }) => urns.includes(urn)),
    drift: async ({ stack }: StepNode) => {
      await whileLooking?.();
      const found = live.get(stack.stack) ?? [];
      if (found instanceof Error) throw found;
      return found;
    },
  };
  return { ledger: where, executor: executor as never, now: Date.now, rehearsal: false };
}

const subject = (stack: string): Subject => ({
  stack,
  root: "/",
  node: { id: stack, stack: { dir: ".", stack } } as StepNode,
});
const stacks = Array.from({ length: 20 }, (_, at) => `file:///b#organization/p/s${at}`);
const options = { orders: async () => [] };
const look = (where = ledger) => lookForForeign(lookerOn(where), stacks.map(subject), options);
const types = async (type: string) => {
  const found: string[] = [];
  for await (const entry of ledger.entries({ type })) found.push(entry.type);
  return found;
};

describe("a repository with 20 stacks", () => {
  it("gives no departure at first contact, and one for one foreign update, whoever looks and how often", async () => {
    for (const stack of stacks) shown.set(stack, view(stack, [update("h0")]));
    await look();
    expect(await types("stack.baselined")).toHaveLength(20);
    await look();
    expect(await types("departure.*")).toEqual([]);
    shown.set(stacks[7] ?? "", view("changed", [update("h1")]));
    await Promise.all([look(), look(), look()]);
    await look();
    expect(await types("departure.*")).toEqual(["departure.detected"]);
  });
});

describe("a scan", () => {
  const drifted: Drifted = { urn: "u", type: "t", op: "changed", properties: [{ path: "x", declared: 1, live: 2 }] };
  const [stack = ""] = stacks;
  const scan = async () => {
    const never = new AbortController().signal;
    const [result] = await scanStacks(lookerOn(ledger), [subject(stack)], { parallel: 1, signal: never, ...options });
    return [result?.result, result?.why].filter((one) => one !== undefined);
  };

  it("says clean, drifted, or why it can't say; the same drift is one departure that closes and reopens", async () => {
    shown.set(stack, { exists: false, locks: [], updates: [] });
    await lookForForeign(lookerOn(ledger), [subject(stack)], options);
    shown.set(stack, view("c", [], { resources: 0 }));
    expect(await scan()).toEqual(["clean"]);
    live.set(stack, [drifted]);
    expect([await scan(), await scan(), await scan()]).toEqual([["drifted"], ["drifted"], ["drifted"]]);
    live.set(stack, new Error("the provider failed"));
    expect(await scan()).toEqual(["not assessed", "the provider failed"]);
    shown.set(stack, view("c", [], { locks: ["locked by zoë"] }));
    live.set(stack, []);
    expect(await scan()).toEqual(["not assessed", "in flight: locked by zoë"]);
    expect(await types("departure.*")).toEqual(["departure.detected"]);
    shown.set(stack, view("c", [], { resources: 0 }));
    expect(await scan()).toEqual(["clean"]);
    live.set(stack, [drifted]);
    await scan();
    expect(await types("departure.*")).toEqual(["departure.detected", "departure.closed", "departure.reopened"]);
  });

  it("looks again where more was recorded about the stack meanwhile, and says nothing where it never rests", async () => {
    shown.set(stack, { exists: false, locks: [], updates: [] });
    await lookForForeign(lookerOn(ledger), [subject(stack)], options);
    shown.set(stack, view("c", [], { resources: 0 }));
    live.set(stack, [drifted]);
    await scan();
    const say = (type: string, body: { [key: string]: string }) =>
      ledger.append([{ type, stack, causes: [], body }], { id: randomUUID(), leases: [] });
    const id = idOf(fingerprintOf(stack, drifted));
    whileLooking = async () => {
      whileLooking = undefined;
      await say("departure.reconciled", { id, how: "reverted", reason: "nobody asked for it" });
      live.set(stack, []);
    };
    expect(await scan()).toEqual(["clean"]);
    expect(await types("departure.*")).toEqual(["departure.detected", "departure.reconciled"]);

    live.set(stack, [drifted]);
    whileLooking = () => say("operation.failed", { operation: "r.s.1.up" });
    expect(await scan()).toEqual(["not assessed", expect.stringMatching(/recorded more about it meanwhile/)]);
    whileLooking = undefined;
    expect(await scan()).toEqual(["drifted"]);
    expect(await types("departure.reopened")).toHaveLength(1);
  });

  it("tells drift that evo caused through another stack from what nobody knows the cause of", async () => {
    const [, other = ""] = stacks;
    shown.set(stack, { exists: false, locks: [], updates: [] });
    await lookForForeign(lookerOn(ledger), [subject(stack)], options);
    shown.set(stack, view("c", [], { resources: 0 }));
    await scan();
    const changes = { counts: {}, resources: [{ urn: "theirs", type: "t", op: "update", paths: [], replaces: [] }] };
    const succeeded = { operation: "r.s.1.up", began: 1, ended: Date.now() + 1, changes };
    const [done] = await ledger.append(
      [{ type: "operation.succeeded", stack: other, run: "r", causes: [], body: succeeded as never }],
      { id: "done", leases: [] },
    );
    twins = [{ urn: "u", stack: other, other: "theirs" }];
    live.set(stack, [drifted, { ...drifted, urn: "v" }]);
    await scan();
    const found = [];
    for await (const { body, causes } of ledger.entries({ type: "departure.detected" }))
      found.push([body.ours, causes.length, String(body.summary).replace(/:.*/, "")]);
    expect(found).toEqual([
      [
        { stack: other, run: "r", entry: done?.number },
        2,
        "p/s0 was changed outside of any planned order by evo itself, run r",
      ],
      [undefined, 1, "p/s0 was changed outside of any planned order by unknown"],
    ]);
  });

  it("is recorded once for an order, whoever looks and how often", async () => {
    for (const one of stacks.slice(0, 2)) shown.set(one, view("c", [], { resources: 0 }));
    const [order] = await ledger.append([{ type: "scan.ordered", causes: [], body: { at: 1 } }], {
      id: "o",
      leases: [],
    });
    const entry = order?.number ?? 0;
    const never = new AbortController().signal;
    const looks = [1, 2, 3].map(() =>
      scanStacks(lookerOn(ledger), stacks.slice(0, 2).map(subject), {
        ...{ parallel: 2, signal: never, order: { entry, scan: "nightly@1", timeLimit: 60_000 } },
        ...options,
      }),
    );
    const codes = (await Promise.allSettled(looks)).flatMap((one) =>
      one.status === "rejected" ? one.reason.code : [],
    );
    expect(new Set(codes)).toEqual(new Set(["ledger.conflict"]));
    expect(await types("drift.scanned")).toHaveLength(2);
    expect(await ledger.scannedFor(entry)).toEqual(new Set(stacks.slice(0, 2)));
  });
});
