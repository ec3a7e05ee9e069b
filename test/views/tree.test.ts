import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/run/events.js";
import { evolve, fold } from "../../src/run/evolve.js";
import type { RunState } from "../../src/run/state.js";
import { gate, independent, lockstep } from "../../src/sequence/builders.js";
import { http } from "../../src/sequence/probes.js";
import type { TreeInput } from "../../src/views/tree.js";
import { type FakeWorld, INSTANT, planOf, started } from "../run/machine.js";
import { ARRIVED, look, propagating, REGIONS, rollout, runUntil, step, treeAt } from "./tree-states.js";

const USUAL = {
  run: 44_000,
  update: { identity: 2_900, app: 3_100 },
  convergence: { gateway: 9_000 },
  total: { identity: 4_900, gateway: 14_000, flags: 4_000 },
};

const text = (lines: readonly string[]) => `\n${lines.join("\n")}\n`;
const at = (moment: number, world: FakeWorld, more: Partial<TreeInput> = {}, plan = rollout()) =>
  text(treeAt(runUntil(plan, moment, world, 2), moment, more));

function afterwards(state: RunState, ...events: readonly RunEvent[]): RunState {
  return events.reduce((before, event) => evolve(before, { number: before.last + 1, event }), state);
}

describe("the tree", () => {
  it("begins with the first step, says what each other waits for, and how long all usually takes", () => {
    expect(at(1_500, propagating(0), { usual: USUAL })).toMatchInlineSnapshot(`
      "

      role-rollout  run  running                                   1 s, usually ~44 s

      ● identity                   previewing                              1 s  ~3 s
      ○ app                        waits for identity                           ~3 s
      ○ gateway                    lockstep, waits for app                      ~14 s
      ├─ ○ gateway-us-east-1
      ├─ ○ gateway-ap-southeast-2
      ╰─ ○ gateway-eu-west-1
      ○ consumers                  independent, waits for gateway
      ├─ ○ billing
      ╰─ ○ reports                 serial
         ├─ ○ store
         ╰─ ○ pages                waits for store
      ○ flags                      waits for consumers                          ~4 s
      ○ at the end                 same-everywhere
      "
    `);
  });

  it("shows members side by side with the engine's progress, and who waits for a slot", () => {
    const progress = { kind: "progress", phase: "previewing", done: 5 } as const;
    const input = { progress: { "run.gateway-us-east-1.1.up": progress } };
    expect(at(9_000, propagating(0), input)).toMatchInlineSnapshot(`
      "

      role-rollout  run  running                                                  9 s

      ✓ identity                   converged, 1 updated                         3.0 s
      ✓ app                        converged, 1 updated                         3.0 s
      ● gateway                    lockstep, 0 of 3 applied                       2 s
      ├─ ● gateway-us-east-1       previewing, 5 resources so far                 2 s
      ├─ ● gateway-ap-southeast-2  previewing                                     2 s
      ╰─ ○ gateway-eu-west-1       waits for a free slot (2 at a time)
      ○ consumers                  independent, waits for gateway
      ├─ ○ billing
      ╰─ ○ reports                 serial
         ├─ ○ store
         ╰─ ○ pages                waits for store
      ○ flags                      waits for consumers
      ○ at the end                 same-everywhere
      "
    `);
  });

  it("shows target by target what a lockstep boundary lacks", () => {
    expect(at(20_000, propagating(12_000), { usual: USUAL })).toMatchInlineSnapshot(`
      "

      role-rollout  run  running                                  20 s, usually ~44 s

      ✓ identity                   converged, 1 updated                   3.0 s  ~5 s
      ✓ app                        converged, 1 updated                   3.0 s  ~3 s
      ◌ gateway                    lockstep, converging                     7 s  ~9 s
      ├─ ◌ gateway-us-east-1       applied, 1 updated                     3.0 s
      ├─ ◌ gateway-ap-southeast-2  applied, 1 updated                     3.0 s
      ├─ ◌ gateway-eu-west-1       applied, 1 updated                     3.0 s
      ╰─ policy-arrived            2 of 3 targets, 1 min 52 s left          7 s
         ✓ us-east-1       200, json policy 2                 8 in a row    7 s
         ✓ ap-southeast-2  200, json policy 2                 8 in a row    7 s
         ✗ eu-west-1       403, expected 200; policy absent, expected 2     7 s
      ○ consumers                  independent, waits for gateway
      ├─ ○ billing
      ╰─ ○ reports                 serial
         ├─ ○ store
         ╰─ ○ pages                waits for store
      ○ flags                      waits for consumers                           ~4 s
      ○ at the end                 same-everywhere
      "
    `);
  });

  it("marks a time far beyond the usual one", () => {
    const machine = runUntil(rollout(), 60_000, propagating(100_000), 2);
    const late = treeAt(machine, 60_000, { usual: USUAL }, { colour: true }).find((one) => one.includes("gateway "));
    expect(late).toContain("\u001b[33m   47 s\u001b[39m");
  });

  it("says that gates hold, but not within one window yet", () => {
    const lagging = look("lagging", ["b"], { interval: "10s", initialDelay: "5s" });
    const plan = planOf({
      name: "s",
      steps: [
        lockstep("both", {
          window: "100ms",
          members: [step("one"), step("two")],
          convergedWhen: [look("leading", ["a", "b"], { interval: "10s" }), lagging],
        }),
      ],
    });
    expect(at(6_000, { ...INSTANT, look: () => ({ takes: 0, verdict: "pass" }) }, {}, plan)).toMatchInlineSnapshot(`
      "

      s  run  running                                                             6 s

      ◌ both        lockstep, converging                                          5 s
      ├─ ◌ one      applied, 1 updated                                          10 ms
      ├─ ◌ two      applied, 1 updated                                          10 ms
      ├─ leading    hold, but not yet within one window of 100 ms                 5 s
      │  ✓ a  pass                                                  1 in a row    5 s
      │  ✓ b  pass                                                  1 in a row    5 s
      ╰─ ✓ lagging  b: pass (hold, but not yet within one window…   1 in a row    0 s
      "
    `);
  });

  it("explains a held run, which goes on measuring", () => {
    const held = { ...ARRIVED, timeout: 10_000, onTimeout: "hold" } as const;
    expect(at(60_000, propagating(1_000_000), {}, rollout(held))).toMatchInlineSnapshot(`
      "

      role-rollout  run  held                                                   1 min

      ✓ identity                   converged, 1 updated                         3.0 s
      ✓ app                        converged, 1 updated                         3.0 s
      ‖ gateway                    lockstep, converging                          47 s
      ├─ ◌ gateway-us-east-1       applied, 1 updated                           3.0 s
      ├─ ◌ gateway-ap-southeast-2  applied, 1 updated                           3.0 s
      ├─ ◌ gateway-eu-west-1       applied, 1 updated                           3.0 s
      ╰─ ‖ policy-arrived          timed out, still measuring                    47 s
         ✓ us-east-1       200, json policy 2                      48 in a row   47 s
         ✓ ap-southeast-2  200, json policy 2                      48 in a row   47 s
         ✗ eu-west-1       403, expected 200; policy absent, expected 2          47 s
      ○ consumers                  independent, waits for gateway
      ├─ ○ billing
      ╰─ ○ reports                 serial
         ├─ ○ store
         ╰─ ○ pages                waits for store
      ○ flags                      waits for consumers
      ○ at the end                 same-everywhere

      gateway is held: nothing goes on behind it before gateway/policy-arrived
        passes; evo keeps looking
      Ctrl-C where it is driven pauses it; then:
        evo resume run
        evo abort run --reason "..."
      "
    `);
  });

  it("explains a halted run and what to do", () => {
    const failing: FakeWorld = { ...propagating(0), operation: (id) => ({ takes: 3_000, succeeds: id !== "app" }) };
    expect(at(20_000, failing)).toMatchInlineSnapshot(`
      "

      role-rollout  run  halted                                                  20 s

      ✓ identity                   converged, 1 updated                         3.0 s
      ✗ app                        failed: it failed                            3.0 s
      ○ gateway                    lockstep
      ├─ ○ gateway-us-east-1
      ├─ ○ gateway-ap-southeast-2
      ╰─ ○ gateway-eu-west-1
      ○ consumers                  independent
      ├─ ○ billing
      ╰─ ○ reports                 serial
         ├─ ○ store
         ╰─ ○ pages
      ○ flags
      ○ at the end                 same-everywhere

      halted (operation-failed) at app: it failed
        evo resume run
        evo abort run --reason "..."
      "
    `);
  });

  it("shows a step whose outcome nobody knows", () => {
    const machine = runUntil(rollout(), 1_000, propagating(0));
    const state = afterwards(
      machine.state,
      { type: "operation.unresolved", at: 2_000, operation: "run.identity.1.up", facts: ["the engine is gone"] },
      { type: "run.halted", at: 2_000, cause: "operation-unresolved", node: "identity", reason: "the engine is gone" },
    );
    expect(text(treeAt({ ...machine, state }, 3_000).slice(0, 4))).toMatchInlineSnapshot(`
      "

      role-rollout  run  halted                                                   3 s

      ? identity                   its outcome is unknown: the engine is gone
      "
    `);
  });

  it("says of a paused run what is still finished", () => {
    const machine = runUntil(rollout(), 8_000, propagating(0), 2);
    const state = afterwards(machine.state, { type: "run.paused", at: 8_000, reason: "SIGINT at the terminal" });
    expect(text(treeAt({ ...machine, state }, 9_000))).toMatchInlineSnapshot(`
      "

      role-rollout  run  pausing                                                  9 s

      ✓ identity                   converged, 1 updated                         3.0 s
      ✓ app                        converged, 1 updated                         3.0 s
      ● gateway                    lockstep, 0 of 3 applied                       2 s
      ├─ ● gateway-us-east-1       previewing                                     2 s
      ├─ ● gateway-ap-southeast-2  previewing                                     2 s
      ╰─ ○ gateway-eu-west-1
      ○ consumers                  independent
      ├─ ○ billing
      ╰─ ○ reports                 serial
         ├─ ○ store
         ╰─ ○ pages
      ○ flags
      ○ at the end                 same-everywhere

      paused: SIGINT at the terminal; what runs is finished: gateway-us-east-1,
        gateway-ap-southeast-2
      "
    `);
  });

  it("says of another's run what was recorded last, and whether anybody drives it", () => {
    const machine = runUntil(rollout(), 20_000, propagating(12_000), 2);
    const gateway = "gateway/policy-arrived";
    const measured = REGIONS.slice(0, 2).map((target): RunEvent => {
      const verdict = { verdict: "pass", observed: { status: 200 }, expected: { status: 200 } } as const;
      const counts = { pass: 1, fail: 0, inconclusive: 0, error: 0 };
      const measurements = [{ ...verdict, number: 1, began: 14_000, ended: 14_020 }];
      return { type: "gate.measured", at: 14_020, gate: gateway, target, operations: [], measurements, counts };
    });
    const state = afterwards(machine.state, ...measured);
    const watched = { ...machine, state, seen: {} };
    expect(text(treeAt(watched, 30_000, { driver: "driven by ada@host on host, pid 7" }))).toMatchInlineSnapshot(`
      "

      role-rollout  run  running                                                 30 s

      ✓ identity                   converged, 1 updated                         3.0 s
      ✓ app                        converged, 1 updated                         3.0 s
      ◌ gateway                    lockstep, converging                          17 s
      ├─ ◌ gateway-us-east-1       applied, 1 updated                           3.0 s
      ├─ ◌ gateway-ap-southeast-2  applied, 1 updated                           3.0 s
      ├─ ◌ gateway-eu-west-1       applied, 1 updated                           3.0 s
      ╰─ policy-arrived            2 of 3 passed when last recorded              17 s
         ● us-east-1       200                                last recorded  15 s ago
         ● ap-southeast-2  200                                last recorded  15 s ago
         ○ eu-west-1       not looked at yet
      ○ consumers                  independent, waits for gateway
      ├─ ○ billing
      ╰─ ○ reports                 serial
         ├─ ○ store
         ╰─ ○ pages                waits for store
      ○ flags                      waits for consumers
      ○ at the end                 same-everywhere

      driven by ada@host on host, pid 7
      "
    `);
    expect(treeAt(watched, 30_000, { driver: null }).slice(-3)).toEqual([
      "nobody drives it; to go on, or to end it:",
      "  evo resume run",
      '  evo abort run --reason "..."',
    ]);
  });

  it("says which stack a step waits for, and when it is attempted again", () => {
    const lease = {
      resource: "stack:file:///x#app",
      token: "1",
      holder: { run: "other-abc", actor: "ada@host" },
      since: "",
      expires: "",
      live: true,
    };
    const state = fold("run", [started(planOf({ name: "s", steps: [step("one")] }))]);
    const waiting = { state, seen: {}, entries: [], causes: new Map(), now: 0 };
    expect(treeAt(waiting, 5, { leases: { one: lease } })).toContain(
      "○ one  waits for its stack: held by run other-abc, ada@host",
    );
    const plan = planOf({ name: "s", steps: [step("one", { retry: { attempts: 3, backoff: "30s" } })] });
    const again = runUntil(plan, 10_000, { ...INSTANT, operation: () => ({ takes: 2_000, succeeds: false }) });
    expect(treeAt(again, 10_000).join("\n")).toMatch(/^✗ one {2}failed, next attempt in 22 s: it failed +2.0 s$/m);
  });

  it("fits 40 columns in ASCII", () => {
    const machine = runUntil(rollout(), 20_000, propagating(12_000), 2);
    expect(text(treeAt(machine, 20_000, { usual: USUAL }, { width: 40, unicode: false }))).toMatchInlineSnapshot(`
      "

      role-rollout  run  running  20 s, usu...

      + identity          converged,...  3.0 s
      + app               converged,...  3.0 s
      ~ gateway           lockstep,...     7 s
      |- ~ gateway-us...  applied, 1...  3.0 s
      |- ~ gateway-ap...  applied, 1...  3.0 s
      |- ~ gateway-eu...  applied, 1...  3.0 s
      \`- policy-arrived   2 of 3 tar...    7 s
         + us-east-1       200, json...    7 s
         + ap-southeast-2  200, json...    7 s
         x eu-west-1       403, expe...    7 s
      . consumers         independen...
      |- . billing
      \`- . reports        serial
         |- . store
         \`- . pages       waits for...
      . flags             waits for...
      . at the end        same-every...
      "
    `);
  });

  it("spreads where there is room and a text needs it, and not else", () => {
    const machine = runUntil(rollout(), 20_000, propagating(12_000), 2);
    const narrow = treeAt(machine, 20_000);
    expect(treeAt(machine, 20_000, {}, { width: 119 })).toEqual(narrow);
    const reason = "the quota of the account is used up, and nothing can be created before it has been raised";
    const failing: FakeWorld = { ...propagating(0), operation: (id) => ({ takes: 3_000, succeeds: id !== "app" }) };
    const failed = runUntil(rollout(), 5_000, failing);
    const state = afterwards(failed.state, {
      type: "operation.failed",
      at: 6_000,
      operation: "run.app.1.up",
      began: 3_000,
      ended: 6_000,
      how: "failed",
      reason,
    });
    const wide = treeAt({ ...failed, state }, 6_000, {}, { width: 119 }).find((line) => line.includes("app "));
    expect(wide).toHaveLength(100);
    expect(wide).toMatch(/the quota of the account is used up, and nothing c.*… {2}3\.0 s$/);
  });

  it("leaves out what matters least where there are few lines, and says how much", () => {
    const machine = runUntil(rollout(), 33_000, propagating(8_000), 2);
    expect(text(treeAt(machine, 33_000, {}, { height: 10 }))).toMatchInlineSnapshot(`
      "
      role-rollout  run  running                                                 33 s
      ✓ identity                   converged, 1 updated                         3.0 s
      ✓ app                        converged, 1 updated                         3.0 s
      ✓ gateway                    lockstep, converged                           18 s
      ⋮ 3 hidden: 3 converged
      ✓ consumers                  independent, converged                       6.0 s
      ⋮ 3 hidden: 3 converged
         ╰─ ✓ pages                converged, 1 updated                         3.0 s
      ● flags                      previewing                                     2 s
      ○ at the end                 same-everywhere
      "
    `);
    expect(treeAt(machine, 33_000, {}, { height: 3 })).toHaveLength(3);
  });

  it("keeps what goes on in sight, however much has converged or waits", () => {
    const gates = [look("settled", ["a", "b", "c"])];
    const group = (at: number) =>
      independent(`wave-${at}`, {
        members: [1, 2, 3, 4, 5, 6].map((member) => step(`s${at}-${member}`, { convergedWhen: gates })),
      });
    const plan = planOf({ name: "s", steps: [1, 2, 3, 4, 5].map(group) });
    const slow: FakeWorld = {
      ...propagating(0),
      look: (_, __, since) => ({ takes: 20, verdict: since > 2_500 ? "pass" : "fail" }),
    };
    const machine = runUntil(plan, 20_000, slow, 3);
    expect(text(treeAt(machine, 20_000, {}, { height: 12 }))).toMatchInlineSnapshot(`
      "
      s  run  running                                                            20 s
      ⋮ 14 hidden: 14 converged
      ● wave-3   independent, 0 of 6 converged                                    1 s
      ├─ ● s3-1  previewing                                                       1 s
      ├─ ● s3-2  previewing                                                       1 s
      ├─ ● s3-3  previewing                                                       1 s
      ├─ ○ s3-4  waits for a free slot (3 at a time)
      ├─ ○ s3-5  waits for a free slot (3 at a time)
      ╰─ ○ s3-6  waits for a free slot (3 at a time)
      ○ wave-4   independent, waits for wave-3
      ⋮ 13 hidden: 13 waiting
      "
    `);
    expect(text(treeAt(machine, 20_000, {}, { height: 7 }))).toMatchInlineSnapshot(`
      "
      s  run  running                                                            20 s
      ⋮ 14 hidden: 14 converged
      ● wave-3   independent, 0 of 6 converged                                    1 s
      ├─ ● s3-1  previewing                                                       1 s
      ├─ ● s3-2  previewing                                                       1 s
      ├─ ● s3-3  previewing                                                       1 s
      ⋮ 17 hidden: 17 waiting
      "
    `);
  });

  it("is the same text with colours as without", () => {
    for (const moment of [1_500, 9_000, 20_000, 33_000, 60_000]) {
      const machine = runUntil(rollout(), moment, propagating(12_000), 2);
      const coloured = treeAt(machine, moment, { usual: USUAL }, { colour: true });
      expect(coloured.join("")).toContain("\u001b[");
      expect(coloured.map((line) => stripVTControlCharacters(line).trimEnd())).toEqual(
        treeAt(machine, moment, { usual: USUAL }),
      );
    }
  });

  it("keeps what was observed in its row: no line breaks, no control sequences", () => {
    const observed = "two\nlines \u001b[2J\u202e\u0007";
    const odd: FakeWorld = { ...INSTANT, look: () => ({ takes: 5, verdict: "fail", observed }) };
    const probe = http({ url: "http://localhost/" });
    const plan = planOf({ name: "s", steps: [step("one", { convergedWhen: [gate("g", { targets: ["a"], probe })] })] });
    const lines = treeAt(runUntil(plan, 3_000, odd), 3_000);
    expect(lines.join("\n")).toMatch(/^╰─ ✗ g {2}a: two lines {2}\[2J , expected pass +2 s$/m);
  });
});
