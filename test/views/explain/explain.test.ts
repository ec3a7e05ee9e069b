/** What an explanation says of runs in every kind of state, and what it offers there. */
import { describe, expect, it } from "vitest";
import type { Departure } from "../../../src/departures/model.js";
import type { HaltCause } from "../../../src/run/events.js";
import { fold } from "../../../src/run/evolve.js";
import { acknowledged, approved } from "../../../src/sequence/builders.js";
import type { ConvergenceTimes } from "../../../src/views/gates-times.js";
import { type FakeWorld, INSTANT, type Machine, NO_CHANGES, planOf, started } from "../../run/machine.js";
import { ARRIVED, look, propagating, REGIONS, rollout, runUntil, step } from "../tree-states.js";
import { afterwards, DRIVER, explained, told } from "./states.js";

const recorded = (world: FakeWorld): FakeWorld => ({ ...world, records: true });
const never = () => runUntil(rollout(), 300_000, recorded(propagating(999_000)));
const failing = (step: string): FakeWorld =>
  recorded({ ...propagating(0), operation: (id) => ({ takes: 3_000, succeeds: id !== step }) });
const holding = { ...ARRIVED, onTimeout: "hold" as const };

const choices = (machine: Machine, ...more: Parameters<typeof explained> extends [unknown, ...infer R] ? R : never) =>
  explained(machine, ...more).choices.map(({ choice, command }) => `${choice}: ${command}`);

/** Halted for a reason that the fake world doesn't know. */
function haltedFor(cause: HaltCause, machine = runUntil(rollout(), 8_000, propagating(0))): Machine {
  return afterwards(machine, { type: "run.halted", at: 8_000, cause, reason: `it is ${cause}` });
}

const USUAL: readonly ConvergenceTimes[] = [
  ["gateway/policy-arrived", undefined, 9_000, 14_000],
  ["gateway/policy-arrived", "eu-west-1", 4_200, 9_100],
].map(([gate, target, median, p95]) => {
  const row = { gate, count: 7, runs: 7, median, p95, last: median, flaps: 0, wavers: 0, timedOut: 0, failed: 0 };
  return (target === undefined ? row : { ...row, target }) as ConvergenceTimes;
});

describe("explain", () => {
  it("tells of a target that never arrived: why, how far it has come, what is in use, what can be done", () => {
    const readers = { identity: ["app", "gateway-eu-west-1", "flags"] };
    const explanation = explained(never(), 200_000, { times: USUAL, readers });
    expect(told(explanation, 80)).toMatchInlineSnapshot(`
      "
      run  halted (gate-timed-out) at gateway, since hh:mm:ss (1 min 10 s)
      nobody drives it

      why, from there to the first cause
        25  halted (gate-timed-out) at gateway
        24  gateway/policy-arrived: timed out: 2 of 3 targets have converged, 3 must
        23  gateway/policy-arrived eu-west-1: 403, json policy absent, expected 200,
              json policy 2
         1  run of role-rollout started, by ann@ops

      missing signals
        eu-west-1 (gateway/policy-arrived): 403, json policy absent, expected 200,
          json policy 2, since hh:mm:ss (3 min 10 s), 120 looks recorded
          usually 4.2 s (median of 7, p95 9.1 s); 2 min by now, longer than most

      how far it has converged
        gateway/policy-arrived: 2 of 3 targets, 3 needed; timed out; looked at for 2
          min; usually 9.0 s (median of 7, p95 14 s)
          us-east-1  converged, since hh:mm:ss (3 min 10 s)
          ap-southeast-2  converged, since hh:mm:ss (3 min 10 s)
          eu-west-1  missing, since hh:mm:ss (3 min 10 s)

      applied
        identity                converged               1 updated, 3 min 16 s ago
          read by app, gateway-eu-west-1
        app                     converged               1 updated, 3 min 13 s ago
        gateway-us-east-1       applied, not converged  1 updated, 3 min 10 s ago
        gateway-ap-southeast-2  applied, not converged  1 updated, 3 min 10 s ago
        gateway-eu-west-1       applied, not converged  1 updated, 3 min 10 s ago

      not applied
        billing  not started  waits for gateway
        store    not started  waits for gateway
        pages    not started  waits for store
        flags    not started  waits for consumers

      used already
        by no step of this run: nothing that comes after it, or is known to read it,
          has been applied

      to go on, all of this
        gateway/policy-arrived: eu-west-1 passes 5 times in a row
        somebody resumes it

      what can be done
        evo resume run --reason "..."
          looks at gateway/policy-arrived anew, for 2 min at first, and updates
          nothing for it; then goes on with billing
        evo override gateway/policy-arrived run --target eu-west-1 --reason "..."
          signed by you: eu-west-1 holds nothing back for this attempt; then evo
          resume run goes on
        evo retry gateway-us-east-1 run --reason "..."
          attempts only gateway-us-east-1 again (attempt 2), though its update had
          succeeded; what else has failed stays as it is
        evo retry gateway-ap-southeast-2 run --reason "..."
          attempts only gateway-ap-southeast-2 again (attempt 2), though its update
          had succeeded; what else has failed stays as it is
        evo retry gateway-eu-west-1 run --reason "..."
          attempts only gateway-eu-west-1 again (attempt 2), though its update had
          succeeded; what else has failed stays as it is
        evo abort run --reason "..."
          ends it where it stands; nothing is rolled back, and what is applied stays
          applied
      "
    `);
    const wide = told(explanation, 120).split("\n");
    expect(Math.max(...wide.map((line) => line.length))).toBeLessThanOrEqual(120);
    expect(wide.length).toBeLessThan(told(explanation, 80).split("\n").length);
  });

  it("tells of a held boundary with a target that flaps, and offers no resume while somebody drives it", () => {
    const flapping: FakeWorld = {
      ...propagating(999_000),
      look: (_, target, since) => {
        const well = target === "us-east-1" ? since % 30_000 < 20_000 : target !== "eu-west-1";
        return { takes: 20, verdict: well ? "pass" : "fail", observed: well ? 200 : 403, expected: 200 };
      },
    };
    const explanation = explained(runUntil(rollout(holding), 300_000, recorded(flapping)), 300_000, { driver: DRIVER });
    expect(told(explanation, 80)).toMatchInlineSnapshot(`
      "
      run  held at gateway, since hh:mm:ss (2 min 50 s)
      driven by ann@ops on ops, pid 7

      why, from there to the first cause
        32  gateway: held: nothing goes on behind it before gateway/policy-arrived
              passes; evo keeps looking
        31  gateway/policy-arrived: timed out: 1 of 3 targets have converged, 3 must
        30  gateway/policy-arrived us-east-1: 403, expected 200
        23  gateway/policy-arrived eu-west-1: 403, expected 200
         1  run of role-rollout started, by ann@ops

      missing signals
        us-east-1 (gateway/policy-arrived): 403, expected 200, since hh:mm:ss (980
          ms), 120 looks recorded
          recorded: hh:mm:ss fail (403), hh:mm:ss pass (200), hh:mm:ss fail (403)
          flapped: 10 times it had converged and stopped passing
          usual time: no data
        eu-west-1 (gateway/policy-arrived): 403, expected 200, since hh:mm:ss (4 min
          50 s), 120 looks recorded
          usual time: no data

      how far it has converged
        gateway/policy-arrived: 1 of 3 targets, 3 needed; timed out, and held: evo
          keeps looking; looked at for 4 min 50 s; usual time: no data
          us-east-1  missing, since hh:mm:ss (980 ms); flapped: 10 times it had
            converged and stopped passing
          ap-southeast-2  converged, since hh:mm:ss (4 min 50 s)
          eu-west-1  missing, since hh:mm:ss (4 min 50 s)

      applied
        identity                converged               1 updated, 4 min 56 s ago
        app                     converged               1 updated, 4 min 53 s ago
        gateway-us-east-1       applied, not converged  1 updated, 4 min 50 s ago
        gateway-ap-southeast-2  applied, not converged  1 updated, 4 min 50 s ago
        gateway-eu-west-1       applied, not converged  1 updated, 4 min 50 s ago

      not applied
        billing  not started  waits for gateway
        store    not started  waits for gateway
        pages    not started  waits for store
        flags    not started  waits for consumers

      used already
        by no step of this run: nothing that comes after it, or is known to read it,
          has been applied

      to go on, all of this
        gateway/policy-arrived: us-east-1, eu-west-1 pass 5 times in a row

      what can be done
        evo status run --watch
          goes on by itself as soon as gateway/policy-arrived passes; no time runs out
        evo override gateway/policy-arrived run --target us-east-1 eu-west-1 --reason "..."
          signed by you: us-east-1 and eu-west-1 hold nothing back for this attempt
        evo pause run --reason "..."
          starts nothing new, wherever it is driven; what runs is finished, and it can
          be resumed
        evo abort run --reason "..."
          pauses it and, once its driver has let go, ends it where it stands; nothing
          is rolled back, and what is applied stays applied
      "
    `);
  });

  it("tells of a failed update from its first failure on, with every attempt", () => {
    const plan = rollout();
    const retried = {
      ...plan,
      nodes: plan.nodes.map((node) =>
        node.id === "app" && node.kind === "step"
          ? { ...node, onFailure: "retry" as const, retry: { attempts: 2, backoff: 1_000 } }
          : node,
      ),
    };
    const explanation = explained(runUntil(retried, 60_000, failing("app")), 60_000);
    expect(told(explanation, 80)).toMatchInlineSnapshot(`
      "
      run  halted (operation-failed) at app, since hh:mm:ss (50 s)
      nobody drives it

      why, from there to the first cause
        14  halted (operation-failed) at app
        13  app: failed: it failed
        10  app: failed: it failed
         1  run of role-rollout started, by ann@ops

      applied
        identity  converged  1 updated, 57 s ago

      not applied
        app                     failed       it failed
        gateway-us-east-1       not started  waits for app
        gateway-ap-southeast-2  not started  waits for app
        gateway-eu-west-1       not started  waits for app
        billing                 not started  waits for gateway
        store                   not started  waits for gateway
        pages                   not started  waits for store
        flags                   not started  waits for consumers

      used already
        by no step of this run: nothing that comes after it, or is known to read it,
          has been applied

      to go on, all of this
        another attempt of app succeeds
        somebody resumes it

      what can be done
        evo resume run --reason "..."
          attempts app again (attempt 3); then goes on with gateway-us-east-1
        evo retry app run --reason "..."
          attempts only app again (attempt 3); what else has failed stays as it is
        evo abort run --reason "..."
          ends it where it stands; nothing is rolled back, and what is applied stays
          applied
      "
    `);
  });

  it("shows departures with their place in the order", () => {
    const departure: Departure = {
      id: "d-7k",
      kind: "update",
      stack: "file:///x#organization/flags/prod",
      place: "early",
      sequence: "role-rollout",
      step: "flags",
      summary: "out of sequence: flags was changed before step 8 by bob@laptop: update, 1 updated (Flag f)",
      at: 7_000,
      detected: 8_000,
      entry: 90,
      last: 90,
      rule: "halt",
      open: true,
      reopened: 0,
      rehearsal: false,
    };
    const explanation = explained(haltedFor("departed"), 9_000, { departures: [departure] });
    expect(explanation.departures).toEqual([
      {
        id: "d-7k",
        kind: "update",
        stack: "file:///x#organization/flags/prod",
        place: "early",
        step: "flags",
        summary: departure.summary,
        open: true,
        entry: 90,
      },
    ]);
    expect(told(explanation, 200)).toContain(`what evo did not do\n  d-7k  open  ${departure.summary}\n`);
    expect(explanation.conditions).toContain("somebody has looked at what evo did not do, and resumes with a reason");
  });

  it("says of a change that is in use who uses it", () => {
    const machine = runUntil(rollout(), 60_000, failing("pages"));
    const explanation = explained(machine, 60_000, { readers: { pages: ["billing"], store: ["billing"] } });
    expect(explanation.consumers).toEqual([{ step: "billing", after: false, reads: true }]);
    expect(explanation.applied.find(({ step }) => step === "store")?.readBy).toEqual(["billing"]);
    expect(told(explanation, 80)).toContain("used already\n  billing: applied, and reads its outputs\n");
    expect(explained(machine, 60_000).consumers).toEqual([]);
  });

  it("says of an inconsistent end that everything is in use", () => {
    const broken: FakeWorld = recorded({
      ...INSTANT,
      look: (gate) => ({ takes: 1, verdict: gate.includes("same") ? "fail" : "pass" }),
    });
    const explanation = explained(runUntil(rollout(), 600_000, broken), 600_000);
    expect(explanation.stopped).toMatchObject({ cause: "inconsistent" });
    expect(explanation.notApplied).toEqual([]);
    expect(told(explanation, 80)).toContain("everything has been applied: the change is in use in every step");
    expect(explanation.choices.map(({ choice }) => choice)).toEqual(["resume", "abort"]);
    expect(explanation.choices[0]?.does).toContain("then the run comes to its end");
  });
});

describe("the summary", () => {
  it.each<readonly [string, () => Machine, string]>([
    [
      "running",
      () => runUntil(rollout(), 20_000, recorded(propagating(99_000))),
      "running: waits for gateway/policy-arrived (0 of 3 converged)",
    ],
    ["held", () => runUntil(rollout(holding), 300_000, recorded(propagating(999_000))), "held at gateway"],
    ["halted", () => runUntil(rollout(), 60_000, failing("app")), "halted (operation-failed) at app"],
    [
      "paused",
      () => afterwards(runUntil(rollout(), 8_000, propagating(0)), { type: "run.paused", at: 8_000, reason: "lunch" }),
      "paused",
    ],
    ["completed", () => runUntil(rollout(), 600_000, propagating(0)), "completed: nothing is missing"],
    ["aborted", () => afterwards(never(), { type: "run.aborted", at: 200_000, reason: "superseded" }), "aborted"],
  ])("of a run that is %s", (status, machine, summary) => {
    const explanation = explained(machine(), 400_000);
    expect(explanation).toMatchObject({ status, summary });
    expect(
      told(explanation, 80)
        .split("\n")
        .filter((line) => line.length > 80),
    ).toEqual([]);
  });
});

describe("the choices", () => {
  const settled = afterwards(
    runUntil(rollout(), 1_000, propagating(0)),
    { type: "operation.unresolved", at: 2_000, operation: "run.identity.1.up", facts: ["the engine is gone"] },
    { type: "run.halted", at: 2_000, cause: "operation-unresolved", node: "identity", reason: "the engine is gone" },
  );
  const running = () => runUntil(rollout(), 20_000, propagating(99_000));
  const resume = 'resume: evo resume run --reason "..."';
  const abort = 'abort: evo abort run --reason "..."';
  const override = 'override: evo override gateway/policy-arrived run --reason "..."';
  const elsewhere = { driver: { ...DRIVER, is: "elsewhere" } } as const;

  it.each<readonly [string, () => readonly string[], readonly string[]]>([
    [
      "a run that is driven",
      () => choices(running(), 20_000, { driver: DRIVER }),
      ["wait: evo status run --watch", override, 'pause: evo pause run --reason "..."', abort],
    ],
    ["one that nobody drives", () => choices(running(), 20_000), ["resume: evo resume run", override, abort]],
    [
      "one whose driver is late on another machine",
      () => choices(running(), 20_000, elsewhere),
      [
        'resume: evo resume run --take-over --reason "..."',
        override,
        'abort: evo abort run --take-over --reason "..."',
      ],
    ],
    [
      "one with an engine at work that nobody follows",
      () => choices(runUntil(rollout(), 1_000, propagating(0)), 1_000),
      ["resume: evo resume run"],
    ],
    [
      "a failed update",
      () => choices(runUntil(rollout(), 60_000, failing("app")), 60_000),
      [resume, 'retry: evo retry app run --reason "..."', abort],
    ],
    [
      "an operation of which nobody knows the end",
      () => choices(settled, 3_000, { accepts: { retry: [], recover: { accepted: false } } }),
      ['settle: evo settle run.identity.1.up --as succeeded|failed --reason "..."', abort],
    ],
    [
      "changed code",
      () => choices(haltedFor("sources-changed"), 9_000),
      [resume, 'resume: evo resume run --accept-changed-code --reason "..."'],
    ],
    [
      "a departure",
      () => choices(haltedFor("departed", runUntil(rollout(), 7_000, propagating(0))), 9_000).slice(0, 1),
      [resume],
    ],
    ["a completed run", () => choices(runUntil(rollout(), 600_000, propagating(0)), 600_000), []],
    [
      "an aborted run",
      () => choices(afterwards(never(), { type: "run.aborted", at: 200_000, reason: "superseded" }), 200_000),
      ["start anew: evo up role-rollout"],
    ],
  ])("of %s", (_, found, expected) => {
    expect(found()).toEqual(expected);
  });

  it("are those of a recovery: what the rules choose, what a person names, nothing while one is under way", () => {
    const rule = {
      name: "back",
      when: { at: ["gateway"], notApplied: ["flags"] },
      sequence: "sequences/role-rollback.ts",
      start: "approved",
    } as const;
    const recover = (more: object) =>
      explained(never(), 200_000, { accepts: { retry: [], recover: { accepted: true, ...more } } }).choices.find(
        ({ choice }) => choice === "recover",
      );
    expect(recover({ rule })).toEqual({
      choice: "recover",
      command: 'evo recover run --reason "..."',
      does: "starts sequences/role-rollback.ts by rule back (at gateway, with flags not applied): a run of its own, with its own order and gates; when it has completed, this one is over",
    });
    expect(recover({})?.command).toBe('evo recover run --sequence <sequence> --reason "..."');
    expect(choices(never(), 200_000, { recovering: "role-rollback-1" })).toEqual([
      "wait: evo status role-rollback-1 --watch",
    ]);
  });

  it("are the words that gates ask for: approvals only of what was shown", () => {
    const plan = planOf({
      name: "s",
      steps: [
        step("one", {
          readyWhen: [
            acknowledged({ by: "@partners", what: "the partners know" }),
            approved({ name: "go", by: ["ann@ops", "bob@ops"], count: 2 }),
          ],
        }),
      ],
    });
    const first = started(plan);
    const machine = { state: fold("run", [first]), entries: [first], causes: new Map(), seen: {}, now: 0 };
    expect(choices(machine, 1_000, { driver: DRIVER }).slice(0, 1)).toEqual([
      'acknowledge: evo ack one/ready/acknowledged run --reason "..."',
    ]);
    const changes = { ...NO_CHANGES, counts: { create: 1 } };
    const previews = [{ step: "one", digest: "d", changes }];
    const requested = {
      type: "approval.requested",
      at: 500,
      gate: "one/ready/go",
      plan: plan.digest,
      previews,
    } as const;
    const shown = explained(afterwards(machine, requested), 1_000, { driver: DRIVER });
    expect(shown.choices.slice(0, 3)).toEqual([
      expect.objectContaining({ choice: "acknowledge", does: "for @partners: says that it is so: the partners know" }),
      {
        choice: "approve",
        command: 'evo approve one/ready/go run --reason "..."',
        does: "for ann@ops or bob@ops: approves, bound to the previews of one as they were shown",
        gate: "one/ready/go",
      },
      expect.objectContaining({ choice: "reject", command: 'evo reject one/ready/go run --reason "..."' }),
    ]);
    expect(shown.missing.map(({ gate, owner }) => [gate, owner])).toEqual([
      ["one/ready/acknowledged", "@partners"],
      ["one/ready/go", "ann@ops, bob@ops"],
    ]);
  });

  it("are never a retry that evo would refuse", () => {
    const machine = runUntil(rollout(), 60_000, failing("app"));
    expect(choices(machine, 60_000, { accepts: { retry: [], recover: { accepted: false } } })).toEqual([resume, abort]);
  });
});

describe("a recovery", () => {
  const answered = () =>
    afterwards(
      never(),
      { type: "recovery.started", at: 200_000, recovery: "role-rollback-1", sequence: "role-rollback" },
      { type: "run.recovered", at: 250_000, recovery: "role-rollback-1" },
    );

  it("is named, and what it answered is still explained", () => {
    const explanation = explained(answered(), 260_000);
    expect(explanation).toMatchObject({
      status: "recovered",
      summary: "recovered by role-rollback-1",
      recovery: { run: "role-rollback-1", sequence: "role-rollback" },
      stopped: { cause: "gate-timed-out", node: "gateway" },
      conditions: [],
      choices: [],
    });
    expect(explanation.chain[0]?.type).toBe("run.halted");
    const lines = told(explanation, 80).split("\n");
    expect(lines.slice(1, 3)).toEqual([
      "run  recovered by role-rollback-1",
      "answered by the recovery role-rollback-1 (role-rollback)",
    ]);
  });

  it("says which run it answers", () => {
    const machine = runUntil(rollout(), 8_000, propagating(0));
    const answers = { run: "role-rollout-1", sequence: "role-rollout", rule: "back" };
    const state = { ...machine.state, started: { ...machine.state.started, answers } };
    expect(told(explained({ ...machine, state }, 9_000), 80)).toContain(
      "it is a recovery: it answers role-rollout-1 by rule back\n",
    );
  });
});

describe("an override", () => {
  it("is shown, and the targets that it excuses are missing no more", () => {
    const gate = "gateway/policy-arrived";
    const signed = {
      type: "gate.overridden",
      at: 200_000,
      gate,
      targets: ["eu-west-1"],
      overrode: [],
      reason: "drained",
    } as const;
    const explanation = explained(afterwards(never(), signed), 210_000);
    expect(explanation.overrides).toMatchObject([{ gate, targets: ["eu-west-1"], reason: "drained" }]);
    expect(explanation.missing).toEqual([]);
    expect(explanation.gates[0]?.targets.map(({ target }) => target)).toEqual(["us-east-1", "ap-southeast-2"]);
    expect(told(explanation, 120)).toContain(`signed\n  overridden: ${gate} for eu-west-1, signed by `);
    expect(explanation.choices.map(({ choice }) => choice)).not.toContain("override");
  });
});

describe("partial convergence", () => {
  it("knows what had converged when it was judged, what passes, and what nobody could see", () => {
    const gate = look("policy-arrived", REGIONS, { consecutiveSuccessLimit: 5, consecutiveErrorLimit: 3 });
    const world: FakeWorld = {
      ...propagating(0),
      look: (_, target, since) => ({
        takes: 20,
        verdict: target === "us-east-1" ? "pass" : target === "eu-west-1" ? "error" : since > 1_000 ? "pass" : "fail",
      }),
    };
    const explanation = explained(runUntil(rollout(gate), 60_000, recorded(world)), 60_000);
    expect(explanation.stopped).toMatchObject({ cause: "gate-errored", node: "gateway" });
    const [standing] = explanation.gates;
    expect(standing?.targets.map(({ target, state }) => [target, state])).toEqual([
      ["us-east-1", "passing"],
      ["ap-southeast-2", "passing"],
      ["eu-west-1", "unseen"],
    ]);
    expect(explanation.missing.map(({ target }) => target)).toEqual(["eu-west-1"]);
  });
});
