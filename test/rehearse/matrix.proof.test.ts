/**
 * The whole fault matrix of the role rollout: under its declared rules no cell is red; without one of them some cell is.
 * In minutes; where only some seeds of the proof are asked for (EVO_PROOF_SEEDS), a part of it, with each kind of fault.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { compile } from "../../src/plan/compile.js";
import { cellsOf } from "../../src/rehearse/cells.js";
import { loadSequence } from "../../src/sequence/load.js";
import type { Sequence } from "../../src/sequence/model.js";
import { type Evo, openEvo } from "../support/evo.js";
import { bringRollout, changedRollout, redOf, rehearse } from "./support.js";

let evo: Evo;
beforeAll(async () => {
  evo = await openEvo();
  bringRollout(evo);
});
afterAll(() => evo.close());

/** Each kind of fault, before and behind what can be taken back. */
const PART = [
  "app=fails",
  "gateway/eu-west-1=never",
  "gateway/eu-west-1=slowly",
  "flags=fails",
  "flags/eu-west-1=briefly",
];
const IS_WHOLE = process.env.EVO_PROOF_SEEDS === undefined;

test(`no cell is red, and ${IS_WHOLE ? "every place is in it" : "a part of all is in it"}`, async () => {
  const { sequence } = await loadSequence("role-rollout", evo.directory);
  const every = cellsOf(compile(sequence)).map(({ id }) => id);
  const told = await rehearse(evo, "role-rollout", ...(IS_WHOLE ? [] : ["--faults", PART.join(",")]));
  console.log(`${told.results.length} cells in ${Math.round(told.duration / 1000)} s`);
  expect(redOf(told)).toEqual([]);
  expect(told.code, told.stderr).toBe(0);
  const wanted = every.filter((id) => IS_WHOLE || PART.includes(id));
  expect(told.results.map(({ cell }) => cell.id)).toEqual(wanted);
});

const without = (rule: string) => (sequence: Sequence) => ({
  ...sequence,
  recovery: (sequence.recovery ?? []).filter(({ name }) => name !== rule),
});

/** The other rule no longer stands in for it. */
const withoutTakingBack = (sequence: Sequence): Sequence => ({
  ...sequence,
  recovery: without("take-back")(sequence).recovery.map((rule) => ({ ...rule, when: { at: ["flags"] } })),
});

test.each<[string, string, (sequence: Sequence) => Sequence]>([
  ["the rule that takes back", "gateway-eu-west-1=fails", withoutTakingBack],
  ["the rule that corrects forward", "flags=fails", without("correct-forward")],
  ["consistentWhen", "flags/eu-west-1=slowly", (sequence) => ({ ...sequence, consistentWhen: [] })],
])("without %s the cell %s is red", async (_what, cell, change) => {
  const told = await rehearse(evo, await changedRollout(evo, change), "--faults", cell);
  expect(told.results.map(({ green }) => green)).toEqual([false]);
  expect(told.code).toBe(7);
});
