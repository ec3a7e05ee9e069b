/** What a gate's verdict rests on: per target the looks, and what a pass lacks as a proof. Pure. */
import type { PlanGate } from "../../plan/model.js";
import type { TargetReport } from "../../run/events.js";
import type { Entry } from "../../run/ports.js";
import type { EvidenceRow } from "./model.js";
import { isoOf, naming, ofType, type Read } from "./reading.js";

type Verdict = Read<"gate.passed" | "gate.failed" | "gate.errored" | "gate.inconclusive">;

/** The looks that a verdict names among its causes. */
function looksOf(looks: readonly Entry[], verdict: Verdict): readonly Read<"gate.measured">[] {
  const named = new Set(verdict.entry.causes.map((cause) => cause.number));
  return ofType(looks, "gate.measured").filter(
    ({ entry, event }) => named.has(entry.number) && event.gate === verdict.event.gate,
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
  const named = looksOf([...looks, ...own], verdict);
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
  const named = looksOf(looks, passed);
  const converged = passed.event.targets.filter((target) => target.converged);
  return [
    ...notNamed(gate, passed.entry, by),
    ...tooFew(gate, converged.length),
    ...converged.flatMap(({ target }) => unseen(target, named)),
    ...stale(gate, own, passed, named),
    ...(gate.proves.length === 0 ? [] : named.flatMap((look) => tooEarly(own, look))),
  ];
}

function notNamed(gate: PlanGate, passed: Entry, by: Entry | undefined): readonly string[] {
  if (by === undefined || gate.policy.dryRun) return [];
  return by.causes.some(({ number }) => number === passed.number)
    ? []
    : [`entry ${by.number} does not name its pass${naming(passed.number)}`];
}

function tooFew({ targets, policy }: PlanGate, converged: number): readonly string[] {
  const needed =
    policy.quorum === "all" ? targets.length : policy.quorum === "any" ? 1 : Math.max(1, Math.ceil(policy.quorum));
  return converged >= Math.max(1, needed) ? [] : [`${converged} of the ${needed} targets it takes had converged`];
}

function unseen(target: string, named: readonly Read<"gate.measured">[]): readonly string[] {
  const last = named.filter(({ event }) => event.target === target).at(-1);
  if (last === undefined) return [`no entry holds a look at ${target}`];
  const { verdict } = last.event.measurements.at(-1) ?? {};
  return verdict === "pass" ? [] : [`the last look at ${target}${naming(last.entry.number)} is no pass`];
}

/** Invariant 3: the pass names the newest operation of each step that it proves. */
function stale(
  gate: PlanGate,
  own: readonly Entry[],
  passed: Read<"gate.passed">,
  named: readonly Read<"gate.measured">[],
): readonly string[] {
  const newest = gate.proves.flatMap(
    (step) =>
      ofType(own, "operation.intended")
        .filter(({ entry, event }) => event.step === step && entry.number < passed.entry.number)
        .at(-1)?.event.operation ?? [],
  );
  return newest.flatMap((operation) => {
    const about = named.filter(({ event }) => !event.operations.includes(operation));
    const passes = passed.event.operations.includes(operation);
    return passes && about.length === 0
      ? []
      : [`it is about another operation than ${operation}${naming(...about.map(({ entry }) => entry.number))}`];
  });
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
