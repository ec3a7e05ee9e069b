/** `evo rehearse <sequence>`: the fault matrix. */
import { availableParallelism } from "node:os";
import { EvoError, EXIT } from "../errors.js";
import { impatientPlan } from "../evo/rehearsal.js";
import { rehearseFaults } from "../evo/rehearse/matrix.js";
import { readSettings } from "../evo/settings.js";
import { cellsOf, chooseCells } from "../rehearse/cells.js";
import type { CellResult } from "../rehearse/results.js";
import { parseDuration } from "../sequence/duration.js";
import { loadSequence } from "../sequence/load.js";
import { type Matrix, matrixJson, matrixLines, outcomeOf } from "../views/matrix.js";
import { duration } from "../views/text.js";
import { wholeNumber } from "./options.js";
import { columns, print, printJson, sayAt } from "./output.js";
import { listenToSignals } from "./signals.js";

export interface RehearseOptions {
  readonly faults: string;
  readonly seed: string;
  readonly pace: string;
  readonly patience: string;
  readonly limit: string;
  readonly parallel?: string;
  readonly engine?: string;
  readonly json?: boolean;
}

/** Cells wait much of their time, so there is room for twice as many as there are cores; each takes half a gigabyte. */
const MOST = 4;
/** Cells for which it is worth to rehearse the sequence in one more place. */
const WORTH = 3;

/** Rehearses the cells, prints the matrix, exits 7 where one is red. */
export async function rehearse(reference: string, options: RehearseOptions): Promise<void> {
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const loaded = await loadSequence(reference, settings.cwd, settings.cache);
  const patience = milliseconds("--patience", options.patience);
  const all = cellsOf(impatientPlan(loaded.sequence, patience));
  const cells = chooseCells(all, options.faults);
  const parallel =
    options.parallel === undefined
      ? Math.min(MOST, 2 * availableParallelism(), Math.ceil(cells.length / WORTH))
      : wholeNumber("--parallel", options.parallel, 1);
  const limit = milliseconds("--limit", options.limit);
  const chances = { seed: wholeNumber("--seed", options.seed, 0), pace: positive("--pace", options.pace) };
  const signals = listenToSignals(STOPPING);
  const began = Date.now();
  try {
    const bench = { ...chances, patience, limit, settings, loaded, stop: signals.control.pause, say: sayAt };
    const results = await rehearseFaults(bench, {
      cells,
      parallel,
      tell: (result, done) => sayAt(`${done}/${cells.length}  ${news(result)}`),
    });
    const matrix: Matrix = {
      sequence: loaded.sequence.name,
      ...chances,
      patience,
      cells: all.length,
      duration: Date.now() - began,
      results,
    };
    if (options.json) printJson(matrixJson(matrix));
    else print(matrixLines(matrix, columns()));
    if (results.some(({ red }) => red.length > 0)) process.exitCode = EXIT.departures;
  } finally {
    signals.done();
  }
}

const STOPPING = "stopping; what runs ends at its next safe point, and nothing is kept";

function milliseconds(option: string, text: string): number {
  return parseDuration(text) ?? wholeNumber(option, text, 1);
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new EvoError("usage", `${option} takes a number above 0, not ${text}`, {
    remedy: "1 is as declared, 0.2 five times as fast",
  });
}

function news(result: CellResult): string {
  const line = `${result.red.length > 0 ? "✗" : "✓"} ${result.cell.id}  ${outcomeOf(result)}  ${duration(result.duration)}`;
  return [line, ...result.red].join("\n");
}
