/** What a gate's verdict rests on: per target the looks, and what a pass lacks as a proof. Pure. */
import type { PlanGate } from "../../plan/model.js";
import type { TargetReport } from "../../run/events.js";
import type { Entry } from "../../run/ports.js";
import { duration } from "../text.js";
import type { EvidenceRow } from "./model.js";
import { isoOf, naming, ofType, type Read } from "./reading.js";

type Verdict = Read<"gate.passed" | "gate.failed" | "gate.errored" | "gate.inconclusive">;

/**
 * The looks that a verdict names among its causes and that are about the newest operations it proves. A pass after
 * another attempt may name looks from before it, too: those prove nothing any more (invariant 3) and are left out.
 */
function looksOf(
  gate: PlanGate,
  own: readonly Entry[],
  looks: readonly Entry[],
  verdict: Verdict,
): readonly Read<"gate.measured">[] {
  const named = new Set(verdict.entry.causes.map((cause) => cause.number));
  const newest = newestOf(gate, own, verdict.entry.number);
  return ofType(looks, "gate.measured").filter(
    ({ entry, event }) =>
      named.has(entry.number) &&
      event.gate === gate.id &&
      newest.every((operation) => event.operations.includes(operation)),
  );
}

/** The newest operation of each step that a gate proves, before an entry. */
function newestOf(gate: PlanGate, own: readonly Entry[], before: number): readonly string[] {
  return gate.proves.flatMap(
    (step) =>
      ofType(own, "operation.intended")
        .filter(({ entry, event }) => event.step === step && entry.number < before)
        .at(-1)?.event.operation ?? [],
  );
}

/** A row a target, in plan order: what was seen last, and in which entries the looks are. */
export function evidenceOf(
  gate: PlanGate,
  looks: readonly Entry[],
  verdict: Verdict | undefined,
  own: readonly Entry[],
): readonly EvidenceRow[] {
  if (verdict === undefined) return [];
  const named = looksOf(gate, own, looks, verdict);
  return gate.targets.map(({ name }) => {
    const seen = named.filter(({ event }) => event.target === name);
    const report = verdict.event.targets.find(({ target }) => target === name);
    return {
      target: name,
      converged: report?.converged === true,
      entries: seen.map(({ entry }) => entry.number),
      looks: seen.reduce((count, { event }) => count + event.measurements.length, 0),
      ...lastOf(report, seen),
    };
  });
}

/** The newest look that an entry holds; what the verdict itself says was seen last may be newer, and is as good. */
function lastOf(report: TargetReport | undefined, seen: readonly Read<"gate.measured">[]): Pick<EvidenceRow, "last"> {
  const last = report?.last ?? seen.at(-1)?.event.measurements.at(-1);
  if (last === undefined) return {};
  const { number, verdict, observed, expected, began, ended } = last;
  return { last: { number, verdict, observed, expected, began: isoOf(began), ended: isoOf(ended) } };
}

/** What a pass lacks; `by` is the entry that rests on it. */
export function lacksOf(
  gate: PlanGate,
  own: readonly Entry[],
  looks: readonly Entry[],
  passed: Read<"gate.passed">,
  by: Entry | undefined,
): readonly string[] {
  const named = looksOf(gate, own, looks, passed);
  const converged = passed.event.targets.filter((target) => target.converged);
  return [
    ...notNamed(gate, passed.entry, by),
    ...tooFew(gate, converged.length),
    ...converged.flatMap(({ target }) => unseen(target, named)),
    ...stale(gate, own, passed),
    ...(gate.proves.length === 0 ? [] : named.flatMap((look) => tooEarly(own, look))),
  ];
}

function notNamed(gate: PlanGate, passed: Entry, by: Entry | undefined): readonly string[] {
  if (by === undefined || gate.policy.dryRun) return [];
  return by.causes.some(({ number }) => number === passed.number)
    ? []
    : [`entry ${by.number} does not name its pass${naming(passed.number)}`];
}

function tooFew(gate: PlanGate, converged: number): readonly string[] {
  const needed = neededOf(gate);
  return converged >= needed ? [] : [`${converged} of the ${needed} targets it takes had converged`];
}

/** How many targets must have converged: never none. */
function neededOf({ targets, policy }: PlanGate): number {
  if (policy.quorum === "all") return Math.max(1, targets.length);
  return policy.quorum === "any" ? 1 : Math.max(1, Math.ceil(policy.quorum));
}

/**
 * All gates of a boundary must have held at once: the looks that decided them ended within its window, give or take one
 * look. Of each gate the freshest looks that are enough.
 */
export function apart(
  gates: readonly { readonly gate: PlanGate; readonly evidence: readonly EvidenceRow[] }[],
  window: number,
): readonly string[] {
  const looks = gates.flatMap(({ gate, evidence }) =>
    evidence
      .flatMap(({ converged, last }) =>
        converged && last !== undefined ? [{ began: Date.parse(last.began), ended: Date.parse(last.ended) }] : [],
      )
      .sort((a, b) => b.ended - a.ended)
      .slice(0, neededOf(gate)),
  );
  if (looks.length === 0) return [];
  const ends = looks.map(({ ended }) => ended);
  const spread = Math.max(...ends) - Math.min(...ends);
  const longest = Math.max(...looks.map(({ began, ended }) => ended - began));
  return spread <= window + longest
    ? []
    : [`its deciding looks lie ${duration(spread)} apart, and its window is ${duration(window)}`];
}

function unseen(target: string, named: readonly Read<"gate.measured">[]): readonly string[] {
  const last = named.filter(({ event }) => event.target === target).at(-1);
  if (last === undefined) return [`no entry holds a look at ${target} since its update`];
  const { verdict } = last.event.measurements.at(-1) ?? {};
  return verdict === "pass" ? [] : [`the last look at ${target}${naming(last.entry.number)} is no pass`];
}

/** Invariant 3: the pass names the newest operation of each step that it proves. */
function stale(gate: PlanGate, own: readonly Entry[], passed: Read<"gate.passed">): readonly string[] {
  const missing = newestOf(gate, own, passed.entry.number).filter(
    (operation) => !passed.event.operations.includes(operation),
  );
  return missing.length === 0 ? [] : [`its pass${naming(passed.entry.number)} is not about ${missing.join(", ")}`];
}

/** Invariant 3: no look began before the update that it proves had ended. */
function tooEarly(own: readonly Entry[], { entry, event }: Read<"gate.measured">): readonly string[] {
  const ends = ofType(own, "operation.succeeded").filter((end) => event.operations.includes(end.event.operation));
  const after = Math.max(0, ...ends.map((end) => end.event.ended));
  const early = event.measurements.filter(({ began }) => began < after);
  return early.length === 0
    ? []
    : [`${early.length} of its looks at ${event.target} began before the update had ended${naming(entry.number)}`];
}
