/** How a system evolved, and how one stack came to its state: governed changes and what evo did not do, in one order. Pure. */

import { isOpen } from "./audit/departures.js";
import type { DepartureRow } from "./audit/model.js";
import { describeDeparture, utc } from "./audit/text.js";
import { describePutBack } from "./put-back.js";
import { counted, wrap } from "./text.js";

/** A run, as `evo.readable_evolution` has it. Times are ISO 8601 by the database's clock. */
export interface EvolutionRun {
  readonly run: string;
  readonly sequence?: string;
  readonly owner?: string;
  readonly rehearsal: boolean;
  readonly first: number;
  readonly started: string;
  readonly claimed: string;
  readonly authenticated: string;
  readonly standing: string;
  readonly standingSince: string;
  readonly stacks: readonly string[];
  readonly succeeded: number;
  readonly failed: number;
  readonly overridden: number;
  readonly departures: number;
  readonly halts: number;
}

export interface Evolution {
  readonly runs: readonly EvolutionRun[];
  readonly departures: readonly DepartureRow[];
  /** There are older ones than were asked for. */
  readonly cut: boolean;
}

/** Runs and departures by number, two lines each. */
export function describeEvolution({ runs, departures, cut }: Evolution, width: number): readonly string[] {
  const items = [
    ...runs.map((run) => ({ number: run.first, lines: runLines(run) })),
    ...departures.map((row) => ({ number: row.entry, lines: departureLines(row) })),
  ].sort((a, b) => a.number - b.number);
  return [
    ...(cut ? ["… and older ones: --limit takes a greater number"] : []),
    ...items.flatMap(({ lines }) => lines.flatMap((line) => wrap(line, width, "      "))),
    ...(items.length === 0 ? ["nothing in that time"] : []),
  ];
}

function runLines(run: EvolutionRun): readonly string[] {
  const { started, sequence, owner, claimed, standing, standingSince, stacks } = run;
  const rehearsal = run.rehearsal ? " (rehearsal)" : "";
  const until = standing === "running" ? "" : ` ${utc(standingSince)}`;
  const remarks = [
    amount(run.succeeded, "operation"),
    ...(run.failed > 0 ? [`${run.failed} failed`] : []),
    ...(run.halts > 0 ? [`halted ${run.halts === 1 ? "once" : `${run.halts} times`}`] : []),
    ...(run.overridden > 0 ? [amount(run.overridden, "override")] : []),
    ...(run.departures > 0 ? [amount(run.departures, "departure")] : []),
    amount(stacks.length, "stack"),
  ];
  return [
    `${utc(started)}  ${run.run}${rehearsal}: ${standing}${until}`,
    `    ${sequence ?? "?"}${owner === undefined ? "" : ` of ${owner}`}, started by ${claimed} (entry ${run.first}); ${remarks.join(", ")}`,
  ];
}

function departureLines(row: DepartureRow): readonly string[] {
  return [`${utc(row.time)}  NOT BY EVO  ${row.stack ?? "?"}`, `    ${describeDeparture(row)}`];
}

const amount = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

// ------------------------------------------------------------------------------------------------------------ history

/** What evo did to a stack, as `evo.readable_history` has it. */
export interface GovernedChange {
  readonly number: number;
  readonly time: string;
  readonly type: string;
  readonly run?: string;
  readonly step?: string;
  readonly operation?: string;
  readonly claimed: string;
  readonly counts?: { readonly [op: string]: number };
  readonly how?: string;
  readonly reason?: string;
  readonly startedBy?: string;
  readonly converged?: number;
  readonly convergedTime?: string;
  /** Git commit of the program that ran, and the operation whose state the stack was put back to. */
  readonly commit?: string;
  readonly asOf?: string;
}

/** Anything else that the ledger holds about a stack: one line of text each. */
export interface StackRemark {
  readonly number: number;
  readonly time: string;
  readonly text: string;
}

export interface StackHistory {
  readonly stack: string;
  readonly rehearsal: boolean;
  readonly governed: readonly GovernedChange[];
  readonly departures: readonly DepartureRow[];
  readonly remarks: readonly StackRemark[];
  readonly cut: boolean;
}

/** One stack: what happened to it, oldest first; what evo did not do is marked. */
export function describeHistory(history: StackHistory, width: number): readonly string[] {
  const { stack, rehearsal, governed, departures, remarks, cut } = history;
  const items = [
    ...governed.map((change) => ({ number: change.number, lines: changeLines(change) })),
    ...departures.map((row) => ({
      number: row.entry,
      lines: [`  ${utc(row.time)}  NOT BY EVO: ${describeDeparture(row)}`],
    })),
    ...remarks.map(({ number, time, text }) => ({ number, lines: [`  ${utc(time)}  ${text} (entry ${number})`] })),
  ].sort((a, b) => a.number - b.number);
  const open = departures.filter(isOpen).length;
  return [
    `${stack}${rehearsal ? " (rehearsal)" : ""}`,
    ...(cut ? ["  … and older entries: --limit takes a greater number"] : []),
    ...items.flatMap(({ lines }) => lines.flatMap((line) => wrap(line, width, "      "))),
    ...(open === 0 ? [] : [`  ${amount(open, "departure")} in place: its state is not what its sequences made of it`]),
  ];
}

function changeLines(change: GovernedChange): readonly string[] {
  const { time, number, step, run, startedBy, claimed } = change;
  return [
    `  ${utc(time)}  ${outcomeOf(change)} (entry ${number})${convergence(change)}`,
    `      by step ${step ?? "?"} of ${run ?? "?"}, started by ${startedBy ?? claimed}`,
    ...programLines(change),
  ];
}

/** Where a commit is known the stack can be put back to what this operation left: its id, as `asOf` takes it. */
function programLines({ operation, commit, asOf }: GovernedChange): readonly string[] {
  if (operation === undefined || commit === undefined) return [];
  const what = asOf === undefined ? `commit ${commit.slice(0, 12)}` : describePutBack({ operation: asOf, commit });
  return [`      ${operation}, ${what}`];
}

function outcomeOf({ type, operation, counts, how, reason }: GovernedChange): string {
  const verb = operation?.split(".").at(-1) ?? "operation";
  if (type === "operation.succeeded") return `${verb}: ${counted(counts ?? {})}`;
  const because = reason === undefined ? "" : `: ${reason.replace(/\s+/g, " ")}`;
  if (type === "operation.settled") return `${verb} settled as ${how}, by a person's word${because}`;
  return `${verb} ${how ?? type.slice("operation.".length)}${because}`;
}

function convergence({ type, converged, convergedTime }: GovernedChange): string {
  if (converged !== undefined && convergedTime !== undefined)
    return `, converged ${convergedTime.slice(11, 19)} (entry ${converged})`;
  return type === "operation.succeeded" ? ", no convergence recorded" : "";
}
