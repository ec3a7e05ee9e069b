/**
 * The causal chain of a stop: from the entry that says so to the first cause. Pure. A boundary that opened, a start and a
 * resume allowed what followed and caused no trouble: there the chain ends. Links come from the entries' own causes; only
 * a verdict is followed by the looks that it was given for, since those are no causes in the record but its reason.
 */
import type { Measurement } from "../../gates/model.js";
import type { PlanGate } from "../../plan/model.js";
import type { TargetReport } from "../../run/events.js";
import { gatesOf, type RunState } from "../../run/state.js";
import { outputsIn } from "../../sequence/references.js";
import { describeEntry } from "../entry-line.js";
import type { Evidence } from "./input.js";
import type { ChainLink } from "./model.js";

/** More causes of one look than these say nothing: a gate at the end proves every update. */
const MOST_UPDATES = 2;

/** From `stops`, newest first, to the first cause; then who started the run. */
export function chainOf(state: RunState, entries: readonly Evidence[], stops: readonly number[]): readonly ChainLink[] {
  const known = new Map(entries.map((entry) => [entry.number, entry]));
  const found = new Map<number, Evidence>();
  const walk = (number: number): void => {
    const entry = known.get(number);
    if (entry === undefined || found.has(number)) return;
    found.set(number, entry);
    for (const cause of causesOf(state, entry, entries)) walk(cause);
  };
  for (const stop of stops) walk(stop);
  const links = [...found.values()].filter(isTold).sort((a, b) => b.number - a.number);
  const start = known.get(state.started.entry);
  const shown = links.length === 0 || start === undefined ? links : [...links, start];
  return shown.map((entry) => ({
    entry: entry.number,
    type: entry.type,
    time: entry.time,
    text: textOf(entry, links),
  }));
}

/** Entries that only allow what follows, or lead to it, without being why it failed. */
const SILENT: ReadonlySet<string> = new Set([
  "boundary.opened",
  "run.started",
  "run.adopted",
  "run.resumed",
  "operation.intended",
  "operation.previewed",
  "gate.passed",
]);

/** A preview is told where it was refused. */
function isTold({ type, body }: Evidence): boolean {
  return !SILENT.has(type) || (type === "operation.previewed" && body.refusal !== undefined);
}

function causesOf(state: RunState, entry: Evidence, entries: readonly Evidence[]): readonly number[] {
  const causes = entry.causes.map(({ number }) => number);
  switch (entry.type) {
    case "boundary.opened":
    case "run.started":
    case "run.adopted":
    case "run.resumed":
    case "gate.passed":
    case "operation.succeeded":
    case "drift.scanned":
      return [];
    case "gate.failed":
    case "gate.errored":
    case "gate.inconclusive":
      return [...looksBehind(entry, entries), ...causes.filter((cause) => typeOf(entries, cause) === "gate.measured")];
    case "gate.measured":
      return updatesBehind(state, entry, causes, entries);
    case "run.aborted":
      return [...causes, ...standingBefore(entry, entries)];
    default:
      return causes;
  }
}

function typeOf(entries: readonly Evidence[], number: number): string | undefined {
  return entries.find((entry) => entry.number === number)?.type;
}

/** For each target that had not converged its newest recorded look. */
function looksBehind({ number, run, body }: Evidence, entries: readonly Evidence[]): readonly number[] {
  const reports = (body.targets ?? []) as unknown as readonly TargetReport[];
  return reports
    .filter(({ converged }) => !converged)
    .flatMap(({ target }) => {
      const look = entries.findLast(
        (entry) =>
          entry.type === "gate.measured" &&
          entry.number < number &&
          entry.run === run &&
          entry.body.gate === body.gate &&
          entry.body.target === target,
      );
      return look === undefined || verdictOf(look) === "pass" ? [] : [look.number];
    });
}

function verdictOf({ body }: Evidence): Measurement["verdict"] | undefined {
  return ((body.measurements ?? []) as unknown as readonly Measurement[]).at(-1)?.verdict;
}

/** The updates that the target shows: those its probe reads from, else all, unless they are too many to mean anything. */
function updatesBehind(
  state: RunState,
  { body }: Evidence,
  causes: readonly number[],
  entries: readonly Evidence[],
): readonly number[] {
  const gate = gatesOf(state.started.plan).find(({ id }) => id === body.gate);
  const steps = gate === undefined ? [] : stepsShown(gate, String(body.target));
  const own = causes.filter((cause) => {
    const step = entries.find((entry) => entry.number === cause)?.step;
    return step !== undefined && steps.includes(step);
  });
  if (own.length > 0 && own.length < causes.length) return own;
  return causes.length > MOST_UPDATES ? [] : causes;
}

/** The steps whose outputs or stacks a target's probe names; of those that the gate proves. */
export function stepsShown(gate: PlanGate, target: string): readonly string[] {
  const probe = gate.targets.find(({ name }) => name === target)?.probe;
  if (probe === undefined) return [];
  const named = [...outputsIn(probe), ...("step" in probe ? [probe.step] : [])];
  return gate.proves.filter((step) => named.includes(step));
}

/** An abort follows from whatever came last; what the run stood at then says why. */
function standingBefore({ number, run }: Evidence, entries: readonly Evidence[]): readonly number[] {
  const before = entries.findLast(
    (entry) =>
      entry.run === run && entry.number < number && ["run.halted", "run.paused", "run.resumed"].includes(entry.type),
  );
  return before === undefined || before.type === "run.resumed" ? [] : [before.number];
}

/** What follows from it need not be said twice. */
function textOf(entry: Evidence, links: readonly Evidence[]): string {
  const told = entry.type === "run.halted" && links.some(({ number }) => number < entry.number);
  if (told) return describeEntry({ ...entry, body: { ...entry.body, reason: "" } }).replace(/: $/, "");
  if (/^gate\.(failed|errored|inconclusive)$/.test(entry.type))
    return describeEntry({ ...entry, body: { ...entry.body, reason: String(entry.body.reason).split("; ")[0] ?? "" } });
  return describeEntry(entry);
}
