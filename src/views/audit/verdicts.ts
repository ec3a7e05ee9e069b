/** A verdict for each thing that a governed evolution promises, with the sentences that it rests on. Pure. */
import { duration } from "../text.js";
import { THE_END } from "./boundaries.js";
import type { AuditReport, BoundaryReport, DepartureRow, Holds, Integrity, OrderRow, Requirement } from "./model.js";
import { CHANGED_SOURCES } from "./people.js";
import { naming } from "./reading.js";

type Facts = Pick<AuditReport, "standing" | "order" | "boundaries" | "departures" | "people" | "halts" | "answers">;

const amount = (count: number, noun: string, many = `${noun}s`): string => `${count} ${count === 1 ? noun : many}`;

/** Nothing started before what it had to wait for, and nobody changed a stack out of this sequence's order. */
export function ordered({ order, departures }: Facts, sequence: string): Requirement {
  const starts = order.filter(({ started }) => started !== undefined);
  const early = starts.filter((row) => row.early.length > 0).map(earlyStart);
  const foreign = departures.filter((row) => isOutOfSequence(row, sequence)).map(outOfSequence);
  const wrong = [...foreign, ...early];
  if (wrong.length > 0) return { holds: "no", because: wrong };
  if (starts.length === 0) return { holds: "not yet", because: ["nothing has been started"] };
  const all = amount(starts.length, "start");
  return { holds: "yes", because: [`${all}, each after everything that the plan puts before it`] };
}

function earlyStart({ step, started, early }: OrderRow): string {
  return `${step} was started${naming(started?.entry ?? 0)} although ${early.join(" and ")}`;
}

/** What lies in another sequence's order is shown, but breaks none here. */
function isOutOfSequence(row: DepartureRow, sequence: string): boolean {
  return ["early", "concurrent"].includes(row.place ?? "") && (row.sequence ?? sequence) === sequence;
}

/** `out of sequence: identity was changed before its step by …`, unless its summary says so itself. */
function outOfSequence({ step, stack, place, by, summary, entry, standing, closed }: DepartureRow): string {
  const when = place === "concurrent" ? "while its step was under way" : "before its step";
  const said = summary.startsWith("out of sequence")
    ? summary
    : `out of sequence: ${step ?? stack ?? "a stack"} was changed ${when} by ${by}: ${summary}`;
  const since = closed === undefined ? "" : `; ${standing}${naming(closed.entry)} by ${closed.claimed}`;
  return `${said}${naming(entry)}${since}`;
}

/** Every boundary that was passed had been seen to hold before anything after it started. */
export function converged({ boundaries }: Facts): Requirement {
  const passed = boundaries.filter(({ opened, next }) => opened !== undefined || next !== undefined);
  const wrong = passed.filter(({ state }) => state === "not confirmed");
  if (wrong.length > 0) return { holds: "no", because: wrong.map(unconfirmed) };
  const signed = passed.filter(({ state }) => state === "overridden");
  const sure = passed.filter(({ state }) => state === "confirmed").length;
  const open = boundaries.length - passed.length;
  const said = [
    ...(sure === 0 ? [] : [`${amount(sure, "boundary", "boundaries")} confirmed before anything after began`]),
    ...signed.map(({ node }) => `${node} was passed by a signed override, not by convergence`),
    ...(open === 0 ? [] : [`${amount(open, "boundary", "boundaries")} not passed: ${unpassed(boundaries).join(", ")}`]),
  ];
  return { holds: signed.length > 0 ? "overridden" : open > 0 ? "not yet" : "yes", because: said };
}

function unpassed(boundaries: readonly BoundaryReport[]): readonly string[] {
  return boundaries.filter(({ opened, next }) => opened === undefined && next === undefined).map(({ node }) => node);
}

function unconfirmed({ node, lacks, gates }: BoundaryReport): string {
  const missing = gates.filter(({ outcome }) => outcome === "not passed").map(({ gate }) => `${gate} did not pass`);
  return `${node} was not confirmed: ${[...lacks, ...missing].join("; ") || "no entry says that it converged"}`;
}

/** All that was declared was done, and the end was found consistent. */
export function complete(facts: Facts): Requirement {
  const { standing, boundaries, halts, answers } = facts;
  const left = [...undone(facts), ...unopened(boundaries)];
  const answered = answers.map(({ run, entry }) => `it was answered by run ${run}${naming(entry)}`);
  const halt = halts.at(-1);
  if (standing === "completed" && left.length === 0)
    return {
      holds: signedFor(boundaries),
      because: [...doneOf(facts), ...recovered(halts), ...accepted(facts), ...answered],
    };
  const why = standing === "halted" && halt !== undefined ? [`halted${naming(halt.entry)}: ${halt.reason}`] : [];
  const over = !["running", "paused", "halted", "held"].includes(standing);
  return { holds: over ? "no" : "not yet", because: [...why, ...left, ...answered, ...ended(standing, over)] };
}

function ended(standing: string, over: boolean): readonly string[] {
  if (standing === "recovered") return ["its recovery came to a consistent end, and with it this run ended"];
  return over ? [`the run is ${standing}`] : [];
}

function signedFor(boundaries: readonly BoundaryReport[]): Holds {
  return boundaries.some(({ state }) => state === "overridden") ? "overridden" : "yes";
}

function doneOf({ order, boundaries }: Facts): readonly string[] {
  const steps = new Set(order.map(({ step }) => step)).size;
  const end = boundaries.find(({ node }) => node === THE_END);
  const consistent =
    end === undefined
      ? "nothing is declared that must hold at the end"
      : end.state === "overridden"
        ? "what must hold at the end was overridden"
        : "what must hold at the end holds";
  const signed = boundaries.filter(({ state, node }) => state === "overridden" && node !== THE_END);
  const how = signed.length === 0 ? "" : ` (${signed.map(({ node }) => node).join(", ")} by a signed override)`;
  return [`${amount(steps, "step")} applied, every boundary passed${how}; ${consistent}`];
}

/** It went on with other sources than were recorded at its start (invariant 6). */
function accepted({ people }: Facts): readonly string[] {
  return people
    .filter(({ did, what }) => did === "overrode" && what === CHANGED_SOURCES)
    .map(({ entry, claimed }) => `${claimed} signed for sources that had changed since its start${naming(entry)}`);
}

/** It stood still on the way and went on. */
function recovered(halts: Facts["halts"]): readonly string[] {
  return halts.length === 0
    ? []
    : [`it was halted on the way${naming(...halts.map(({ entry }) => entry))} and went on: ${halts.at(-1)?.reason}`];
}

function undone({ order }: Facts): readonly string[] {
  const newest = new Map(order.map((row) => [row.step, row]));
  return [...newest.values()].flatMap(({ step, started, ended }) => {
    if (started === undefined) return [`${step} was never started`];
    if (ended === undefined) return [`how ${step} ended is not recorded`];
    return /succeeded$/.test(ended.how) ? [] : [`${step} ${ended.how}${naming(ended.entry)}`];
  });
}

function unopened(boundaries: readonly BoundaryReport[]): readonly string[] {
  const open = boundaries.filter(({ state }) => state === "not confirmed").map(({ node }) => node);
  return open.length === 0 ? [] : [`not converged: ${open.join(", ")}`];
}

/** The chain holds over the run. Whether anybody outside of the database can vouch for it is another thing, and is said. */
export function unmodified({ first, last, broken, anchored }: Integrity): Requirement {
  if (broken !== undefined) return { holds: "no", because: [`entry ${broken.number}: ${broken.reason}`] };
  return {
    holds: "yes",
    because: [
      `numbers, hashes, links and causes of entries ${first} to ${last} hold`,
      anchored === undefined
        ? "not anchored: no signed checkpoint that this client knows covers them"
        : `anchored: they lead to entry ${anchored.number} as ${anchored.by} has signed it`,
    ],
  };
}

/** How long it took, or has taken. */
export function tookOf({ started, ended, reported }: AuditReport): string {
  return duration(Date.parse(ended ?? reported) - Date.parse(started));
}
