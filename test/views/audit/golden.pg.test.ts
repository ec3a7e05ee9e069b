/**
 * The audit of each story, from a real ledger: as text at 80 columns, and as a page. Times, the ledger's id and roles are
 * the database's own, so they are set to known ones between reading and judging; the chain is proven before that.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditRun } from "../../../src/evo/audit.js";
import { evolutionOf, historyOf } from "../../../src/evo/evolution.js";
import type { OpenLedger } from "../../../src/ledger/index.js";
import type { Entry } from "../../../src/run/ports.js";
import type { AuditReport } from "../../../src/views/audit/model.js";
import { auditPage } from "../../../src/views/audit/page.js";
import { describeAudit } from "../../../src/views/audit/text.js";
import { pageHtml, pageMarkdown } from "../../../src/views/document.js";
import { describeEvolution, describeHistory } from "../../../src/views/evolution.js";
import { evolutionPage } from "../../../src/views/evolution-page.js";
import { query, type TestServer, testServer } from "../../support/postgres.js";
import { type Append, answered, early, good, overridden, recovered, restored } from "./stories.js";

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server?.close());

const NOON = Date.parse("2026-03-10T12:00:00Z");

/** The same entry at a known time, in a known ledger. */
function settled(entry: Entry): Entry {
  const time = new Date(NOON + entry.number * 1000).toISOString().replace("Z", "000Z");
  return { ...entry, time, ledger: "the-ledger", actor: { ...entry.actor, authenticated: "evo" } };
}

async function tell(plot: (append: Append, signed: Append) => Promise<void>): Promise<OpenLedger> {
  const database = await server.fresh();
  await query(database.superuser, `grant evo_approver to ${new URL(database.writer.replace("@/", "@x/")).username}`);
  const driver = await database.open("robot@ci");
  const person = await database.open("ann@ops");
  const by =
    (ledger: OpenLedger): Append =>
    (entries) =>
      ledger.append(entries, { id: randomUUID(), leases: [] });
  await plot(by(driver), by(person));
  return driver;
}

async function audited(ledger: OpenLedger, run: string): Promise<AuditReport> {
  const steady: OpenLedger = {
    ...ledger,
    audited: async (wanted) =>
      (await ledger.audited(wanted)).map(({ part, entry }) => ({ part, entry: settled(entry) })),
  };
  return { ...(await auditRun(steady, run)), reported: "2026-03-10T13:00:00.000Z" };
}

const STORIES = { good, overridden, early, recovered, answered, restored };

const HOLDS = {
  good: { ordered: "yes", converged: "yes", complete: "yes", unmodified: "yes" },
  overridden: { ordered: "yes", converged: "overridden", complete: "overridden", unmodified: "yes" },
  early: { ordered: "no", converged: "yes", complete: "yes", unmodified: "yes" },
  recovered: { ordered: "yes", converged: "yes", complete: "yes", unmodified: "yes" },
  answered: { ordered: "yes", converged: "not yet", complete: "no", unmodified: "yes" },
  restored: { ordered: "yes", converged: "not yet", complete: "no", unmodified: "yes" },
} as const;

describe.each(Object.entries(STORIES))("the audit of a run: %s", (name, plot) => {
  let report: AuditReport;
  beforeAll(async () => {
    report = await audited(await tell(plot), `role-rollout-${name}`);
  });

  it("tells the truth", () => {
    const { ordered, converged, complete, unmodified } = report.verdicts;
    expect({
      ordered: ordered.holds,
      converged: converged.holds,
      complete: complete.holds,
      unmodified: unmodified.holds,
    }).toEqual(HOLDS[name as keyof typeof HOLDS]);
  });

  it("as text", async () => {
    const lines = describeAudit(report, 80);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(`${name}.txt`);
  });

  it("as pages", async () => {
    const page = auditPage(report);
    if (name === "overridden") await expect(pageHtml(page)).toMatchFileSnapshot(`${name}.html`);
    if (name === "early") await expect(pageMarkdown(page)).toMatchFileSnapshot(`${name}.md`);
    expect(pageHtml(page)).not.toMatch(/<script|<link|<img|src=|href=|url\(/i);
  });
});

it("the audit of the recovery that ended a failed run is one of its own, and says what it answers", async () => {
  const report = await audited(await tell(restored), "role-rollback-restored");
  expect(Object.values(report.verdicts).map(({ holds }) => holds)).toEqual(["yes", "yes", "yes", "yes"]);
  await expect(`${describeAudit(report, 80).join("\n")}\n`).toMatchFileSnapshot("restored-by.txt");
});

it("says so where an entry of the run was changed: unmodified is no, and the number is named", async () => {
  const database = await server.fresh();
  const ledger = await database.open("robot@ci");
  await good((entries) => ledger.append(entries, { id: randomUUID(), leases: [] }));
  await query(
    database.superuser,
    "set session_replication_role = replica; update evo.entries set claimed = 'somebody' where number = 9",
  );
  const { unmodified } = (await auditRun(ledger, "role-rollout-good")).verdicts;
  expect(unmodified).toEqual({ holds: "no", because: ["entry 9: its content is not what its hash was taken over"] });
});

it("is anchored once a checkpoint behind it is signed, and notices what was hashed anew before it", async () => {
  const ledger = await tell(good);
  expect((await auditRun(ledger, "role-rollout-good")).verdicts.unmodified.because[1]).toMatch(/^not anchored/);
  const { number } = await ledger.checkpoint();
  const { unmodified } = (await auditRun(ledger, "role-rollout-good")).verdicts;
  expect(unmodified.because[1]).toContain(`anchored: they lead to entry ${number}`);
  const forged = { number, hash: "0".repeat(64) };
  expect(await ledger.stretch(2, 5, forged)).toMatchObject({ broken: { number: 2 } });
});

describe("the evolution of a system and the history of a stack", () => {
  let ledger: OpenLedger;
  const timeless = (lines: readonly string[]) =>
    lines.map((line) => line.replaceAll(/\d\d:\d\d:\d\dZ?|\d{4}-\d\d-\d\d /g, ""));
  beforeAll(async () => {
    ledger = await tell(async (append, signed) => {
      await early(append);
      await overridden(append, signed);
      await answered(append);
    });
  });

  it("tell runs and departures in one order", async () => {
    const found = await evolutionOf(ledger, { owner: "team-access", rehearsal: false, limit: 3 });
    const lines = describeEvolution(found, 100);
    expect(timeless(lines)).toEqual([
      "… and older ones: --limit takes a greater number",
      "  role-rollout-overridden: completed ",
      "    role-rollout of team-access, started by robot@ci (entry 32); 4 operations, 1 override, 4 stacks",
      "  role-rollout-answered: aborted ",
      "    role-rollout of team-access, started by robot@ci (entry 59); 3 operations, halted once, 3 stacks",
      "  role-rollback-1: running",
      "    role-rollback of team-access, started by robot@ci (entry 76); 0 operations, 0 stacks",
    ]);
    const all = await evolutionOf(ledger, { stack: "identity/prod", rehearsal: false, limit: 9 });
    expect(all.runs.map(({ run }) => run)).toEqual([
      "role-rollout-early",
      "role-rollout-overridden",
      "role-rollout-answered",
    ]);
    expect(all.departures).toMatchObject([{ id: "d-4f1c", standing: "reconciled", by: "jo@laptop" }]);
    expect(pageHtml(evolutionPage(all, "stack identity/prod"))).toContain("out of sequence: identity was changed");
    expect((await evolutionOf(ledger, { rehearsal: true, limit: 9 })).runs).toEqual([]);
  });

  it("tell what evo did to a stack and what it did not do", async () => {
    const [stack] = await ledger.stacks("identity/prod");
    if (stack === undefined) throw new Error("no stack");
    const lines = describeHistory(await historyOf(ledger, stack, { limit: 9 }), 100);
    expect(timeless(lines)).toEqual([
      "file:///state#organization/identity/prod",
      "    NOT BY EVO: identity, early: out of sequence: identity was changed before",
      "      step 1 by jo@laptop: update, update role (mapping) (entry 3); reconciled: adopted by robot@ci",
      "      (as evo): it is what we wanted (entry 5)",
      "    up: 1 updated (entry 9), converged  (entry 12)",
      "      by step identity of role-rollout-early, started by robot@ci",
      "    up: 1 updated (entry 35), converged  (entry 38)",
      "      by step identity of role-rollout-overridden, started by robot@ci",
      "    up: 1 updated (entry 62), converged  (entry 65)",
      "      by step identity of role-rollout-answered, started by robot@ci",
    ]);
    expect((await historyOf(ledger, stack, { limit: 2 })).cut).toBe(true);
  });
});

it("docs/ledger.md gives queries that a reader may run, and that say the same without evo", async () => {
  const page = readFileSync(new URL("../../../docs/ledger.md", import.meta.url), "utf8");
  const queries =
    /```sql\n([\s\S]*?)```/
      .exec(page)?.[1]
      ?.split(";")
      .filter((sql) => sql.trim() !== "") ?? [];
  const database = await server.fresh();
  const ledger = await database.open("robot@ci");
  await good((entries) => ledger.append(entries, { id: randomUUID(), leases: [] }));
  const answers = [];
  for (const sql of queries) {
    const asked = sql.replaceAll("'R'", "'role-rollout-good'");
    answers.push(await query<{ [column: string]: unknown }>(database.superuser, "set role evo_reader", asked));
  }
  const [looks, order, signed] = answers;
  expect(looks?.map(({ step, target }) => `${step} ${target}`)).toEqual([
    "identity pool",
    "gateway us",
    "gateway eu",
    "null us",
    "null eu",
  ]);
  expect(order?.map(({ step, started }) => `${step} ${started}`)).toEqual([
    "identity 3",
    "gateway-us 9",
    "gateway-eu 12",
    "flags 19",
  ]);
  expect(signed).toEqual([]);
});
