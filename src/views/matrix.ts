/** The fault matrix as text and as JSON. Pure. */
import { CELL_FAULTS, type CellFault } from "../rehearse/cells.js";
import type { CellResult, HaltSeen, RecoverySeen } from "../rehearse/results.js";
import { duration, table, wrap } from "./text.js";

/** A whole matrix, with what it was rehearsed under. Times are milliseconds. */
export interface Matrix {
  readonly sequence: string;
  readonly results: readonly CellResult[];
  readonly seed: number;
  readonly pace: number;
  /** Gates time out after at most this long. */
  readonly patience: number;
  /** How many cells the sequence has; more than results where some were chosen. */
  readonly cells: number;
  readonly duration: number;
}

/** Lines for people, at most `width` columns wide where words allow. */
export function matrixLines(matrix: Matrix, width: number): readonly string[] {
  const red = matrix.results.filter((result) => result.red.length > 0);
  const settings = `seed ${matrix.seed}, pace ${matrix.pace}; gates time out after at most ${duration(matrix.patience)} here, whatever they declare.`;
  return [
    `${matrix.sequence}: ${matrix.results.length} of ${matrix.cells} cells in ${duration(matrix.duration)}, ${red.length === 0 ? "none red" : `${red.length} red`}`,
    ...wrap(settings, width, ""),
    "",
    ...table(grid(matrix.results), width),
    "",
    ...matrix.results.flatMap((result) => cellLines(result, width)),
  ];
}

function grid(results: readonly CellResult[]): readonly (readonly string[])[] {
  const places = [...new Set(results.map(placeOf))];
  const rows = places.map((place) => [
    place,
    ...CELL_FAULTS.map((fault) => shortly(results.find((one) => placeOf(one) === place && one.cell.fault === fault))),
  ]);
  return [["", ...CELL_FAULTS.map((fault) => HEADS[fault])], ...rows];
}

const HEADS: { readonly [fault in CellFault]: string } = {
  fails: "fails",
  never: "never",
  slowly: "slowly",
  briefly: "briefly",
};

function placeOf({ cell: { node, target } }: CellResult): string {
  return target === undefined ? node : `${node}/${target}`;
}

function shortly(result: CellResult | undefined): string {
  if (result === undefined) return "";
  return `${result.red.length > 0 ? "✗" : "✓"} ${outcomeOf(result)}`;
}

/** What became of it, in a word. */
export function outcomeOf(result: CellResult): string {
  if (result.error !== undefined) return "error";
  if (!result.met) return "not met";
  if (result.recovery !== undefined) return result.recovery.status === "completed" ? "recovered" : "unrecovered";
  if (result.status === "halted") return "halted";
  if (result.held) return "held";
  return result.status === "completed" ? "went on" : result.status;
}

function cellLines(result: CellResult, width: number): readonly string[] {
  const { cell, red } = result;
  const line = `${red.length > 0 ? "✗" : "✓"} ${cell.id}: ${story(result)}`;
  return [...wrap(line, width, "    "), ...red.flatMap((why) => wrap(`    red: ${oneLine(why)}`, width, "         "))];
}

function story(result: CellResult): string {
  const { halt, recovery, held, duration: took, by } = result;
  const users = Object.values(result.hurt).some((count) => count > 0)
    ? "users hurt"
    : `no user hurt (${result.requests} requests)`;
  const parts = [
    ...(halt === undefined ? [] : [haltWords(halt)]),
    ...(held ? ["held past its time-out; went on once it converged"] : []),
    ...(recovery === undefined ? [] : [recoveryWords(recovery)]),
    ...(halt === undefined && !held && result.status === "completed"
      ? [result.cell.fault === "fails" ? "tried again, and went on" : "waited for it, and went on"]
      : []),
    users,
    `consistent: ${result.consistent === "none" ? "not judged" : result.consistent}`,
    ...(by === "look" ? ["only shown to evo"] : []),
    duration(took),
  ];
  return parts.join("; ");
}

function haltWords({ cause, node, reason }: HaltSeen): string {
  return `halted${node === undefined ? "" : ` at ${node}`} (${cause}: ${oneLine(reason)})`;
}

function oneLine(text: string): string {
  return text.split(/\s*\n\s*/).join("; ");
}

function recoveryWords({ sequence, status, applied, approved, halt }: RecoverySeen): string {
  const how = approved ? ", approved by the rehearsal" : "";
  const done = applied.length === 0 ? "" : `, applied ${applied.join(", ")}`;
  return `recovery ${sequence}${how}: ${status}${done}${halt === undefined ? "" : `; ${haltWords(halt)}`}`;
}

/** The same for programs. */
export function matrixJson(matrix: Matrix): object {
  return {
    schema: "evo.matrix/1",
    ...matrix,
    results: matrix.results.map((result) => ({
      ...result,
      outcome: outcomeOf(result),
      green: result.red.length === 0,
    })),
  };
}
