/** The order: what a StackReference needs and the sequence lacks (too narrow), and what nothing needs (too broad). */
import type { Path } from "../sequence/locate.js";
import { type Entry, isGroup, type Sequence, type Step } from "../sequence/model.js";
import { nameEntry, type Place, places, stepsBelow } from "../sequence/places.js";
import { capital } from "../sequence/problems.js";
import { type Dependencies, type Need, namedIn, sameStack } from "./dependencies.js";
import { type LintFinding, orAccept } from "./finding.js";

/** Both ways in which an order can be wrong, and load-bearing boundaries that hold nothing back. */
export function orderFindings(sequence: Sequence, dependencies: Dependencies): readonly LintFinding[] {
  const all = places(sequence);
  const broad = listsOf(sequence).flatMap((list) => tooBroad(list, dependencies));
  const unneeded = new Set(broad.map(({ before }) => before));
  return [
    ...tooNarrow(all, dependencies.needs),
    ...broad.map(({ finding }) => finding),
    ...withoutGate(sequence.steps, ["steps"], false, unneeded),
  ];
}

// ------------------------------------------------------------------------------------------------------ too narrow

function tooNarrow(all: readonly Place[], needs: readonly Need[]): readonly LintFinding[] {
  const stepPlaces = new Map(
    all.flatMap((place) => (isGroup(place.entry) ? [] : [[place.entry.name, place] as const])),
  );
  return [...stepPlaces.values()].flatMap((place) => {
    const step = place.entry as Step;
    const own = needs.filter((need) => need.step === step.name && need.certain);
    return distinct(own).flatMap((need) => narrowFinding(place, step, own, need, stepPlaces));
  });
}

/** A program may refer to one stack in several places. */
function distinct(needs: readonly Need[]): readonly Need[] {
  return [...new Map(needs.map((need) => [need.needs, need])).values()];
}

function narrowFinding(
  place: Place,
  step: Step,
  own: readonly Need[],
  need: Need,
  stepPlaces: ReadonlyMap<string, Place>,
): readonly LintFinding[] {
  const other = stepPlaces.get(need.needs);
  if (other === undefined) return [];
  const target = other.entry as Step;
  const both = [step.kind, target.kind];
  // What is deleted goes before what it reads; for a mixture of both there is no rule.
  if (both.includes("destroy")) return both.every((kind) => kind === "destroy") ? destroyed(place, other, need) : [];
  // A stack that several steps operate has to be there once.
  const served = own.some(({ needs }) => {
    const one = stepPlaces.get(needs)?.entry as Step | undefined;
    return one !== undefined && sameStack(one, target) && place.before.has(needs);
  });
  if (served) return [];
  return [missing(place, step.name, target.name, need)];
}

function destroyed(place: Place, other: Place, need: Need): readonly LintFinding[] {
  const [reader, read] = [place.entry as Step, other.entry as Step];
  return other.before.has(reader.name) ? [] : [missing(other, read.name, reader.name, need)];
}

function missing({ path }: Place, later: string, earlier: string, { step, needs, reference }: Need): LintFinding {
  const { text, line } = reference.written;
  return {
    code: "order-missing",
    path,
    word: later,
    message: `Step "${later}" may start before step "${earlier}" has converged, but the program of "${step}" reads the stack of "${needs}" (line ${line}: StackReference ${text}).`,
    remedy: `Put "${later}" behind "${earlier}", ${orAccept("order-missing")} on "${later}".`,
  };
}

// ------------------------------------------------------------------------------------------------------- too broad

interface List {
  readonly entries: readonly Entry[];
  readonly path: Path;
}

/** Every list whose order means something. */
function listsOf(sequence: Sequence): readonly List[] {
  const below = (entries: readonly Entry[], path: Path): readonly List[] =>
    entries.flatMap((entry, at): readonly List[] => {
      if (!isGroup(entry)) return [];
      const members = [...path, at, "members"];
      const own = entry.kind === "serial" ? [{ entries: entry.members, path: members }] : [];
      return [...own, ...below(entry.members, members)];
    });
  return [{ entries: sequence.steps, path: ["steps"] }, ...below(sequence.steps, ["steps"])];
}

interface Broad {
  readonly before: Entry;
  readonly finding: LintFinding;
}

function tooBroad({ entries, path }: List, dependencies: Dependencies): readonly Broad[] {
  return entries.slice(1).flatMap((entry, at): readonly Broad[] => {
    const before = entries[at] as Entry;
    if (isNeeded(before, entry, dependencies)) return [];
    const [first, second] = [nameEntry(before), nameEntry(entry)];
    const word = entry.name === undefined ? {} : { word: entry.name };
    const finding: LintFinding = {
      code: "order-unneeded",
      path: [...path, at + 1],
      ...word,
      message: `${capital(second)} waits for ${first} to converge, and nothing in it reads anything of that: neither its programs nor its gates.`,
      remedy: `Put both into independent(...), ${orAccept("order-unneeded")} on ${second}.`,
    };
    return [{ before, finding }];
  });
}

function isNeeded(before: Entry, entry: Entry, { needs, unknown }: Dependencies): boolean {
  const [earlier, later] = [stepsBelow(before), stepsBelow(entry)];
  const has = (steps: readonly Step[], name: string) => steps.some((step) => step.name === name);
  // Also the wrong way round: that is another finding.
  const reads = needs.some(
    (need) =>
      (has(later, need.step) && has(earlier, need.needs)) || (has(earlier, need.step) && has(later, need.needs)),
  );
  const named = namedIn(entry);
  return (
    reads ||
    unknown.some(({ step }) => has(later, step)) ||
    earlier.some((step) => named.has(step.name) || later.some((other) => sameStack(step, other)))
  );
}

// --------------------------------------------------------------------------------------------------- without a gate

/** Boundaries that something waits for and that open with nobody having looked. `bearing`: what follows the list waits. */
function withoutGate(
  entries: readonly Entry[],
  path: Path,
  bearing: boolean,
  unneeded: ReadonlySet<Entry>,
): readonly LintFinding[] {
  return entries.flatMap((entry, at) => {
    const awaited = at < entries.length - 1 ? !unneeded.has(entry) : bearing;
    return entryWithoutGate(entry, [...path, at], awaited, unneeded);
  });
}

function entryWithoutGate(
  entry: Entry,
  path: Path,
  awaited: boolean,
  unneeded: ReadonlySet<Entry>,
): readonly LintFinding[] {
  const gated = (entry.convergedWhen ?? []).some((gate) => gate.dryRun !== true);
  if (!isGroup(entry)) return awaited && !gated ? [ungated(entry, path)] : [];
  const members = [...path, "members"];
  const bearing = awaited && !gated;
  if (entry.kind === "serial") return withoutGate(entry.members, members, bearing, unneeded);
  if (entry.kind === "lockstep" && bearing) return hasGate(entry) ? [] : [ungated(entry, path)];
  return entry.members.flatMap((member, at) => entryWithoutGate(member, [...members, at], bearing, unneeded));
}

/** A lockstep group judges the gates of all its members together. */
function hasGate(entry: Entry): boolean {
  const own = (entry.convergedWhen ?? []).some((gate) => gate.dryRun !== true);
  return own || (isGroup(entry) && entry.members.some(hasGate));
}

function ungated(entry: Entry, path: Path): LintFinding {
  const who = nameEntry(entry);
  return {
    code: "no-gate",
    path,
    ...(entry.name === undefined ? {} : { word: entry.name }),
    message: `What follows ${who} starts as soon as its update is accepted: it has no gate, and applied is not converged.`,
    remedy: `Give it convergedWhen, ${orAccept("no-gate")} on ${who}.`,
  };
}
