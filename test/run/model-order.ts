/**
 * The order of a sequence as its author wrote it: what is ahead of what, which gates end with which boundary. Derived from
 * the nesting alone, for the audit; it shares nothing with the compiler of plans.
 */
import type { Entry, Gate, Sequence } from "../../src/sequence/model.js";

/** A gate where its author put it. */
export interface Placed {
  readonly id: string;
  readonly gate: Gate;
  readonly phase: "ready" | "converged" | "consistent";
  readonly proves: readonly string[];
}

/** A step or a group, and what its place means. */
export interface Item {
  readonly name: string;
  readonly entry: Entry;
  readonly steps: readonly string[];
  readonly ready: readonly Placed[];
  /** What its boundary judges; of a lockstep group also the gates of whatever ends in it. */
  readonly closing: readonly Placed[];
  readonly window: number;
  /** Entries of ordered lists before it or before a group around it: open before anything in it starts. */
  readonly ahead: readonly string[];
  /** Groups around it, the outermost first. */
  readonly around: readonly string[];
  /** Its boundary is that of a lockstep group around it. */
  readonly merged: boolean;
  readonly members: readonly string[];
}

/** Every entry of a case has a name. */
export const nameOf = (entry: Entry): string => entry.name ?? "";

/** Names of the steps in an entry. */
export function stepsIn(entry: Entry): readonly string[] {
  return "members" in entry ? entry.members.flatMap(stepsIn) : [entry.name];
}

/** Gates with the ids by which entries name them. */
export function placed(
  gates: readonly Gate[] | undefined,
  phase: Placed["phase"],
  owner: string,
  proves: readonly string[],
) {
  const infix = phase === "ready" ? "ready/" : "";
  return (gates ?? []).map((gate): Placed => ({ id: `${owner}/${infix}${gate.name}`, gate, phase, proves }));
}

/** Gates that end with this entry, those of merged members included. */
function closingOf(entry: Entry, whole: boolean): readonly Placed[] {
  const own = placed(entry.convergedWhen, "converged", nameOf(entry), stepsIn(entry));
  if (!("members" in entry)) return own;
  if (!whole && entry.kind !== "lockstep") return own;
  const merged = entry.kind === "serial" ? entry.members.slice(-1) : entry.members;
  return [...own, ...merged.flatMap((member) => closingOf(member, true))];
}

/** Every entry of a sequence by its name. */
export function itemsOf(sequence: Sequence): ReadonlyMap<string, Item> {
  const items = new Map<string, Item>();
  function visit(entry: Entry, ahead: readonly string[], around: readonly string[], merged: boolean): void {
    const name = nameOf(entry);
    const ready = placed(entry.readyWhen, "ready", name, []);
    const closing = merged ? [] : closingOf(entry, false);
    const judged = [...ready, ...closing].map(({ gate }) => gate.interval ?? 0);
    const authored = "members" in entry ? entry.window : undefined;
    const members = "members" in entry ? entry.members : [];
    const window = authored ?? 2 * Math.max(0, ...judged);
    items.set(name, {
      name,
      entry,
      steps: stepsIn(entry),
      ready,
      closing,
      window,
      ahead,
      around,
      merged,
      members: members.map(nameOf),
    });
    if (!("members" in entry)) return;
    const inOne = merged || entry.kind === "lockstep";
    entry.members.forEach((member, at) => {
      const serial = entry.kind === "serial";
      const before = serial ? entry.members.slice(0, at).map(nameOf) : [];
      const last = at === entry.members.length - 1;
      visit(member, [...ahead, ...before], [...around, name], inOne && (!serial || last));
    });
  }
  sequence.steps.forEach((entry, at) => {
    visit(entry, sequence.steps.slice(0, at).map(nameOf), [], false);
  });
  return items;
}
