import { describe, expect, it } from "vitest";
import { EvoError } from "../../src/errors.js";
import { systemClock } from "../../src/evo/clock.js";
import type { Measurement } from "../../src/gates/model.js";
import { eventOf } from "../../src/run/entries.js";
import { fold } from "../../src/run/evolve.js";
import { bodyOf } from "../../src/run/gates.js";
import { holdLeases, stackResource } from "../../src/run/leases.js";
import { drive } from "../../src/run/loop.js";
import type { News, Probe } from "../../src/run/ports.js";
import { chainSample } from "../../src/run/samples.js";
import type { RunState } from "../../src/run/state.js";
import { gate, independent, up } from "../../src/sequence/builders.js";
import type { SequenceSpec } from "../../src/sequence/model.js";
import { http } from "../../src/sequence/probes.js";
import { fakeExecutor, fakeLedger, listener, passingProbe } from "./fakes.js";
import { planOf, started } from "./machine.js";

const RUN = "s-abc";
const step = (name: string) => up(name, { dir: name, stack: "dev" });
const gated = (name: string, failureLimit?: number) =>
  up(name, {
    dir: name,
    stack: "dev",
    convergedWhen: [
      gate("g", {
        targets: ["a"],
        probe: http({ url: "http://localhost" }),
        interval: "10ms",
        ...(failureLimit === undefined ? {} : { failureLimit }),
      }),
    ],
  });
const sources = ["one", "two", "three"].map((path) => ({ path, sha256: "same" }));

/** A run that is recorded and leased, and everything it is driven with. */
async function setUp(
  spec: SequenceSpec,
  on: (news: News) => void = () => undefined,
  executor = fakeExecutor(),
  probe: Probe = passingProbe,
) {
  const ledger = fakeLedger();
  const { event } = started(planOf(spec), Date.now());
  const first = { ...event, sources } as typeof event;
  const answer = await ledger.acquire("sequence:s", {}, 1);
  if (!answer.acquired) throw new Error("the fake ledger is new");
  const [entry] = await ledger.append([{ type: "run.started", run: RUN, causes: [], body: bodyOf(first) }], {
    id: "1",
    leases: [],
    expected: { run: RUN, version: 0 },
  });
  const state = fold(RUN, [eventOf(entry!)]);
  const leases = holdLeases(ledger, answer.lease, [], {});
  const { heard, notifier } = listener(on);
  const control = { pause: new AbortController(), stop: new AbortController() };
  const signals = { pause: control.pause.signal, stop: control.stop.signal };
  const run = (from: RunState = state) =>
    drive(from, leases, { ledger, executor: executor.executor, probe, clock: systemClock, notifier }, signals);
  return { ledger, state, leases, heard, control, run, executor };
}

const typesOf = (ledger: ReturnType<typeof fakeLedger>) => ledger.entries.map((entry) => entry.type);

describe("drive", () => {
  it("takes a sequence to its end and records every step of the way in order", async () => {
    const { run, ledger, leases } = await setUp({ name: "s", steps: [gated("one"), step("two")] });
    const state = await run();
    expect(state.status).toBe("completed");
    expect(typesOf(ledger)).toEqual([
      "run.started",
      "operation.intended",
      "operation.previewed",
      "operation.succeeded",
      "gate.measured",
      "gate.passed",
      "boundary.opened",
      "operation.intended",
      "operation.previewed",
      "operation.succeeded",
      "boundary.opened",
      "run.completed",
    ]);
    expect(leases.all().map((lease) => lease.resource)).toEqual(["sequence:s"]);
  });

  it("gives every entry causes that lead back to the start", async () => {
    const { run, ledger } = await setUp({ name: "s", steps: [gated("one"), step("two")] });
    await run();
    const second = ledger.entries.findLast((entry) => entry.type === "operation.intended")!;
    const ancestors = new Set<number>();
    const visit = (number: number): void => {
      if (ancestors.has(number)) return;
      ancestors.add(number);
      for (const cause of ledger.entries[number - 1]!.causes) visit(cause.number);
    };
    visit(second.number);
    const types = [...ancestors].map((number) => ledger.entries[number - 1]!.type);
    expect(types).toContain("gate.measured");
    expect(types).toContain("operation.succeeded");
    expect(ancestors.has(1)).toBe(true);
  });

  it("records with a verdict against a gate the digest over the looks that it was judged by", async () => {
    const probe: Probe = { look: async () => ({ verdict: "fail", observed: 403, expected: 200 }) };
    const { run, ledger } = await setUp({ name: "s", steps: [gated("one", 1)] }, undefined, fakeExecutor(), probe);
    await run();
    const body = (type: string) => ledger.entries.find((entry) => entry.type === type)?.body;
    const looks = body("gate.measured")?.measurements as unknown as readonly Measurement[] | undefined;
    expect(body("gate.failed")?.samples).toEqual([chainSample(undefined, "a", looks![0]!)]);
  });

  it("is the fold of what the ledger holds", async () => {
    const { run, ledger } = await setUp({
      name: "s",
      steps: [independent("g", { members: [gated("one"), gated("two")] })],
    });
    const state = await run();
    expect(fold(RUN, (await ledger.load(RUN)).map(eventOf))).toEqual(state);
  });

  it("pauses: what runs is finished, nothing new starts", async () => {
    const executor = fakeExecutor();
    const release = executor.hold(`${RUN}.one.1.up`);
    const set = await setUp(
      { name: "s", steps: [step("one"), step("two")] },
      (news) => {
        if (news.kind !== "recorded") return;
        if (news.event.type === "operation.previewed")
          queueMicrotask(() => setImmediate(() => set.control.pause.abort("a person")));
        if (news.event.type === "run.paused") release();
      },
      executor,
    );
    const state = await set.run();
    expect(state.status).toBe("paused");
    expect(state.steps.one?.[0]?.outcome?.status).toBe("succeeded");
    expect(state.steps.two).toBeUndefined();
  });

  it("refuses an update whose run was paused during its preview, and says it was cancelled", async () => {
    const set = await setUp({ name: "s", steps: [step("one")] }, (news) => {
      if (news.kind === "recorded" && news.event.type === "operation.intended") set.control.pause.abort("a person");
    });
    const state = await set.run();
    expect(state.status).toBe("paused");
    expect(state.steps.one?.[0]?.outcome?.status).toBe("cancelled");
  });

  it("stops at once when its lease is lost, and starts nothing (invariant 4)", async () => {
    const set = await setUp({ name: "s", steps: [step("one"), step("two")] }, (news) => {
      if (news.kind === "recorded" && news.event.type === "boundary.opened") set.ledger.steal("sequence:s");
    });
    await expect(set.run()).rejects.toMatchObject({ code: "ledger.fenced" });
    expect(set.executor.started).toEqual([`${RUN}.one.1.up`]);
  });

  it("starts no engine when the intent cannot be recorded (invariant 1)", async () => {
    const set = await setUp({ name: "s", steps: [step("one")] });
    set.ledger.failNextAppend(new EvoError("ledger.unavailable", "gone", { exit: 9 }));
    await expect(set.run()).rejects.toMatchObject({ code: "ledger.unavailable" });
    expect(set.executor.started).toEqual([]);
  });

  it("waits for a stack that another run holds, and says who does", async () => {
    const set = await setUp({ name: "s", steps: [step("one")] }, (news) => {
      if (news.kind === "waiting") set.control.pause.abort("enough");
    });
    await set.ledger.acquire(stackResource("file:///backend#one/dev"), {}, 1);
    const state = await set.run();
    expect(state.status).toBe("paused");
    expect(set.heard).toContainEqual(expect.objectContaining({ kind: "waiting", node: "one" }));
    expect(set.executor.started).toEqual([]);
  });

  it("halts when what would run is not what was there at the start (invariant 6)", async () => {
    const executor = fakeExecutor();
    const identify = executor.executor.identify;
    const changed = {
      ...executor,
      executor: {
        ...executor.executor,
        identify: async (...args: Parameters<typeof identify>) => ({
          ...(await identify(...args)),
          source: { path: "one", sha256: "other" },
        }),
      },
    };
    const set = await setUp({ name: "s", steps: [step("one")] }, undefined, changed);
    expect((await set.run()).halt?.cause).toBe("sources-changed");
    expect(executor.started).toEqual([]);
  });

  it("settles an intent that was never started as absent, and tries again", async () => {
    const set = await setUp({ name: "s", steps: [step("one")] });
    const operation = `${RUN}.one.1.up`;
    const event = {
      type: "operation.intended",
      at: 1,
      operation,
      step: "one",
      attempt: 1,
      verb: "up",
      stack: "file:///backend#one/dev",
      source: sources[0]!,
    } as const;
    await set.ledger.append([{ type: event.type, run: RUN, causes: [1], body: bodyOf(event) }], {
      id: "2",
      leases: [],
      expected: { run: RUN, version: 1 },
    });
    const state = await set.run(fold(RUN, (await set.ledger.load(RUN)).map(eventOf)));
    expect(state.status).toBe("completed");
    expect(state.steps.one?.map((attempt) => attempt.outcome?.status)).toEqual(["absent", "succeeded"]);
    expect(set.executor.started).toEqual([`${RUN}.one.2.up`]);
  });

  it("asks the engine to stop when told twice", async () => {
    const executor = fakeExecutor(() => ({ status: "cancelled", reason: "by a person" }) as never);
    const release = executor.hold(`${RUN}.one.1.up`);
    const set = await setUp(
      { name: "s", steps: [step("one")] },
      (news) => {
        if (news.kind === "recorded" && news.event.type === "operation.previewed")
          setImmediate(() => set.control.pause.abort("a person"));
        if (news.kind === "recorded" && news.event.type === "run.paused") {
          set.control.stop.abort();
          release();
        }
      },
      executor,
    );
    const state = await set.run();
    expect(executor.cancelled).toEqual([`${RUN}.one.1.up`]);
    expect(state.steps.one?.[0]?.outcome?.status).toBe("cancelled");
  });
});
