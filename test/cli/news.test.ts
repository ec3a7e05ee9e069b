/** Plain lines over hours, by a clock of their own: what is said when, and how much of it. */
import { describe, expect, it } from "vitest";
import { type Lines, lineTeller } from "../../src/cli/news.js";
import type { RunEvent } from "../../src/run/events.js";
import { fold } from "../../src/run/evolve.js";
import type { Entry, News } from "../../src/run/ports.js";
import { lockstep, up } from "../../src/sequence/builders.js";
import { http } from "../../src/sequence/probes.js";
import { planOf, started } from "../run/machine.js";

const CHANGES = { counts: {}, resources: [], diagnostics: [], engine: "3.200.0", providers: {}, duration: 1 };

const PLAN = planOf({
  name: "rollout",
  steps: [
    lockstep("gateway", {
      members: [up("eu", { dir: "s", stack: "eu", onFailure: "retry", retry: { attempts: 3, backoff: "5m" } })],
      convergedWhen: [
        {
          name: "canary",
          targets: ["a", "b"].map((name) => ({ name, probe: http({ url: `https://${name}.example`, expect: {} }) })),
          interval: 1000,
          timeout: "2h",
          consecutiveSuccessLimit: 5,
        },
      ],
    }),
  ],
});

/** A teller whose time only passes when it is told to. */
function telling() {
  let now = 0;
  let timers: readonly { readonly at: number; readonly call: () => void }[] = [];
  let entries = 1;
  const said: string[] = [];
  const lines: Lines = {
    now: () => now,
    after(milliseconds, call) {
      const timer = { at: now + milliseconds, call };
      timers = [...timers, timer];
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    say: (line) => said.push(`${now / 1000} ${line}`),
    sayFolded: (line) => said.push(`${now / 1000} ${line}`),
  };
  const teller = lineTeller(lines, fold("rollout-k3m9qa", [started(PLAN)]));
  const tell = (news: object) => teller.tell(news as News);
  return {
    said,
    teller,
    waiting: () => timers.length,
    tell,
    record(event: object) {
      const entry = { number: ++entries, run: "rollout-k3m9qa", actor: { claimed: "me", authenticated: "w" } } as Entry;
      tell({ kind: "recorded", entry, event: { at: now, ...event } as RunEvent });
    },
    look(target: string, status: number) {
      const verdict = status === 200 ? "pass" : "fail";
      const measurement = { number: 1, began: now, ended: now, verdict, observed: status, expected: 200 };
      tell({ kind: "looked", gate: "gateway/canary", target, measurement });
    },
    pass(milliseconds: number) {
      const until = now + milliseconds;
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers = timers.filter((one) => one !== next);
        now = next.at;
        next.call();
      }
      now = until;
    },
  };
}

const INTENT = { operation: "r.eu.1.up", step: "eu", attempt: 1, verb: "up", stack: "x", source: {} };

/** The update of `eu` has ended at 5 s. */
function updated() {
  const run = telling();
  run.record({ type: "operation.intended", ...INTENT });
  run.pass(5000);
  run.record({ type: "operation.succeeded", operation: "r.eu.1.up", began: 0, ended: 5000, changes: CHANGES });
  run.said.length = 0;
  return run;
}

describe("the heartbeat", () => {
  it("comes once a minute for the whole run, and says what every target is waited for and since when", () => {
    const run = updated();
    for (let second = 0; second < 120; second += 1) {
      run.look("a", 403);
      run.look("b", 503);
      run.pass(1000);
    }
    expect(run.said).toEqual([
      "5 gateway/canary  a  403, expected 200",
      "5 gateway/canary  b  503, expected 200",
      "60 waiting for gateway/canary  a  403, expected 200 (for 55 s); gateway/canary  b  503, expected 200 (for 55 s)",
      "120 waiting for gateway/canary  a  403, expected 200 (for 1 min 55 s); gateway/canary  b  503, expected 200 (for 1 min 55 s)",
    ]);
  });

  it("grows rarer in the long run, but never silent for more than five minutes: a night is some hundred lines", () => {
    const run = updated();
    run.look("a", 403);
    run.pass(8 * 3_600_000);
    expect(run.said.length).toBeGreaterThan(95);
    expect(run.said.length).toBeLessThan(110);
    const times = run.said.map((line) => Number.parseInt(line, 10));
    expect(Math.max(...times.slice(1).map((time, at) => time - (times[at] ?? 0)))).toBeLessThanOrEqual(300);
  });

  it("says how far a streak has come where every target passes, and that nobody has looked where nobody has", () => {
    const run = updated();
    run.pass(55_000);
    for (const status of [403, 200, 200]) run.look("a", status);
    for (const status of [200, 200, 200]) run.look("b", status);
    run.pass(60_000);
    const beats = run.said.filter((line) => line.includes("waiting for"));
    expect(beats).toEqual([
      "60 waiting for gateway/canary  a  not looked at yet (for 55 s); gateway/canary  b  not looked at yet (for 55 s)",
      "120 waiting for gateway/canary  every target passes, 2 of 5 in a row (for 1 min)",
    ]);
  });

  it("says what the engine does, and who holds a stack", () => {
    const run = telling();
    const lease = { resource: "stack:x", holder: { run: "other" }, since: "then", expires: "soon", live: true };
    for (let second = 0; second < 50; second += 1) {
      run.tell({ kind: "waiting", node: "eu", lease });
      run.pass(1000);
    }
    expect(run.said).toEqual(["0 eu: waits: stack:x is held by run other since then, until soon unless renewed"]);
    run.record({ type: "operation.intended", ...INTENT });
    const report = { kind: "progress", phase: "updating", done: 7, planned: 13 };
    run.tell({ kind: "progress", operation: "r.eu.1.up", report });
    run.pass(10_000);
    expect(run.said.at(-1)).toBe("60 waiting for eu: updating, 7 of 13 resources done (for 10 s)");
  });

  it("says that a step is tried again", () => {
    const run = telling();
    run.record({ type: "operation.intended", ...INTENT });
    run.pass(10_000);
    const failed = { operation: "r.eu.1.up", began: 0, ended: 10_000, how: "failed", reason: "throttled" };
    run.record({ type: "operation.failed", ...failed });
    run.pass(50_000);
    expect(run.said.at(-1)).toBe("60 waiting for eu: attempt 2 (for 50 s)");
  });

  it("says that the ledger does not answer, until it does", () => {
    const run = updated();
    run.look("a", 200);
    run.look("b", 403);
    run.tell({ kind: "ledger", available: false, since: 4000, reason: "connection refused" });
    run.pass(55_000);
    expect(run.said.at(-1)).toBe(
      "60 waiting for the ledger, which does not answer (for 56 s); gateway/canary  b  403, expected 200 (for 55 s)",
    );
    run.tell({ kind: "ledger", available: true, since: 4000, reason: "" });
    run.pass(60_000);
    expect(run.said.at(-1)).not.toContain("ledger");
  });

  it("is silent where nothing is waited for, and stops when it is closed", () => {
    const run = updated();
    run.record({ type: "run.completed" });
    run.said.length = 0;
    run.pass(600_000);
    expect(run.said).toEqual([]);
    run.teller.close();
    expect(run.waiting()).toBe(0);
  });
});

describe("a flapping target", () => {
  it("is said at most once a heartbeat, with how often it changed", () => {
    const run = updated();
    for (let second = 0; second < 115; second += 1) {
      run.look("a", second % 2 === 0 ? 403 : 200);
      run.pass(1000);
    }
    expect(run.said.map((line) => line.replace(/ \(.*/, ""))).toEqual([
      "5 gateway/canary  a  403, expected 200",
      "6 gateway/canary  a  200, as expected",
      "60 waiting for gateway/canary  a  403, expected 200, changed 53 more times",
      "120 waiting for gateway/canary  a  403, expected 200, changed 60 more times",
    ]);
  });
});

describe("a new attempt", () => {
  it("makes what is seen then news, and streaks begin anew", () => {
    const run = updated();
    run.look("a", 403);
    run.record({ type: "operation.intended", ...INTENT, operation: "r.eu.2.up", attempt: 2 });
    run.said.length = 0;
    run.look("a", 403);
    expect(run.said).toEqual(["5 gateway/canary  a  403, expected 200"]);
  });
});
