/** Walks a sequence in order, and says of every entry and gate where it stands and what certainly came before. */

import type { Path } from "./locate.js";
import { type Entry, type Gate, isGroup, type Sequence, type Step } from "./model.js";

/** An entry and what its position means. */
export interface Place {
  readonly entry: Entry;
  readonly path: Path;
  /** Names of the steps whose boundaries are open before it may start. */
  readonly before: ReadonlySet<string>;
  readonly inIndependent: boolean;
  readonly inLockstep: boolean;
}

/** A gate and what its position means. */
export interface GatePlace {
  readonly gate: Gate;
  readonly path: Path;
  readonly phase: "ready" | "converged" | "consistent";
  /** For messages: `step "app"`, `the sequence`. */
  readonly owner: string;
  /** What it is declared on; absent: the sequence. */
  readonly entry?: Entry;
  /** The step that it is declared on, if it is one. */
  readonly step?: Step;
  /** Names of the steps that are applied when it is looked at. */
  readonly applied: ReadonlySet<string>;
  readonly proves: readonly Step[];
  readonly inIndependent: boolean;
}

/** The steps of an entry, itself included. */
export function stepsBelow(entry: Entry): readonly Step[] {
  return isGroup(entry) ? entry.members.flatMap(stepsBelow) : [entry];
}

/** Every entry, a group before its members. */
export function places(sequence: Sequence): readonly Place[] {
  const root = { before: new Set<string>(), inIndependent: false, inLockstep: false };
  return inOrder(sequence.steps, ["steps"], root);
}

type Context = Omit<Place, "entry" | "path">;

function inOrder(entries: readonly Entry[], path: Path, context: Context): Place[] {
  const before = new Set(context.before);
  return entries.flatMap((entry, at) => {
    const found = within(entry, [...path, at], { ...context, before: new Set(before) });
    for (const step of stepsBelow(entry)) before.add(step.name);
    return found;
  });
}

function within(entry: Entry, path: Path, context: Context): Place[] {
  const place = { entry, path, ...context };
  if (!isGroup(entry)) return [place];
  const members = [...path, "members"];
  if (entry.kind === "serial") return [place, ...inOrder(entry.members, members, context)];
  const below: Context =
    entry.kind === "lockstep" ? { ...context, inLockstep: true } : { ...context, inIndependent: true };
  return [place, ...entry.members.flatMap((member, at) => within(member, [...members, at], below))];
}

/** Every gate of the sequence. */
export function gatePlaces(sequence: Sequence): readonly GatePlace[] {
  const all = sequence.steps.flatMap(stepsBelow);
  const consistent = (sequence.consistentWhen ?? []).map(
    (gate, at): GatePlace => ({
      gate,
      path: ["consistentWhen", at],
      phase: "consistent",
      owner: "the sequence",
      applied: new Set(all.map((step) => step.name)),
      proves: all,
      inIndependent: false,
    }),
  );
  return [...places(sequence).flatMap(gatesAt), ...consistent];
}

function gatesAt(place: Place): GatePlace[] {
  const { entry, path, before, inIndependent } = place;
  const steps = stepsBelow(entry);
  const base = { owner: nameEntry(entry), entry, inIndependent, ...(isGroup(entry) ? {} : { step: entry }) };
  const ready = (entry.readyWhen ?? []).map(
    (gate, at): GatePlace => ({
      ...base,
      gate,
      path: [...path, "readyWhen", at],
      phase: "ready",
      applied: before,
      proves: [],
    }),
  );
  const applied = new Set([...before, ...steps.map((step) => step.name)]);
  const converged = (entry.convergedWhen ?? []).map(
    (gate, at): GatePlace => ({
      ...base,
      gate,
      path: [...path, "convergedWhen", at],
      phase: "converged",
      applied,
      proves: steps,
    }),
  );
  return [...ready, ...converged];
}

/** `step "app"`, `lockstep "regions"`, `a serial group`. */
export function nameEntry(entry: Entry): string {
  if (!isGroup(entry)) return `step "${entry.name}"`;
  return entry.name === undefined ? `a ${entry.kind} group` : `${entry.kind} "${entry.name}"`;
}
