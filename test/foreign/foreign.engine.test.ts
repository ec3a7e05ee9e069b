/**
 * Ordinary Pulumi projects that know nothing of evo, under `evo up` and beside what the plain CLI (with evo's language
 * host on its PATH) makes of a second copy on another backend.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Evo, openEvo } from "../support/evo.js";
import { CANARY, type FixtureProject, PROJECTS } from "../support/projects.js";
import { drive, FAILING, folderOf, type Journey, outputsOf, SELECTED, WORKING } from "./journey.js";

let evo: Evo;
let journey: Journey;
beforeAll(async () => {
  try {
    await begin();
  } catch (error) {
    // One more try on a shared CI machine, and said: as with tests (vitest.config.ts), whose retries know no hooks.
    if (!process.env.CI) throw error;
    console.error("the journey is begun once more, since it was broken off:", error);
    await evo.close();
    await begin();
  }
}, 900_000);
afterAll(() => evo.close());

async function begin(): Promise<void> {
  evo = await openEvo();
  journey = await drive(evo);
}

/** What changes nothing: `same`, and reading another stack's outputs. */
const IDLE = ["same", "read"];

function nameOf({ urn, type }: { readonly urn: string; readonly type?: unknown }): readonly string[] {
  const own = type !== "pulumi:pulumi:Stack" && !String(type).startsWith("pulumi:providers:");
  return own ? [urn.split("::").at(-1) as string] : [];
}

describe.each(WORKING)("$name", ({ name, resources }: FixtureProject) => {
  it("gets the URNs and the state that the plain CLI makes of a copy", () => {
    const { evo: mine, plain } = journey;
    expect(plain.ups[name]?.code, plain.ups[name]?.stdout).toBe(0);
    expect(mine.found[name]?.state.resources.flatMap(nameOf).sort()).toEqual(resources);
    expect(mine.found[name]?.state).toEqual(plain.found[name]?.state);
  });

  it("has the same outputs, names and values, nested secrets too", () => {
    expect(journey.plain.found[name]?.outputs).toEqual(outputsOf(name));
    expect(journey.evo.found[name]?.outputs).toEqual(outputsOf(name));
  });

  it("is changed by its first `evo up`, and by no later one", () => {
    const { first, second } = journey.evo;
    expect([first.code, second.code], first.stderr + second.stderr).toEqual([0, 0]);
    expect(first.outcomes[name]?.changes?.counts).toHaveProperty("create");
    expectIdle(second.outcomes[name]);
  });

  it("is gone on with by the plain CLI, without a diff", () => {
    expect(journey.previews[name]?.code, journey.previews[name]?.stdout).toBe(0);
  });

  it("is gone on with by evo where the plain CLI made the stack, without a diff", () => {
    expect(journey.taken.code, journey.taken.stderr).toBe(0);
    expectIdle(journey.taken.outcomes[name]);
  });
});

function expectIdle(outcome: Journey["taken"]["outcomes"][string] | undefined): void {
  expect(outcome?.type).toBe("operation.succeeded");
  expect(Object.keys(outcome?.changes?.counts ?? {}).filter((op) => !IDLE.includes(op))).toEqual([]);
  const ops = (outcome?.changes?.resources ?? []).map((change) => (change as { op: string }).op);
  expect(ops.filter((op) => !IDLE.includes(op))).toEqual([]);
}

describe.each(FAILING)("$name", ({ name, fails = "" }: FixtureProject) => {
  it("fails under evo as in the plain CLI, each time: the same message, exit 1, the same state", () => {
    const { evo: mine, plain } = journey;
    expect(plain.ups[name]?.code).not.toBe(0);
    expect(plain.errors[name]).toContain(fails);
    for (const { code, outcomes, halted, stderr } of mine.failing) {
      expect(code, stderr).toBe(1);
      expect(outcomes[name]).toMatchObject({ type: "operation.failed", how: "failed" });
      const reason = outcomes[name]?.reason ?? "";
      expect(reason.replaceAll(folderOf(evo, "evo", name), "[project]")).toBe(plain.errors[name]);
      expect(stderr).toContain(`${name}: failed: ${reason.split("\n")[0]}`);
      expect(halted.map(({ cause }) => cause)).toEqual(["operation-failed"]);
    }
    expect(mine.found[name]).toEqual(plain.found[name]);
  });
});

describe("what belongs to the user", () => {
  it.each(PROJECTS)("$name: no file is changed but a new stack's salt", ({ name }: FixtureProject) => {
    const { [SETTINGS]: salt, ...after } = journey.evo.after[name] ?? {};
    const { [SETTINGS]: before, ...rest } = journey.evo.before[name] ?? {};
    expect(after).toEqual(rest);
    if (before === undefined) expect(salt).toMatch(/^encryptionsalt: \S+\n$/);
    else expect(salt).toBe(before);
    // The plain CLI has made no more and no less of its copy.
    const mine = `Pulumi.${SELECTED.stack}.yaml`;
    expect(Object.keys(after).filter((file) => file !== mine)).toEqual(
      Object.keys(journey.plain.after[name] ?? {}).filter((file) => file !== SETTINGS),
    );
  });

  it("the selected stacks stay selected, and no other stack is", () => {
    const { before, after } = journey.evo.selected;
    expect(before.shown).toBe(SELECTED.stack);
    expect(Object.keys(before.files)).toHaveLength(3);
    expect(after).toEqual(before);
  });

  it("a secret of theirs is in no file of evo's and in no entry", async () => {
    const log = await evo.run(["ledger", "log", "--json"]);
    const operations = join(evo.home, "operations");
    const journals = readdirSync(operations, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith("journal.ndjson"))
      .map((file) => readFileSync(join(operations, file), "utf8"));
    expect(journals.length).toBeGreaterThan(WORKING.length);
    for (const form of [CANARY, JSON.stringify(CANARY).slice(1, -1)])
      for (const text of [log.stdout, ...journals]) expect(text).not.toContain(form);
  });
});

/** The settings of the stack that every project is driven on. */
const SETTINGS = "Pulumi.dev.yaml";
