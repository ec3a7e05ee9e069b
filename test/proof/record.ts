/** What the record of a rollout answers when it is asked through the command line. */
import { expect } from "vitest";
import type { Entry } from "../../src/run/ports.js";
import type { AuditReport } from "../../src/views/audit/model.js";
import type { Evo } from "../support/evo.js";
import { REGIONS } from "../support/rehearsal.js";

/** Why the flag was switched: what was seen in each region, and who started the run; and the audit of a good run. */
export async function expectAnswers(evo: Evo, entries: readonly Entry[]): Promise<void> {
  const started = entries.find(({ type }) => type === "run.started");
  const run = started?.run ?? "";
  const why = (await evo.run(["ledger", "why", "flags", "--run", run])).stdout;
  for (const region of REGIONS)
    expect(why).toMatch(new RegExp(`gateway/policy-arrived ${region}: .*200, json policy 2, as expected`));
  expect(why).toMatch(new RegExp(`run of role-rollout started.*, by ${started?.actor.claimed}$`, "m"));
  const report = JSON.parse((await evo.run(["audit", run, "--json"])).stdout) as AuditReport;
  const holds = Object.values(report.verdicts).map((requirement) => requirement.holds);
  expect(holds, JSON.stringify(report.verdicts)).toEqual(["yes", "yes", "yes", "yes"]);
}
