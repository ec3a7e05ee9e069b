/** What an audit finds wrong: each thing that a governed run may not do, told as if it had been done. */
import { describe, expect, it } from "vitest";
import { sha256 } from "../../../src/canonical.js";
import { previewDigest } from "../../../src/run/difference.js";
import type { Entry, NewEntry } from "../../../src/run/ports.js";
import { approved, up } from "../../../src/sequence/builders.js";
import { audit } from "../../../src/views/audit/audit.js";
import type { AuditReport } from "../../../src/views/audit/model.js";
import { auditPage } from "../../../src/views/audit/page.js";
import { describeAudit } from "../../../src/views/audit/text.js";
import { pageHtml, pageMarkdown } from "../../../src/views/document.js";
import { NO_CHANGES, planOf } from "../../run/machine.js";
import { type Append, answered, early, good, overridden, recovered, rollout, type Story, story } from "./stories.js";

/** A ledger in memory, without a chain. */
function memory(): { readonly append: Append; readonly entries: Entry[] } {
  const entries: Entry[] = [];
  const record = ({ causes, ...entry }: NewEntry): Entry => {
    const number = entries.length + 1;
    const time = new Date(Date.parse("2026-03-10T12:00:00Z") + number * 1000).toISOString().replace("Z", "000Z");
    const made: Entry = {
      ...entry,
      number,
      time,
      ledger: "l",
      version: 1,
      rehearsal: false,
      actor: { claimed: "ann@ops", authenticated: "evo" },
      causes: causes.map((cause) => ({ number: Number(cause), hash: "" })),
      text: "",
      previous: "",
      hash: sha256(String(number)),
    };
    entries.push(made);
    return made;
  };
  return { entries, append: async (given) => given.map(record) };
}

function auditOf(entries: readonly Entry[], run: string, departures: readonly Entry[] = []): AuditReport {
  const own = entries.filter((entry) => entry.run === run);
  return audit({
    own: own.filter(({ type }) => type !== "gate.measured"),
    evidence: own.filter(({ type }) => type === "gate.measured"),
    origins: entries.filter(({ type }) => type === "sequence.declared"),
    answers: entries.filter((entry) => entry.run !== undefined && entry.run !== run),
    departures,
    integrity: { first: 1, last: entries.length },
    now: Date.parse("2026-03-10T13:00:00Z"),
  });
}

/** A run that is told by hand, from its start on. */
async function told(plot: (told: Story, start: number) => Promise<void>): Promise<AuditReport> {
  const { append, entries } = memory();
  const own = story(append, "r", rollout());
  await plot(own, await own.start());
  return auditOf(entries, "r");
}

/** A told run with one entry told otherwise. */
async function altered(change: (entry: Entry) => Entry): Promise<AuditReport> {
  const { append, entries } = memory();
  await good(append);
  return auditOf(entries.map(change), "role-rollout-good");
}

const body = (entry: Entry, more: object): Entry => ({ ...entry, body: { ...entry.body, ...more } as Entry["body"] });
const isLook = (entry: Entry, target: string) =>
  entry.type === "gate.measured" && entry.body.target === target && entry.step === "gateway";
const lookOf = (entry: Entry) => (entry.body.measurements as unknown as readonly object[])[0] ?? {};
const first = ({ because }: { readonly because: readonly string[] }) => because[0];

describe("ordered", () => {
  it("is no where a step started before what it waits for had converged", async () => {
    const { verdicts, order } = await told(async (run, start) => {
      const applied = await run.operate("identity", [start]);
      await run.open("identity", [applied, await run.pass("identity/mapping-stands", ["pool"], [applied], "identity")]);
      await run.operate("flags", [start]);
    });
    expect(verdicts.ordered).toEqual({
      holds: "no",
      because: ["flags was started (entry 9) although gateway had not converged"],
    });
    expect(verdicts.converged).toMatchObject({ holds: "no" });
    expect(first(verdicts.converged)).toContain("flags was started (entry 9) before it was confirmed");
    expect(order.find(({ step }) => step === "flags")?.early).toEqual(["gateway had not converged"]);
  });

  it("is no where a boundary was closed by another attempt when what follows started", async () => {
    const { verdicts } = await told(async (run, start) => {
      const applied = await run.operate("identity", [start]);
      await run.open("identity", [applied, await run.pass("identity/mapping-stands", ["pool"], [applied], "identity")]);
      const again = await run.operate("identity", [applied], 2);
      await run.operate("gateway-us", [again]);
    });
    expect(verdicts.ordered).toMatchObject({ holds: "no", because: [expect.stringContaining("identity had not")] });
  });

  it("is not yet where nothing was started", async () => {
    const { verdicts } = await told(async () => undefined);
    expect(Object.values(verdicts).map(({ holds }) => holds)).toEqual(["not yet", "not yet", "not yet", "yes"]);
  });
});

describe("converged", () => {
  it.each<readonly [string, (entry: Entry) => Entry, string]>([
    [
      "a look began before the update had ended",
      (entry) => (isLook(entry, "us") ? body(entry, { measurements: [{ ...lookOf(entry), began: 1 }] }) : entry),
      "1 of its looks at us began before the update had ended (entry 15)",
    ],
    [
      "the last look at a target is no pass",
      (entry) => (isLook(entry, "eu") ? body(entry, { measurements: [{ ...lookOf(entry), verdict: "fail" }] }) : entry),
      "the last look at eu (entry 16) is no pass",
    ],
    [
      "a target was never looked at",
      (entry) => (isLook(entry, "eu") ? body(entry, { target: "elsewhere" }) : entry),
      "no entry holds a look at eu since its update",
    ],
    [
      "a look names another operation",
      (entry) => (isLook(entry, "eu") ? body(entry, { operations: ["older"] }) : entry),
      "no entry holds a look at eu since its update",
    ],
    [
      "the pass names another operation",
      (entry) =>
        entry.type === "gate.passed" && entry.step === "gateway" ? body(entry, { operations: ["older"] }) : entry,
      "its pass (entry 17) is not about role-rollout-good.gateway-us.1.up, role-rollout-good.gateway-eu.1.up",
    ],
    [
      "too few targets had converged",
      (entry) =>
        entry.type === "gate.passed" && entry.step === "gateway"
          ? body(entry, { targets: (entry.body.targets as readonly object[]).slice(1) })
          : entry,
      "1 of the 2 targets it takes had converged",
    ],
    [
      "the opening does not rest on the pass",
      (entry) =>
        entry.type === "boundary.opened" && entry.step === "gateway"
          ? { ...entry, causes: entry.causes.slice(0, -1) }
          : entry,
      "entry 18 does not name its pass (entry 17)",
    ],
  ])("is no where %s", async (_, change, reason) => {
    const { verdicts, boundaries } = await altered(change);
    expect(verdicts.converged.holds).toBe("no");
    expect(first(verdicts.converged)).toContain(reason);
    expect(boundaries.filter(({ state }) => state === "not confirmed").map(({ node }) => node)).toEqual(["gateway"]);
  });

  it("is no where a boundary was opened without any pass", async () => {
    const { verdicts } = await told(async (run, start) => {
      await run.open("identity", [await run.operate("identity", [start])]);
    });
    expect(verdicts.converged).toMatchObject({
      holds: "no",
      because: ["identity was not confirmed: identity/mapping-stands did not pass"],
    });
  });

  it("is not yet while the run is on its way", async () => {
    const { verdicts, standing } = await told(async (run, start) => {
      const applied = await run.operate("identity", [start]);
      await run.open("identity", [applied, await run.pass("identity/mapping-stands", ["pool"], [applied], "identity")]);
    });
    expect([standing, verdicts.ordered.holds, verdicts.converged.holds, verdicts.complete.holds]).toEqual([
      "running",
      "yes",
      "not yet",
      "not yet",
    ]);
  });
});

describe("what people answered", () => {
  const eu = { gate: "gateway/policy-arrived", targets: ["eu"], reason: "drained" };
  const around = (plot: (run: Story, first: number) => Promise<number>) =>
    told(async (run, start) => {
      const done = await run.operate("identity", [start]);
      const pass = await run.pass("identity/mapping-stands", ["pool"], [done], "identity");
      const first = await run.open("identity", [done, pass]);
      await run.finish(await plot(run, first), [first]);
    });

  it("is an override where targets were excused, though the others have converged", async () => {
    const { verdicts, boundaries } = await around(async (run, first) => {
      const applied = await run.gateways([first]);
      const word = await run.say("gate.overridden", eu, applied, { step: "gateway" });
      const pass = await run.pass("gateway/policy-arrived", ["us"], applied, "gateway");
      return run.open("gateway", [...applied, word, pass]);
    });
    expect([verdicts.ordered.holds, verdicts.converged.holds]).toEqual(["yes", "overridden"]);
    expect(boundaries.find(({ node }) => node === "gateway")).toMatchObject({ state: "overridden", lacks: [] });
  });

  it("is none where it was of an earlier attempt", async () => {
    const { verdicts } = await around(async (run, first) => {
      const before = await run.gateways([first]);
      await run.say("gate.overridden", { ...eu, targets: ["eu", "us"] }, before, { step: "gateway" });
      return run.open("gateway", [
        await run.operate("gateway-eu", before, 2),
        await run.operate("gateway-us", before, 2),
      ]);
    });
    expect(verdicts.converged).toMatchObject({
      holds: "no",
      because: [expect.stringContaining("gateway/policy-arrived did not pass")],
    });
  });

  it.each<readonly [string, number, string, boolean, "yes" | "no"]>([
    ["of just that, by enough", 2, previewDigest(NO_CHANGES), false, "yes"],
    ["by too few", 1, previewDigest(NO_CHANGES), false, "no"],
    ["of something else", 2, "another", false, "no"],
    ["too long ago", 2, previewDigest(NO_CHANGES), true, "no"],
  ])("is an approval %s", async (_, count, digest, late, holds) => {
    const asks = approved({ by: "@access", count: 2, ...(late ? { expires: "1s" } : {}) });
    const { append, entries } = memory();
    const plan = planOf({ name: "s", steps: [up("a", { dir: "a", stack: "prod", readyWhen: [asks] })] });
    const run = story(append, "r", plan);
    const start = await run.start();
    const request = await run.say("approval.requested", { gate: "a/ready/approved", plan: "p", previews: [] }, [start]);
    const given = { gate: "a/ready/approved", request, plan: "p", previews: { a: digest }, reason: "read" };
    for (const from of ["ann", "bob"].slice(0, count)) await run.say("approval.given", { ...given, from }, [request]);
    const pass = await run.pass("a/ready/approved", ["approval"], [start], "a");
    const last = await run.open("a", [await run.operate("a", [start, pass])]);
    await run.say("run.completed", {}, [last]);
    const report = auditOf(entries, "r");
    expect(report.verdicts.converged.holds, JSON.stringify(report.verdicts.converged)).toBe(holds);
    expect(report.people.map(({ did }) => did)).not.toContain("requested");
  });
});

describe("the rest", () => {
  it("names everybody who gave a word, and lists what it does not judge", async () => {
    const report = await told(async (run, start) => {
      await run.say("approval.received", { gate: "flags/ready/ok", reason: "looks right" }, [start]);
      await run.say("acknowledgment.received", { gate: "flags/ready/seen" }, [start]);
      await run.say("contract.provided", { contract: "orders@2" }, [start]);
      await run.say("run.paused", { reason: "lunch" }, [start]);
    });
    expect(report.people.map(({ did, what }) => [did, what])).toEqual([
      ["declared", "role-rollout"],
      ["started", undefined],
      ["approved", "flags/ready/ok"],
      ["acknowledged", "flags/ready/seen"],
      ["paused", undefined],
    ]);
    expect(report.unknown).toEqual([{ type: "contract.provided", entries: [5] }]);
    expect(report.standing).toBe("paused");
  });

  it("shows departures from outside of the run, open ones as in place, and never guesses who it was", async () => {
    const { append, entries } = memory();
    await append([{ type: "departure.detected", stack: "s#identity", causes: [], body: { id: "d", place: "after" } }]);
    await good(append);
    const outside = entries.filter(({ type }) => type === "departure.detected");
    const report = auditOf(entries, "role-rollout-good", outside);
    expect(report.departures).toMatchObject([{ id: "d", by: "unknown", standing: "detected", place: "after" }]);
    expect(report.verdicts.ordered.holds).toBe("yes");
    expect(describeAudit(report, 120).join("\n")).toContain("by unknown (entry 1); in place");
  });

  it.each<readonly [string, Partial<NewEntry>, "yes" | "no", number]>([
    ["open before the start, in this sequence's order", { sequence: "role-rollout" }, "no", 1],
    ["open before the start, in another's order", { sequence: "another" }, "yes", 1],
  ])("counts an early departure where it belongs: %s", async (_, more, holds, shown) => {
    const { append, entries } = memory();
    const body = { id: "d", place: "early", summary: "pushed" };
    await append([{ type: "departure.detected", stack: "s#identity", causes: [], body, ...more }]);
    await good(append);
    const report = auditOf(entries, "role-rollout-good", entries.slice(0, 1));
    expect([report.verdicts.ordered.holds, report.departures.length]).toEqual([holds, shown]);
  });

  it("leaves out what had ended before the run", async () => {
    const { append, entries } = memory();
    const body = { id: "d", place: "early", summary: "pushed" };
    await append([{ type: "departure.detected", stack: "s#identity", causes: [], body }]);
    await append([{ type: "departure.closed", stack: "s#identity", causes: [1], body: { id: "d", how: "gone" } }]);
    await good(append);
    const report = auditOf(entries, "role-rollout-good", entries.slice(0, 2));
    expect([report.verdicts.ordered.holds, report.departures]).toEqual(["yes", []]);
  });

  it("refuses entries without a start", () => {
    expect(() => auditOf([], "r")).toThrow(/hold no start/);
  });

  it("gives pages in which nothing that was recorded is markup", async () => {
    const report = await told(async (run, start) => {
      await run.say("run.aborted", { reason: `<script>alert("1")</script> | [x](http://y) & 'z'` }, [start]);
    });
    const page = auditPage(report);
    expect(pageHtml(page)).toContain(
      "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; | [x](http://y) &amp; &#39;z&#39;",
    );
    expect(pageHtml(page)).not.toContain("<script");
    expect(pageMarkdown(page)).toContain("&lt;script&gt;alert(\"1\")&lt;/script&gt; \\| \\[x\\](http://y) &amp; 'z'");
  });

  it.each([good, overridden, early, recovered, answered])("fits 80 columns: %o", async (plot) => {
    const { append, entries } = memory();
    await plot(append);
    const report = auditOf(entries, entries[1]?.run ?? "");
    expect(describeAudit(report, 80).filter((line) => line.length > 80)).toEqual([]);
  });
});
