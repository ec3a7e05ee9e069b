/** A run's account is given however its driver ends. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openAccount } from "../../src/cli/account.js";
import { EvoError, EXIT } from "../../src/errors.js";
import type { StartedSession } from "../../src/evo/start.js";
import { fold } from "../../src/run/evolve.js";
import type { Entry, Notifier } from "../../src/run/ports.js";
import { defineSequence, up } from "../../src/sequence/builders.js";
import { parseSequence } from "../../src/sequence/parse.js";
import { planOf, started } from "../run/machine.js";
import { folderWith } from "../sequence/folder.js";

const SPEC = { name: "rollout", steps: [up("eu", { dir: "s", stack: "eu" })] };
const INTENT = { operation: "r.eu.1.up", step: "eu", attempt: 1, verb: "up", stack: "x", source: {} };

const entry = (number: number): Entry =>
  ({ ledger: "l", number, hash: `hash ${number}`, run: "r", actor: { claimed: "me", authenticated: "w" } }) as Entry;

/** Gives account of a run whose driver does this; answers what was thrown, and the report. */
async function accountOf(drive: (notifier: Notifier) => Promise<never>, env: NodeJS.ProcessEnv = {}) {
  const cwd = folderWith({ "s.ts": "" });
  const account = openAccount({ reportFile: ["report.json"] }, env, cwd);
  const { sequence } = parseSequence(defineSequence(SPEC));
  const file = join(cwd, "s.ts");
  const state = fold("r", [started(planOf(SPEC))]);
  const session = { state, entries: [entry(1)] } as unknown as StartedSession;
  const loaded = { file, sequence: sequence!, locate: () => ({ file }) };
  const driven = account.of({ started: session, loaded }, { tell: () => undefined }, drive);
  const error = await driven.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { error, report: JSON.parse(readFileSync(join(cwd, "report.json"), "utf8")) };
}

describe("openAccount", () => {
  it("tells how far a run had come when its ledger went, and throws on what was thrown", async () => {
    const gone = new EvoError("ledger.unavailable", "the ledger does not answer", {
      source: "evo",
      exit: EXIT.ledgerUnavailable,
      remedy: "start it",
    });
    const { error, report } = await accountOf(async (notifier) => {
      notifier.tell({
        kind: "recorded",
        entry: entry(2),
        event: { type: "operation.intended", at: 5, ...INTENT } as never,
      });
      throw gone;
    });
    expect(error).toBe(gone);
    expect(report).toMatchObject({
      status: "running",
      exit: 9,
      error: { code: "ledger.unavailable", message: "the ledger does not answer", remedy: "start it" },
      steps: [{ step: "eu", status: "previewing" }],
      ledger: { id: "l", number: 2, hash: "hash 2" },
    });
  });

  it("keeps secrets of the environment out of an error's text, also of one that nobody foresaw", async () => {
    const env = { API_TOKEN: "hunter2-hunter2" };
    const { report } = await accountOf(async () => {
      throw new Error("refused for hunter2-hunter2");
    }, env);
    expect(report).toMatchObject({ exit: 255, error: { code: "bug", message: "Error: refused for [secret]" } });
  });
});
