import { describe, expect, it } from "vitest";
import { EvoError } from "../../src/errors.js";
import { systemClock } from "../../src/evo/clock.js";
import { acknowledge, approve, type GateWord, override, reject } from "../../src/evo/gate-words.js";
import { answering } from "../../src/evo/rehearse/people.js";
import type { Verdict } from "../../src/gates/model.js";
import type { OpenLedger } from "../../src/ledger/index.js";
import type { PlanGate } from "../../src/plan/model.js";
import { gatesNamed, isHolding } from "../../src/run/awaited.js";
import { unapproved } from "../../src/run/binding.js";
import { decide } from "../../src/run/decide.js";
import { differenceOf, previewDigest } from "../../src/run/difference.js";
import { eventOf } from "../../src/run/entries.js";
import type { ChangeSet, ResourceChange, RunEvent } from "../../src/run/events.js";
import { evolve, fold } from "../../src/run/evolve.js";
import { bodyOf } from "../../src/run/gates.js";
import { holdLeases } from "../../src/run/leases.js";
import { drive } from "../../src/run/loop.js";
import type { Actor, News, Notifier } from "../../src/run/ports.js";
import { gatesOf, type RunState } from "../../src/run/state.js";
import { lookAtWords } from "../../src/run/words.js";
import { acknowledged, approved, gate, independent, up } from "../../src/sequence/builders.js";
import type { AuthoredEntry, AuthoredGate } from "../../src/sequence/model.js";
import { http } from "../../src/sequence/probes.js";
import { fakeExecutor, fakeLedger, listener, passingProbe } from "./fakes.js";
import { NO_CHANGES, planOf, started } from "./machine.js";

const RUN = "s-abc";
const HOUR = 3_600_000;
const step = (name: string, spec: Partial<Parameters<typeof up>[1]> = {}) =>
  up(name, { dir: name, stack: "dev", ...spec });
const approval = approved({ by: ["@access"], count: 2, expires: "4h", interval: "10ms" });

const resource = (name: string, op: string, paths: readonly string[] = []): ResourceChange => ({
  urn: `urn:pulumi:dev::app::aws:sns/topic:Topic::${name}`,
  type: "aws:sns/topic:Topic",
  op,
  paths,
  replaces: [],
});
const changes = (...resources: readonly ResourceChange[]): ChangeSet => ({ ...NO_CHANGES, resources });

/** What is recorded in turn: an event without its time, who recorded it, and when. */
type Given = readonly [at: number, event: object, claimed?: string, role?: string];

function given(steps: readonly AuthoredEntry[], entries: readonly Given[]): RunState {
  return entries.reduce(
    (state, [at, event, claimed = "alice", authenticated = "evo_approver"]) => {
      const actor: Actor = { claimed, authenticated };
      return evolve(state, { number: state.last + 1, event: { at, ...event } as RunEvent, actor });
    },
    fold(RUN, [started(planOf({ name: "s", steps }))]),
  );
}

const gateIn = (state: RunState, id: string): PlanGate =>
  gatesOf(state.started.plan).find((candidate) => candidate.id === id) as PlanGate;

const shownChanges = changes(resource("orders", "create"));
const requested = (id = "one/ready/approved", request: ChangeSet = shownChanges): object => ({
  type: "approval.requested",
  gate: id,
  plan: "p",
  previews: [{ step: "one", digest: previewDigest(request), changes: request }],
});
const answered = (type: "approval.given" | "approval.rejected", request = 2, id = "one/ready/approved"): object => ({
  type,
  gate: id,
  request,
  plan: "p",
  previews: {},
  reason: "because",
});
const intended = (name: string, attempt = 1): object => ({
  type: "operation.intended",
  operation: `${RUN}.${name}.${attempt}.up`,
  step: name,
  attempt,
  verb: "up",
  stack: name,
  source: { path: name, sha256: "" },
});
const succeeded = (name: string, ended: number, attempt = 1): object => ({
  type: "operation.succeeded",
  operation: `${RUN}.${name}.${attempt}.up`,
  began: 0,
  ended,
  changes: NO_CHANGES,
});
const failed = (name: string, ended: number, how = "failed", attempt = 1): object => ({
  type: "operation.failed",
  operation: `${RUN}.${name}.${attempt}.up`,
  began: 0,
  ended,
  how,
  reason: "it failed",
});

describe("approvals", () => {
  const gated = [step("one", { readyWhen: [approval] })];
  const rows: readonly (readonly [string, readonly Given[], number, Verdict, string | undefined])[] = [
    ["nobody has said anything", [[1, requested()]], 2, "inconclusive", "waits for approval by @access: 0 of 2"],
    [
      "one of two has approved",
      [
        [1, requested()],
        [2, answered("approval.given")],
      ],
      3,
      "inconclusive",
      "waits for approval by @access: 1 of 2",
    ],
    [
      "one has approved twice",
      [
        [1, requested()],
        [2, answered("approval.given")],
        [3, answered("approval.given")],
      ],
      4,
      "inconclusive",
      "waits for approval by @access: 1 of 2",
    ],
    [
      "two have approved",
      [
        [1, requested()],
        [2, answered("approval.given")],
        [3, answered("approval.given"), "bob"],
      ],
      4,
      "pass",
      undefined,
    ],
    [
      "the same claim under another database role is another actor",
      [
        [1, requested()],
        [2, answered("approval.given")],
        [3, answered("approval.given"), "alice", "other_role"],
      ],
      4,
      "pass",
      undefined,
    ],
    [
      "the first has expired",
      [
        [1, requested()],
        [2, answered("approval.given")],
        [3, answered("approval.given"), "bob"],
      ],
      2 + 4 * HOUR,
      "inconclusive",
      "waits for approval by @access: 1 of 2; 1 older than 4h",
    ],
    [
      "it was renewed",
      [
        [1, requested()],
        [2, answered("approval.given")],
        [3, answered("approval.given"), "bob"],
        [3 * HOUR, answered("approval.given")],
      ],
      2 + 4 * HOUR,
      "pass",
      undefined,
    ],
    [
      "one has rejected",
      [
        [1, requested()],
        [2, answered("approval.given")],
        [3, answered("approval.given"), "bob"],
        [4, answered("approval.rejected"), "carol"],
      ],
      5,
      "fail",
      "rejected by carol: because",
    ],
    [
      "who has rejected has thought better of it",
      [
        [1, requested()],
        [2, answered("approval.rejected")],
        [3, answered("approval.given")],
        [4, answered("approval.given"), "bob"],
      ],
      5,
      "pass",
      undefined,
    ],
    [
      "they answered an earlier request",
      [
        [1, requested()],
        [2, answered("approval.given")],
        [3, answered("approval.given"), "bob"],
        [4, requested()],
      ],
      5,
      "inconclusive",
      "waits for approval by @access: 0 of 2",
    ],
  ];
  it.each(rows)("%s", (_, entries, now, verdict, message) => {
    const state = given(gated, entries);
    const look = lookAtWords(state, gateIn(state, "one/ready/approved"), "approval", now);
    expect(look).toMatchObject({ verdict, expected: { approvals: 2, by: ["@access"] } });
    expect(look.message).toBe(message);
  });

  it("are asked for before anybody is looked at, and the step waits", () => {
    const state = given(gated, []);
    expect(decide(state, {}, 1).actions).toEqual([{ do: "ask", gate: "one/ready/approved" }]);
    expect(decide(given(gated, [[1, requested()]]), {}, 2).actions).toEqual([
      { do: "look", gate: "one/ready/approved", target: "approval" },
    ]);
  });

  it("hold for one attempt that may have had effects, and are asked for anew behind it", () => {
    const attempt = (...ends: readonly Given[]) =>
      given(gated, [[1, requested()], [2, intended("one")], ...ends]).requests["one/ready/approved"];
    expect(attempt([3, failed("one", 3)])).toBeUndefined();
    expect(attempt([3, failed("one", 3, "absent")])).toBeDefined();
    expect(attempt([3, failed("one", 3, "refused")])).toBeDefined();
  });

  it("are over once one was rejected and a person has resumed", () => {
    const halted: Given = [3, { type: "run.halted", cause: "gate-failed", node: "one", reason: "no" }];
    const resumed: Given = [4, { type: "run.resumed", reason: "talked", acceptChangedCode: false }];
    const rejected: Given = [2, answered("approval.rejected")];
    expect(given(gated, [[1, requested()], rejected, halted, resumed]).requests).toEqual({});
    expect(given(gated, [[1, requested()], [2, answered("approval.given")], halted, resumed]).requests).not.toEqual({});
  });

  it("of what follows an update must be newer than the update", () => {
    const after = approved({ by: ["@access"] });
    const steps = [step("one", { convergedWhen: [after] }), step("two")];
    const id = "one/approved";
    const once = given(steps, [
      [1, intended("one")],
      [2, succeeded("one", 2)],
      [3, { ...requested(id), previews: [] }],
      [4, answered("approval.given", 4, id)],
    ]);
    expect(lookAtWords(once, gateIn(once, id), "approval", 5).verdict).toBe("pass");
    const again = [intended("one", 2), succeeded("one", 6, 2)].reduce(
      (state: RunState, event) => evolve(state, { number: state.last + 1, event: { at: 6, ...event } as RunEvent }),
      once,
    );
    expect(lookAtWords(again, gateIn(again, id), "approval", 7).verdict).toBe("inconclusive");
    expect(decide(again, {}, 7).actions).toEqual([{ do: "ask", gate: id }]);
  });
});

describe("what an approval binds", () => {
  const orders = resource("orders", "create");
  const rows: readonly (readonly [string, ChangeSet, ChangeSet, readonly string[]])[] = [
    [
      "the same in another order",
      changes(orders, resource("a", "update", ["x", "y"])),
      changes(resource("a", "update", ["y", "x"]), orders),
      [],
    ],
    [
      "the same with other diagnostics, versions and times",
      changes(orders),
      {
        ...changes(orders),
        duration: 9,
        engine: "4",
        providers: { aws: "7" },
        diagnostics: [{ severity: "warning", message: "m" }],
      },
      [],
    ],
    ["one more", changes(orders), changes(orders, resource("tap", "create")), ["+ create Topic tap"]],
    ["one less", changes(orders, resource("tap", "update")), changes(orders), ["- no longer update Topic tap"]],
    [
      "another op",
      changes(resource("orders", "update", ["name"])),
      changes(resource("orders", "delete")),
      ["+ delete Topic orders", "- no longer update Topic orders"],
    ],
    [
      "another property",
      changes(resource("orders", "update", ["name"])),
      changes(resource("orders", "update", ["name", "tags"])),
      ["~ update Topic orders: name, tags instead of name"],
    ],
    [
      "a replacement",
      changes(resource("orders", "replace", ["name"])),
      changes({ ...resource("orders", "replace", ["name"]), replaces: ["name"] }),
      ["~ replace Topic orders: name (replaced because of name) instead of name"],
    ],
  ];
  it.each(rows)("%s", (_, before, now, difference) => {
    expect(differenceOf(before, now)).toEqual(difference);
    expect(previewDigest(before) === previewDigest(now)).toBe(difference.length === 0);
  });

  it("names the gate, what was asked, and every difference up to a dozen", () => {
    const state = given(
      [step("one", { readyWhen: [approval] })],
      [
        [1, requested()],
        [2, intended("one")],
      ],
    );
    expect(unapproved(state, "one", shownChanges)).toBeUndefined();
    const many = changes(...Array.from({ length: 14 }, (_, at) => resource(`t${at}`, "create")));
    expect(unapproved(state, "one", many)).toMatch(
      /^what would happen now is not what was approved \(one\/ready\/approved, asked in entry 2\): \+ create Topic t0; .*; and 3 more$/,
    );
  });

  it("holds every member of a group that was approved as a whole, and nothing that was overridden", () => {
    const steps = [independent("all", { members: [step("one"), step("two")], readyWhen: [approval] })];
    const asked = [1, requested("all/ready/approved")] as const;
    const state = given(steps, [asked, [2, intended("one")], [3, intended("two")]]);
    expect(unapproved(state, "one", shownChanges)).toBeUndefined();
    expect(unapproved(state, "two", shownChanges)).toBe("nobody has been asked to approve it (all/ready/approved)");
    const signed: Given = [
      2,
      { type: "gate.overridden", gate: "all/ready/approved", overrode: [], reason: "incident" },
    ];
    expect(unapproved(given(steps, [asked, signed, [3, intended("two")]]), "two", shownChanges)).toBeUndefined();
  });

  it("is over once the run has halted for a difference, for a group's admission, too", () => {
    const steps = [independent("all", { members: [step("one"), step("two")], readyWhen: [approval] })];
    const id = "all/ready/approved";
    const passed = { type: "gate.passed", gate: id, operations: [], targets: [], samples: [] };
    const halted = { type: "run.halted", cause: "approval-outdated", node: "one", reason: "+ create Topic tap" };
    const state = given(steps, [
      [1, requested(id)],
      [2, passed],
      [3, intended("one")],
      [4, halted],
    ]);
    expect(state.requests).toEqual({});
    expect(state.gates[id]).toEqual({ measured: {} });
  });
});

describe("acknowledgments", () => {
  const told = acknowledged({ by: "@oncall", what: "the partners know", targets: ["eu", "us"] });
  const said = (targets: readonly string[]): object => ({
    type: "acknowledgment.received",
    gate: "one/ready/acknowledged",
    targets,
    reason: "told",
  });

  it("are of each target by itself", () => {
    const state = given([step("one", { readyWhen: [told] })], [[1, said(["eu"])]]);
    const look = (target: string) => lookAtWords(state, gateIn(state, "one/ready/acknowledged"), target, 2);
    expect(look("eu")).toMatchObject({ verdict: "pass", observed: { acknowledged: ["alice"] } });
    expect(look("us")).toMatchObject({
      verdict: "inconclusive",
      message: "waits for @oncall to acknowledge: the partners know",
    });
  });

  it("of an update must be newer than it, and a pause or a resume takes none away", () => {
    const steps = [step("one", { convergedWhen: [acknowledged({ by: "@oncall", what: "it works" })] })];
    const word = { type: "acknowledgment.received", gate: "one/acknowledged", targets: ["everywhere"], reason: "seen" };
    const verdict = (entries: readonly Given[]) => {
      const state = given(steps, [[1, intended("one")], [2, succeeded("one", 2)], ...entries]);
      return lookAtWords(state, gateIn(state, "one/acknowledged"), "everywhere", 99).verdict;
    };
    expect(verdict([[3, word]])).toBe("pass");
    expect(
      verdict([
        [3, word],
        [4, { type: "run.paused", reason: "night" }],
        [5, { type: "run.resumed", reason: "day" }],
      ]),
    ).toBe("pass");
    expect(
      verdict([
        [3, word],
        [4, intended("one", 2)],
        [5, succeeded("one", 5, 2)],
      ]),
    ).toBe("inconclusive");
  });
});

describe("overrides", () => {
  const look = gate("canary", {
    targets: ["eu", "us", "ap"],
    probe: http({ url: "http://localhost/" }),
    failureLimit: 1,
  });
  const gated = [step("one", { convergedWhen: [look] }), step("two")];
  const applied: readonly Given[] = [
    [1, intended("one")],
    [2, succeeded("one", 2)],
  ];
  const signed = (targets?: readonly string[]): object => ({
    type: "gate.overridden",
    gate: "one/canary",
    overrode: [],
    reason: "known",
    ...(targets === undefined ? {} : { targets }),
  });

  it("let the boundary open without a pass, and are named as its cause", () => {
    const state = given(gated, [...applied, [3, signed()]]);
    expect(decide(state, {}, 4).actions).toEqual([
      {
        do: "record",
        events: [{ event: { type: "boundary.opened", at: 4, node: "one" }, causes: [3, 4] }],
      },
    ]);
  });

  it("are for one attempt", () => {
    const again = [
      [4, intended("one", 2)],
      [5, succeeded("one", 5, 2)],
    ] as const;
    const { actions } = decide(given(gated, [...applied, [3, signed()], ...again]), {}, 6);
    expect(actions.every((action) => action.do === "look")).toBe(true);
  });

  it("of targets excuse only those, one after the other", () => {
    const state = given(gated, [...applied, [3, signed(["eu"])], [4, signed(["us"])]]);
    expect(state.overrides["one/canary"]).toMatchObject({ entries: [4, 5], targets: ["eu", "us"], by: "alice" });
    expect(decide(state, {}, 5).actions.some((action) => action.do === "record")).toBe(false);
    const all = given(gated, [...applied, [3, signed(["eu", "us", "ap"])]]);
    expect(decide(all, {}, 5).actions).toMatchObject([
      { do: "record", events: [{ event: { type: "boundary.opened" } }] },
    ]);
  });

  it("answer the verdict against the gate: a hold is over, a halted run goes on with a resume", () => {
    const against = { type: "gate.failed", gate: "one/canary", reason: "403", timedOut: false, targets: [] };
    const held = { type: "run.held", node: "one", gate: "one/canary", reason: "403" };
    const halted = { type: "run.halted", cause: "gate-failed", node: "one", reason: "403" };
    const resumed = { type: "run.resumed", reason: "signed", acceptChangedCode: false };
    const hold = given(gated, [...applied, [3, against], [4, held], [5, signed()]]);
    expect(hold.held).toEqual({});
    expect(hold.gates["one/canary"]?.verdict).toBeUndefined();
    const halt = given(gated, [...applied, [3, against], [4, halted], [5, signed()]]);
    expect(decide(halt, {}, 6).actions).toEqual([]);
    const on = given(gated, [...applied, [3, against], [4, halted], [5, signed()], [6, resumed]]);
    expect(decide(on, {}, 7).actions).toMatchObject([
      { events: [{ event: { type: "boundary.opened", node: "one" } }] },
    ]);
  });

  it("of a gate before a step let it start", () => {
    const steps = [step("one", { readyWhen: [approval] })];
    const word = { type: "gate.overridden", gate: "one/ready/approved", overrode: [], reason: "incident" };
    expect(decide(given(steps, [[1, word]]), {}, 2).actions).toMatchObject([
      { do: "operate", step: "one", causes: [1, 2] },
    ]);
  });
});

// ------------------------------------------------------------------------------------------------------ in a run

const sources = ["one", "two"].map((path) => ({ path, sha256: "same" }));

/** A run that is driven with fakes; `on` hears its news, `previews` are what its step would do, asked in turn. */
async function setUp(gates: readonly AuthoredGate[], previews: readonly ChangeSet[] | (() => Promise<ChangeSet>) = []) {
  const ledger = fakeLedger();
  const { event } = started(planOf({ name: "s", steps: [step("one", { readyWhen: gates })] }), Date.now());
  const answer = await ledger.acquire("sequence:s", {}, 1);
  if (!answer.acquired) throw new Error("the fake ledger is new");
  const body = bodyOf({ ...event, sources } as typeof event);
  const [entry] = await ledger.append([{ type: "run.started", run: RUN, causes: [], body }], { id: "1", leases: [] });
  const leases = holdLeases(ledger, answer.lease, [], {});
  const fake = fakeExecutor();
  const asked = typeof previews === "function" ? [] : [...previews];
  const inTurn = async () => asked.shift() ?? NO_CHANGES;
  const executor = { ...fake.executor, preview: typeof previews === "function" ? previews : inTurn };
  const never = new AbortController().signal;
  const first = fold(RUN, [eventOf(entry!)]);
  const run = (on: (type: string) => void, from = first, people?: Notifier) => {
    const { notifier: ear } = listener((news: News) => news.kind === "recorded" && on(news.event.type));
    const notifier = people ?? ear;
    const ports = { ledger, executor, probe: passingProbe, clock: systemClock, notifier };
    return drive(from, leases, ports, { pause: never, stop: never });
  };
  const resume = async (state: RunState) => {
    const resumed = { type: "run.resumed", at: Date.now(), reason: "seen", acceptChangedCode: false } as const;
    const [next] = await ledger.append([{ type: resumed.type, run: RUN, causes: [], body: bodyOf(resumed) }], {
      id: "r",
      leases: [],
    });
    return evolve(state, eventOf(next!));
  };
  return { ledger, open: ledger as unknown as OpenLedger, run, resume, first, started: fake.started };
}

const word = (claimed = "alice", more: Partial<GateWord> = {}): GateWord => ({
  run: RUN,
  gate: "one",
  reason: "looked at it",
  claimed,
  passedOn: true,
  ...more,
});

describe("a run that asks", () => {
  it("goes on once enough have approved, and the pass rests on the request and on their words", async () => {
    const { run, open, ledger } = await setUp([approval]);
    const state = await run((type) => {
      if (type === "approval.requested") void approve(open, word("alice")).then(() => approve(open, word("bob")));
    });
    expect(state.status).toBe("completed");
    const numbers = (type: string) => ledger.entries.filter((entry) => entry.type === type).map(({ number }) => number);
    const looks = ledger.entries.filter((entry) => entry.type === "gate.measured");
    expect(looks.at(-1)?.causes.map(({ number }) => number)).toEqual(
      expect.arrayContaining([...numbers("approval.requested"), ...numbers("approval.given")]),
    );
    expect(ledger.entries.find((entry) => entry.type === "gate.passed")?.body["samples"]).toEqual([]);
  });

  it("halts before any effect where what would happen is not what was approved, and asks anew", async () => {
    const {
      run,
      resume,
      open,
      ledger,
      started: operations,
    } = await setUp([approved({ by: "alice", interval: "10ms" })], [shownChanges]);
    const speak = (type: string) => void (type === "approval.requested" && approve(open, word("alice")));
    const halted = await run(speak);
    expect(halted.halt).toMatchObject({ cause: "approval-outdated", node: "one" });
    expect(halted.halt?.reason).toMatch(/: - no longer create Topic orders$/);
    expect(ledger.entries.map(({ type }) => type).slice(-3)).toEqual([
      "operation.previewed",
      "run.halted",
      "operation.failed",
    ]);
    const done = await run(speak, await resume(halted));
    expect(done.status).toBe("completed");
    expect(operations).toHaveLength(2);
    expect(ledger.entries.filter(({ type }) => type === "approval.requested")).toHaveLength(2);
  });

  it("halts by the gate's rule where somebody rejects", async () => {
    const { run, open, started: operations } = await setUp([approval]);
    const state = await run((type) => void (type === "approval.requested" && reject(open, word("carol"))));
    expect(state.halt).toMatchObject({ cause: "gate-failed", node: "one" });
    expect(state.halt?.reason).toContain("rejected by carol: looked at it");
    expect(operations).toEqual([]);
  });

  it("halts where what is to be approved can't be shown", async () => {
    const broken = () => Promise.reject(new EvoError("stack.preview", "dev could not be previewed: no such module"));
    const { run, started: operations } = await setUp([approval], broken);
    const state = await run(() => undefined);
    expect(state.halt).toMatchObject({
      cause: "operation-failed",
      node: "one",
      reason: "what one/ready/approved would approve can't be shown: dev could not be previewed: no such module",
    });
    expect(operations).toEqual([]);
  });

  it("is answered for everybody who is asked where a fault matrix is rehearsed", async () => {
    const { run, open, ledger, first } = await setUp([
      approved({ by: ["alice", "@access"], count: 2, interval: "10ms" }),
      acknowledged({ by: "@oncall", what: "quiet", targets: ["eu", "us"], interval: "10ms" }),
    ]);
    const notifier = answering(open, first, { tell: () => undefined });
    expect((await run(() => undefined, first, notifier)).status).toBe("completed");
    const words = ledger.entries.filter(({ body }) => "from" in body);
    expect(words.map(({ body }) => body["from"]).sort()).toEqual(["@access 1", "@oncall 1", "@oncall 1", "alice"]);
  });

  it("goes on once it has been overridden", async () => {
    const { run, open } = await setUp([approval]);
    const state = await run((type) => void (type === "approval.requested" && override(open, word())));
    expect(state.status).toBe("completed");
    expect(state.gates["one/ready/approved"]?.passed).toBeUndefined();
  });
});

describe("a word that makes no sense", () => {
  const mine = acknowledged({ by: ["alice"], what: "it is so", targets: ["eu"] });

  async function codeOf(speak: (open: OpenLedger) => Promise<unknown>, gates: readonly AuthoredGate[] = [approval]) {
    const { open, ledger } = await setUp(gates);
    const code = await speak(open).then(
      () => "it was taken",
      (error: { code: string; exit: number }) => `${error.code} ${error.exit}`,
    );
    if (code !== "it was taken") expect(ledger.entries).toHaveLength(1);
    return code;
  }

  it.each<[string, (open: OpenLedger) => Promise<unknown>, string, (readonly AuthoredGate[])?]>([
    ["of an unknown run", (open) => approve(open, word("a", { run: "s-nope" })), "run.unknown 2"],
    ["to an unknown gate", (open) => approve(open, word("a", { gate: "nope" })), "gate.unknown 2"],
    ["to a gate that asks something else", (open) => acknowledge(open, word()), "gate.not-asking 2"],
    ["before it was said what for", (open) => approve(open, word()), "approval.not-requested 2"],
    ["of somebody who isn't asked", (open) => acknowledge(open, word("bob")), "gate.not-asked 2", [mine]],
    [
      "about an unknown target",
      (open) => acknowledge(open, { ...word(), targets: ["us"] }),
      "target.unknown 2",
      [mine],
    ],
    ["of one who is asked", (open) => acknowledge(open, word()), "it was taken", [mine]],
  ])("%s", async (_, speak, code, gates) => {
    expect(await codeOf(speak, gates)).toBe(code);
  });

  it("is refused where the gate does not wait, was overridden already, or the run is over", async () => {
    const { open, run } = await setUp([approval]);
    await override(open, word());
    await expect(override(open, word())).rejects.toMatchObject({ code: "gate.overridden", exit: 2 });
    await expect(override(open, word("a", { gate: "one/ready/nope" }))).rejects.toMatchObject({ code: "gate.unknown" });
    expect((await run(() => undefined)).status).toBe("completed");
    await expect(approve(open, word())).rejects.toMatchObject({ code: "run.finished", exit: 2 });
  });

  it("is refused before its gate is reached, and where it may mean two of them", () => {
    const look = gate("canary", { targets: ["eu"], probe: http({ url: "http://localhost/" }) });
    const state = given([step("one", { readyWhen: [approval] }), step("two", { convergedWhen: [look] })], []);
    expect(isHolding(state, gateIn(state, "one/ready/approved"))).toBe(true);
    expect(isHolding(state, gateIn(state, "two/canary"))).toBe(false);
    expect(gatesNamed(state, "canary").map(({ id }) => id)).toEqual(["two/canary"]);
    expect(gatesNamed(state, "one").map(({ id }) => id)).toEqual(["one/ready/approved"]);
  });
});
