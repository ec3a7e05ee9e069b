/** `evo plan --failure` for people: one paragraph for each place, ways that come to the same in one. Pure. */
import { duration, wrap } from "../text.js";
import type { FailureKind, FailurePath, FailurePlace, FailurePlan } from "./paths.js";

/** All places, each line at most `width` wide where words allow it. What is the same in every step is said once. */
export function describeFailures({ sequence, plan, places }: FailurePlan, width: number): readonly string[] {
  const steps = places.filter(({ step }) => step !== undefined);
  const everywhere = shared(
    steps.map(({ paths }) => groupsOf(paths.filter(({ kind }) => kind !== "failed")).map(wayOf)),
  );
  const own = (place: FailurePlace): FailurePlace =>
    place.step === undefined || everywhere.length === 0
      ? place
      : { ...place, paths: place.paths.filter(({ kind }) => kind === "failed") };
  return [
    `${sequence}: what would happen if it failed here or there (plan ${plan.slice(0, 12)})`,
    ...(everywhere.length === 0
      ? []
      : ["", "every step", ...everywhere.flatMap((way) => wrap(`  ${way}`, width, "    "))]),
    ...places.flatMap((place) => ["", ...describePlace(own(place), width)]),
  ];
}

/** The lines, where all have the same. */
function shared(all: readonly (readonly string[])[]): readonly string[] {
  const [first = [], ...others] = all;
  return others.every((lines) => lines.join("\n") === first.join("\n")) ? first : [];
}

function describePlace({ step, gate, phase, paths }: FailurePlace, width: number): readonly string[] {
  const where = { ready: ", before it starts", converged: "", consistent: ", at the end" }[phase ?? "converged"];
  const [first] = paths;
  const one = paths.every((path) => path.applied.join() === first?.applied.join());
  return [
    ...wrap(step === undefined ? `gate ${gate}${where}` : step, width, "  "),
    ...groupsOf(paths).flatMap((group) =>
      wrap(`  ${wayOf(group)}${one ? "" : `; ${applied(group[0])}`}`, width, "    "),
    ),
    ...(one && first !== undefined ? wrap(`  ${applied(first)}`, width, "    ") : []),
  ];
}

function wayOf([path, kinds]: Group): string {
  return `${kinds.map(wordOf).join(", ")}: ${describePath(path)}`;
}

type Group = readonly [FailurePath, readonly FailureKind[]];

/** Ways of failing that lead to the same. */
function groupsOf(paths: readonly FailurePath[]): readonly Group[] {
  const groups = new Map<string, [FailurePath, FailureKind[]]>();
  for (const path of paths) {
    const key = `${describePath(path)} ${path.applied.join()}`;
    const [same, kinds] = groups.get(key) ?? [path, []];
    groups.set(key, [same, [...kinds, path.kind]]);
  }
  return [...groups.values()];
}

const WORDS: { readonly [kind in FailureKind]?: string } = {
  cancelled: "stopped by a person",
  refused: "refused by evo",
  locked: "its stack is locked",
  absent: "its engine never started",
  unresolved: "nobody knows how it ended",
  "gate failed": "fails",
  "gate errored": "can't be looked at",
  "gate inconclusive": "inconclusive",
  "timed out": "does not converge in time",
};

function wordOf(kind: FailureKind): string {
  return WORDS[kind] ?? kind;
}

function describePath(path: FailurePath): string {
  const { kind, comesTo, attempts, backoff, othersGoOn } = path;
  const tries =
    attempts > 1 ? [`tried ${attempts} times${backoff === undefined ? "" : `, ${duration(backoff)} apart`}`] : [];
  const others = othersGoOn && comesTo === "halts" ? ["the rest of its group goes on"] : [];
  const ends = { "goes on": "holds nothing back", holds: HOLDS, halts: halts(path) }[comesTo];
  return [...tries, ...others, kind === "unresolved" ? `${ends} until somebody settles it` : ends].join("; then ");
}

const HOLDS = "holds: evo keeps looking until it converges or a person decides";

function halts({ cause, recovery, rule }: FailurePath): string {
  const halt = cause === "inconsistent" ? "halts as inconsistent" : "halts";
  if (recovery === undefined) return rule === "recover" ? `${halt}: its rule says recover, and no recovery fits` : halt;
  // No rule says so for these: a person does, and which recovery it is stands with the failure itself.
  if (rule === undefined) return `${halt}; evo recover answers by the rules of the plan`;
  const { rule: name, sequence, starts } = recovery;
  return starts === "at once"
    ? `${halt} and recovers at once with ${sequence} (rule ${name})`
    : `${halt}; evo recover answers with ${sequence} (rule ${name})`;
}

function applied({ applied: steps }: FailurePath): string {
  return steps.length === 0 ? "applied by then: nothing" : `applied by then, at most: ${steps.join(", ")}`;
}
