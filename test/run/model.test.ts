/**
 * The seeded model test of the pure machine: random sequences, worlds, interleavings, crashes, words and clocks; DESIGN's
 * invariants are the oracle. EVO_MODEL_RUNS: how many runs (1,000; in CI 10,000). EVO_MODEL_SEED: another seed.
 */
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { Action } from "../../src/run/action.js";
import { RUN_EVENT_TYPES } from "../../src/run/events.js";
import { check } from "../../src/sequence/check.js";
import { audit } from "./model-audit.js";
import { type Case, cases, sequenceOf } from "./model-cases.js";
import { createCoverage } from "./model-coverage.js";
import type { Machine } from "./model-driver.js";
import { simulateModel } from "./model-run.js";
import { MUTANTS, mutant, RARE_MUTANTS } from "./mutants.js";

const RUNS = Number(process.env.EVO_MODEL_RUNS ?? (process.env.CI ? 10_000 : 1_000));
const SEED = Number(process.env.EVO_MODEL_SEED ?? 20_261_120);

/** With fewer, luck decides what is reached. */
const ENOUGH = 1_000;
const MANY = 10_000;

const ACTIONS: { readonly [kind in Exclude<Action["do"], "ask">]: true } = {
  record: true,
  operate: true,
  follow: true,
  look: true,
};
/** What people say to gates, and a recovery to its run: test/run/words.test.ts, test/run/recovery.test.ts. */
const SAID = /^(acknowledgment|approval|recovery)\.|^gate\.overridden$|^run\.recovered$/;
const ENTRIES = Object.keys(RUN_EVENT_TYPES).filter((type) => !SAID.test(type));
const HOWS = ["failed", "refused", "cancelled", "absent", "locked"];

const coverage = createCoverage();

/** One run, audited; what it reached is counted. */
function runOf(given: Case, reached = createCoverage(), machine?: Machine): void {
  const record = simulateModel(given, reached, machine);
  for (const { event } of record.entries) reached.reach("entry", event.type);
  reached.reach("run", record.finished ? "came to its end" : "was left unfinished");
  audit(record);
}

describe("the machine, whatever happens", () => {
  const started = performance.now();

  afterAll(() => console.log(`model test: ${RUNS} runs, seed ${SEED}\n${coverage.table()}`));

  it(`keeps the invariants in ${RUNS} runs (seed ${SEED})`, { timeout: 1_200_000 }, () => {
    fc.assert(
      fc.property(cases, (given) => runOf(given, coverage)),
      { seed: SEED, numRuns: RUNS },
    );
    const seconds = (performance.now() - started) / 1_000;
    console.log(`model test: ${Math.round(RUNS / seconds)} runs a second`);
  });

  it.runIf(RUNS >= ENOUGH)("reached every action, every entry, and a crash before and after each", () => {
    const missed = [
      ...Object.keys(ACTIONS).map((name) => ["action", name]),
      ...ENTRIES.map((name) => ["entry", name]),
      // Before run.started there is no run that could be taken up.
      ...ENTRIES.flatMap((name) => (name === "run.started" ? [] : [["crash before", name]])),
      ...ENTRIES.map((name) => ["crash after", name]),
      ...HOWS.map((name) => ["operation failed", name]),
      ["duplicate", "append repeated"],
      ["duplicate", "preview reported again"],
      ["fenced", "append"],
      ["fenced", "effect"],
      ["clock", "back"],
      ["clock", "forth"],
    ].filter(([kind = "", name = ""]) => coverage.count(kind, name) === 0);
    expect(missed).toEqual([]);
    expect(coverage.count("run", "was left unfinished")).toBeLessThan(RUNS / 20);
  });

  it("is tried on sequences that evo validate accepts", () => {
    for (const given of fc.sample(cases, { seed: SEED, numRuns: 200 })) expect(check(sequenceOf(given))).toEqual([]);
  });
});

describe("the model test finds that", () => {
  it.each(Object.keys(RUNS >= MANY ? { ...MUTANTS, ...RARE_MUTANTS } : MUTANTS))(
    "%s",
    { timeout: 1_200_000 },
    (bug) => {
      const { failed, numRuns } = fc.check(
        fc.property(cases, (given) => runOf(given, undefined, mutant(bug))),
        { seed: SEED, numRuns: Math.max(RUNS, ENOUGH), endOnFailure: true },
      );
      expect(failed, `not found in ${numRuns} runs`).toBe(true);
      if (process.env.EVO_MODEL_VERBOSE) console.log(`${bug}: found in run ${numRuns}`);
    },
  );
});
