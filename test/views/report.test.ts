import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { fold, type Numbered } from "../../src/run/evolve.js";
import { lockstep, up } from "../../src/sequence/builders.js";
import { http } from "../../src/sequence/probes.js";
import { type ReportFacts, reportOf } from "../../src/views/report.js";
import { reportMarkdown } from "../../src/views/report-markdown.js";
import { type Report, reportSchema, reportSchemaJson } from "../../src/views/report-schema.js";
import { type FakeWorld, INSTANT, planOf, simulate, started } from "../run/machine.js";

const probe = (target: string) => http({ url: `https://${target}.example`, expect: {} });

const PLAN = planOf({
  name: "rollout",
  owner: "team-access",
  steps: [
    up("identity", { dir: "identity", stack: "prod" }),
    lockstep("gateway", {
      members: [up("eu", { dir: "gateway", stack: "eu" }), up("us", { dir: "gateway", stack: "us" })],
      convergedWhen: [
        {
          name: "canary",
          targets: ["a", "b"].map((name) => ({ name, probe: probe(name) })),
          interval: 1000,
          timeout: "1m",
        },
      ],
    }),
    up("flags", { dir: "flags", stack: "prod" }),
  ],
});

const FACTS: ReportFacts = {
  now: 90_000,
  exit: 0,
  by: { claimed: "operator@test", authenticated: "evo_writer" },
  evo: "0.1.0",
  head: { id: "ledger", number: 60, hash: "b4aa" },
};

const report = (world: FakeWorld, facts: Partial<ReportFacts> = {}) =>
  reportOf(simulate(PLAN, world).state, { ...FACTS, ...facts });

const COMPLETED = () => report(INSTANT);
const TIMED_OUT = () =>
  report({ ...INSTANT, look: (_, target) => ({ takes: 1, verdict: target === "a" ? "fail" : "pass" }) }, { exit: 5 });
const FAILED = () =>
  report({ ...INSTANT, operation: (step) => ({ takes: 10, succeeds: step !== "identity" }) }, { exit: 1 });
const BROKEN_OFF = () => report(INSTANT, { exit: 9, error: { code: "ledger.unavailable", message: "it is gone" } });

/** A state that holds what the simulation leaves out: recorded looks. */
function measured(): Report {
  const plan = PLAN;
  const before = simulate(plan, { ...INSTANT, look: () => ({ takes: 1, verdict: "fail" }) }, 5_000).entries;
  const counts = { pass: 0, fail: 4, inconclusive: 0, error: 0 };
  const look = { number: 1, began: 40, ended: 41, verdict: "fail" as const, observed: { status: 403 }, expected: 200 };
  const event = { type: "gate.measured" as const, at: 41, gate: "gateway/canary", target: "a", operations: [], counts };
  const entry: Numbered = { number: before.length + 1, event: { ...event, measurements: [look] } };
  return reportOf(fold("run", [...before, entry]), { ...FACTS, exit: 3 });
}

const ajv = new Ajv2020({ strict: true, formats: { "date-time": (text: string) => !Number.isNaN(Date.parse(text)) } });

describe("reportOf", () => {
  const all = { COMPLETED, TIMED_OUT, FAILED, BROKEN_OFF, measured };

  it.each(Object.entries(all))("keeps to its schema, as zod and as JSON Schema know it: %s", (_, make) => {
    const parsed = JSON.parse(JSON.stringify(make()));
    expect(reportSchema.parse(parsed)).toEqual(parsed);
    const validate = ajv.compile(reportSchemaJson() as object);
    expect(validate(parsed), JSON.stringify(validate.errors)).toBe(true);
  });

  it("says where the run stands, by whom, with which versions, and up to which entry", () => {
    expect(COMPLETED()).toMatchObject({
      schema: "evo.report/1",
      run: "run",
      sequence: { name: "rollout", owner: "team-access" },
      status: "completed",
      exit: 0,
      startedAt: "1970-01-01T00:00:00.000Z",
      reportedAt: "1970-01-01T00:01:30.000Z",
      by: FACTS.by,
      versions: { evo: "0.1.0", engine: "3.200.0" },
      ledger: FACTS.head,
      missing: [],
    });
    expect(COMPLETED().endedAt).toBeDefined();
    expect(COMPLETED().steps).toHaveLength(4);
    expect(COMPLETED().steps[0]).toMatchObject({
      step: "identity",
      status: "converged",
      took: 10,
      changes: { update: 1 },
      attempts: [{ number: 1, status: "succeeded", took: 10 }],
    });
    expect(COMPLETED().gates).toMatchObject([{ gate: "gateway/canary", status: "passed", phase: "converged" }]);
  });

  it("has the steps in the order in which they were begun; those that were not stand last", () => {
    // Members of a lockstep start together; here the second was recorded first.
    const intent = (number: number, step: string): Numbered => ({
      number,
      event: {
        type: "operation.intended",
        at: number,
        operation: `run.${step}.1.up`,
        step,
        attempt: 1,
        verb: "up",
        stack: step,
        source: { path: step, sha256: "" },
      },
    });
    const state = fold("run", [started(PLAN), intent(2, "identity"), intent(3, "us"), intent(4, "eu")]);
    const steps = reportOf(state, FACTS).steps;
    expect(steps.map(({ step, status }) => `${step} ${status}`)).toEqual([
      "identity previewing",
      "us previewing",
      "eu previewing",
      "flags waiting",
    ]);
    expect(steps[1]?.attempts).toMatchObject([{ status: "running", entry: 3, intendedAt: "1970-01-01T00:00:00.003Z" }]);
  });

  it("says why it stands still, and what it misses", () => {
    const timedOut = TIMED_OUT();
    expect(timedOut).toMatchObject({
      status: "halted",
      halt: { cause: "gate-timed-out", node: "gateway" },
      gates: [{ gate: "gateway/canary", status: "timed-out" }],
      next: ["evo resume run", 'evo abort run --reason "..."'],
    });
    expect(timedOut.endedAt).toBeUndefined();
    expect(FAILED()).toMatchObject({
      halt: { cause: "operation-failed", node: "identity", reason: "it failed" },
      steps: [
        { status: "failed", reason: "it failed", attempts: [{ status: "failed", reason: "it failed" }] },
        {},
        {},
        {},
      ],
    });
    expect(measured().missing).toMatchObject([
      { gate: "canary", declaredOn: "gateway", target: "a", verdict: "fail", observed: { status: 403 }, expected: 200 },
      { target: "b", verdict: "not looked at yet" },
    ]);
    expect(measured().gates[0]?.targets).toMatchObject([
      { target: "a", verdict: "fail", looks: 4, since: "1970-01-01T00:00:00.040Z" },
      { target: "b", looks: 0 },
    ]);
  });
});

describe("reportMarkdown", () => {
  it("tells the same to people", () => {
    const page = reportMarkdown(measured());
    expect(page).toMatch(
      /^## rollout: running after 1 min 30 s\n\nRun `run`, owned by team-access, driven by operator\\@test/,
    );
    expect(page).toContain("| `gateway/canary` | `a` | `403` | `200` | 1970-01-01 00:00:00 UTC (1 min 29 s) |");
    expect(page).toContain("| `identity` | converged | 1 updated | 10 ms |");
    expect(page).toContain("Ledger: up to entry 60, hash `b4aa`. evo 0.1.0, engine 3.200.0.");
    expect(page.endsWith("```\n")).toBe(true);
  });

  it("says first why a run stands still", () => {
    expect(reportMarkdown(FAILED())).toMatch(
      /\*\*Halted\*\* \(operation-failed\) at `identity`:\n\n```text\nit failed\n```/,
    );
    expect(reportMarkdown(BROKEN_OFF())).toMatch(/\*\*Error\*\* `ledger.unavailable`:\n\n```text\nit is gone\n```/);
  });

  it("lets nothing that it quotes be markup", () => {
    const made = COMPLETED();
    const nasty = "a|b `c` <img src=x> **d** [e](f)\n# g\n``` h";
    const page = reportMarkdown({
      ...made,
      sequence: { ...made.sequence, owner: nasty },
      halt: { cause: "operation-failed", reason: nasty },
      gates: made.gates.map((gate) => ({
        ...gate,
        targets: [{ target: nasty, verdict: "fail", observed: nasty, expected: nasty, message: nasty, looks: 1 }],
      })),
    });
    expect(page).toContain("owned by a\\|b \\`c\\` &lt;img src=x&gt; \\*\\*d\\*\\* \\[e\\](f) \\# g \\`\\`\\` h,");
    expect(page).toContain(`\`\`\`\`text\n${nasty}\n\`\`\`\``);
    const row = page.split("\n").find((line) => line.startsWith("| `gateway/canary`"));
    expect(row?.replaceAll("\\|", "").split("|")).toHaveLength(8);
    expect(page.split("\n").filter((line) => line.startsWith("# "))).toHaveLength(1); // inside the fence
  });
});

describe("docs/report.schema.json", () => {
  it("is what evo schema --report prints (npm run docs writes it)", () => {
    const file = new URL("../../docs/report.schema.json", import.meta.url);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(JSON.parse(JSON.stringify(reportSchemaJson())));
  });
});
