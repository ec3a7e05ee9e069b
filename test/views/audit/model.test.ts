/**
 * Audits of runs that the machine really makes: random sequences, crashes, words and clocks. Whatever happens, it keeps
 * order and waits for convergence; so an audit that says otherwise is wrong. Machines with a seeded bug are found out.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { RunEvent } from "../../../src/run/events.js";
import { bodyOf } from "../../../src/run/gates.js";
import type { Entry } from "../../../src/run/ports.js";
import { audit } from "../../../src/views/audit/audit.js";
import type { AuditReport } from "../../../src/views/audit/model.js";
import { type Case, cases } from "../../run/model-cases.js";
import { createCoverage } from "../../run/model-coverage.js";
import { type ModelRecord, simulateModel } from "../../run/model-run.js";
import { mutant } from "../../run/mutants.js";

const SEED = 20_261_120;

/** The step of each operation, as the entries' own column says it. */
function stepsOf({ entries }: ModelRecord): ReadonlyMap<string, string> {
  const found = entries.map(({ event }) => event).filter((event) => event.type === "operation.intended");
  return new Map(found.map(({ operation, step }) => [operation, step]));
}

function auditOf(record: ModelRecord): AuditReport {
  const steps = stepsOf(record);
  const stepOf = (event: RunEvent) => ("operation" in event ? steps.get(event.operation) : undefined);
  const own = record.entries.map(({ number, event, causes }): Entry => {
    const step = stepOf(event);
    return {
      ledger: "l",
      number,
      time: new Date(event.at).toISOString(),
      type: event.type,
      version: 1,
      run: "r",
      rehearsal: false,
      actor: { claimed: "a", authenticated: "evo" },
      causes: causes.map((cause) => ({ number: cause, hash: "" })),
      body: bodyOf(event),
      text: "",
      previous: "",
      hash: "",
      ...(step === undefined ? {} : { step }),
    };
  });
  return audit({
    own: own.filter(({ type }) => type !== "gate.measured"),
    evidence: own.filter(({ type }) => type === "gate.measured"),
    origins: [],
    answers: [],
    departures: [],
    integrity: { first: 1, last: own.length },
    now: 0,
  });
}

it("never says that a sound machine broke order or convergence, and that all is done only when it is", {
  timeout: 60_000,
}, () => {
  fc.assert(
    fc.property(cases, (given: Case) => {
      const { verdicts, standing } = auditOf(simulateModel(given, createCoverage()));
      expect([verdicts.ordered.holds, ...verdicts.ordered.because]).not.toContain("no");
      expect(verdicts.converged.holds, JSON.stringify(verdicts.converged.because)).not.toBe("no");
      expect(verdicts.complete.holds === "yes", `${standing}: ${verdicts.complete.because}`).toBe(
        standing === "completed",
      );
    }),
    { numRuns: 100, seed: SEED },
  );
});

it.each([
  "evidence of before the update is accepted",
  "a step starts when what is before it is applied but has not converged",
  "a target that was not looked at counts as passed",
  "the window of a boundary is ignored",
])("finds from the entries alone that %s", { timeout: 60_000 }, (bug) => {
  const { failed, numRuns } = fc.check(
    fc.property(cases, (given) => {
      const { verdicts } = auditOf(simulateModel(given, createCoverage(), mutant(bug)));
      return verdicts.ordered.holds !== "no" && verdicts.converged.holds !== "no";
    }),
    { seed: SEED, numRuns: 1_000, endOnFailure: true },
  );
  expect(failed, `not found in ${numRuns} runs`).toBe(true);
});
