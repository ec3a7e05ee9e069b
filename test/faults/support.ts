/** What the fault tests share: stacks whose every effect is a line in a file, and an auditor of what came of a run. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Evo, RunOptions } from "../support/evo.js";

/** Resolves once the condition holds; the test's own time limit is its patience. */
export async function there(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

/** A sequence of two stacks of the switch project, with a gate between them. */
export interface Case {
  readonly name: string;
  /** EFFECTS for the programs, GATE to hold the first one's create; `held` only where a test wants it held. */
  readonly env: { readonly [name: string]: string };
  readonly gate: string;
  effects(): readonly string[];
}

/** Everything that a run of a case does, once and in order. */
export const EFFECTS = ["begin a", "create a", "begin b", "create b", "begin a", "create a", "begin b", "create b"];

/** `held`: its first create waits for the gate file. `project`: a folder below `projects` with the switched program. */
export function makeCase(evo: Evo, name: string, held = false, project = "s"): Case {
  const file = join(evo.directory, `${name}.effects`);
  const gate = join(evo.directory, `${name}.gate`);
  const step = (id: string, more: string) =>
    `up("${id}", { dir: "../projects/${project}", stack: "${name}-${id}", createStack: true, ${more} })`;
  const there = `gate("there", { targets: ["here"], probe: command(["test", "-e", ${JSON.stringify(file)}]), interval: "100ms", consecutiveSuccessLimit: 2 })`;
  evo.sequence(
    name,
    `export default defineSequence({
  name: "${name}",
  steps: [${step("one", `convergedWhen: [${there}]`)}, ${step("two", "")}],
});`,
  );
  return {
    name,
    gate,
    env: { EFFECTS: file, ...(held ? { GATE: gate } : {}) },
    effects: () => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []),
  };
}

export interface Summary {
  readonly run: string;
  readonly status: string;
}

/** The runs of a case, as `evo runs` tells them. */
export async function runsOf(evo: Evo, { name }: Case, options: RunOptions = {}): Promise<readonly Summary[]> {
  const { code, stdout, stderr } = await evo.run(["runs", "--sequence", name, "--json"], options);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

interface Line {
  readonly number: number;
  readonly type: string;
  readonly step?: string;
  readonly operation?: string;
}

/** Entries of a case's runs, oldest first. */
export async function entriesOf(evo: Evo, { name }: Case, options: RunOptions = {}): Promise<readonly Line[]> {
  const { code, stdout, stderr } = await evo.run(["ledger", "log", "--sequence", name, "--json"], options);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

/** One run, completed; every effect once, in order; each intent before its outcome; the chain verifies. */
export async function demandSound(evo: Evo, one: Case, options: RunOptions = {}): Promise<void> {
  await demandOrder(evo, one, options);
  await demandChain(evo, options);
}

/** As `demandSound`, but for the chain: where cases share a ledger it is enough to look at it after the last one. */
export async function demandOrder(evo: Evo, one: Case, options: RunOptions = {}): Promise<void> {
  expect(one.effects()).toEqual(EFFECTS);
  const entries = await entriesOf(evo, one, options);
  const ends = entries.filter(({ type }) => /^run\.(started|completed|aborted)$/.test(type));
  expect(ends.map(({ type }) => type)).toEqual(["run.started", "run.completed"]);
  const place = (type: string, step: string) =>
    entries.findIndex((entry) => entry.type === type && entry.step === step);
  const order = [
    place("operation.intended", "one"),
    place("operation.succeeded", "one"),
    place("boundary.opened", "one"),
    place("operation.intended", "two"),
    place("operation.succeeded", "two"),
  ];
  expect(order).not.toContain(-1);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(entries.filter(({ type }) => type === "operation.succeeded")).toHaveLength(2);
}

export async function demandChain(evo: Evo, options: RunOptions = {}): Promise<void> {
  const verified = await evo.run(["ledger", "verify"], options);
  expect(verified.code, verified.stderr).toBe(0);
}

/** Does what an operator does: up where there is no run, resume where one is unfinished. */
export async function bringHome(evo: Evo, one: Case, options: RunOptions = {}): Promise<void> {
  const [run] = await runsOf(evo, one, options);
  if (run?.status === "completed") return;
  const args = run === undefined ? ["up", one.name] : ["resume", run.run, "--reason", "after the fault"];
  const { code, stderr } = await evo.run(args, { ...options, env: { ...one.env, ...options.env } });
  expect(code, stderr).toBe(0);
}
