/**
 * Why an entry came to be, or what followed from it: a part of the record's causality, drawn so that every entry stands
 * once. Causes form no tree (several looks follow from the same update), so an entry is put below the nearest one through
 * which all ways to it lead: below a boundary stand the gates and updates that it rests on, and where their ways meet
 * again the trunk goes on. Pure.
 */
import type { Entry } from "../run/ports.js";
import { describeEntry } from "./entry-line.js";
import { wrap } from "./text.js";

export type Direction = "causes" | "effects";

/** What `evo ledger why` found. */
export interface Why {
  readonly focus: Entry;
  readonly direction: Direction;
  /** All of it by number, the focus included. */
  readonly entries: readonly Entry[];
  /** There is more than was asked for. */
  readonly cut: boolean;
}

interface Branch {
  readonly entry: Entry;
  /** Nearest first. */
  readonly below: readonly Branch[];
  /** More than one entry shown leads here. */
  readonly joint: boolean;
}

/** The drawing, each line at most `width` wide where words allow it. */
export function describeWhy({ focus, direction, entries, cut }: Why, width: number): readonly string[] {
  const reading =
    direction === "causes" ? "each line follows from what stands below it" : "what stands below a line follows from it";
  const tree = treeOf(focus, entries, direction);
  const digits = Math.max(...entries.map(({ number }) => String(number).length));
  return [
    ...wrap(
      `${direction === "causes" ? "why" : "what followed from"} entry ${focus.number}${about(focus)}: ${reading}`,
      width,
      "  ",
    ),
    "",
    ...draw(tree, "", digits, width),
    ...(cut ? ["", "and more: --limit takes a greater number"] : []),
  ];
}

function about({ run, rehearsal }: Entry): string {
  return run === undefined ? "" : ` of run ${run}${rehearsal ? " (rehearsal)" : ""}`;
}

/** The same as data: numbers instead of lines. */
export function whyData({ focus, direction, entries, cut }: Why) {
  const shown = entries.map(({ text: _, previous: __, ledger: ___, ...entry }) => entry);
  return { focus: focus.number, direction, cut, entries: shown };
}

/** Dominators of an acyclic graph: in order, so that all that lead to an entry have their place before it. */
function treeOf(focus: Entry, entries: readonly Entry[], direction: Direction): Branch {
  const sign = direction === "causes" ? -1 : 1;
  const inOrder = [...entries].sort((a, b) => sign * (a.number - b.number));
  const leading = leadingTo(entries, direction);
  const parent = new Map<number, number>();
  const depth = new Map<number, number>([[focus.number, 0]]);
  for (const { number } of inOrder) {
    if (number === focus.number) continue;
    const ways = (leading.get(number) ?? []).filter((way) => depth.has(way));
    if (ways.length === 0) continue;
    const at = ways.reduce((a, b) => meeting(parent, depth, a, b));
    parent.set(number, at);
    depth.set(number, (depth.get(at) ?? 0) + 1);
  }
  return branchOf(focus, inOrder, parent, leading);
}

/** The entries that lead to each one: its effects when causes are asked for. */
function leadingTo(entries: readonly Entry[], direction: Direction): ReadonlyMap<number, readonly number[]> {
  const leading = new Map<number, number[]>();
  for (const { number, causes } of entries)
    for (const cause of causes) {
      const [from, to] = direction === "causes" ? [number, cause.number] : [cause.number, number];
      leading.set(to, [...(leading.get(to) ?? []), from]);
    }
  return leading;
}

function meeting(
  parent: ReadonlyMap<number, number>,
  depth: ReadonlyMap<number, number>,
  a: number,
  b: number,
): number {
  let [one, other] = [a, b];
  while (one !== other) {
    if ((depth.get(one) ?? 0) >= (depth.get(other) ?? 0)) one = parent.get(one) ?? other;
    else other = parent.get(other) ?? one;
  }
  return one;
}

function branchOf(
  focus: Entry,
  inOrder: readonly Entry[],
  parent: ReadonlyMap<number, number>,
  leading: ReadonlyMap<number, readonly number[]>,
): Branch {
  const children = new Map<number, Entry[]>();
  for (const entry of inOrder) {
    const above = parent.get(entry.number);
    if (above !== undefined) children.set(above, [...(children.get(above) ?? []), entry]);
  }
  const build = (entry: Entry): Branch => ({
    entry,
    joint: (leading.get(entry.number) ?? []).filter((way) => way === focus.number || parent.has(way)).length > 1,
    below: (children.get(entry.number) ?? []).map(build),
  });
  return build(focus);
}

/** A line and what hangs on it. The last branch goes on at the same depth where it is the only one or where ways meet. */
function draw({ entry, below }: Branch, indent: string, digits: number, width: number): readonly string[] {
  const last = below.at(-1);
  const trunk = last !== undefined && (below.length === 1 || last.joint) ? last : undefined;
  const side = trunk === undefined ? below : below.slice(0, -1);
  const head = `${indent}${String(entry.number).padStart(digits)}  `;
  const more = `${indent}${side.length > 0 ? "│" : " "}${" ".repeat(digits + 3)}`;
  return [
    ...folded(head + describeEntry(entry), width, more),
    ...side.flatMap((branch, at) => {
      const closes = trunk === undefined && at === side.length - 1;
      const lines = draw(branch, "", digits, width - indent.length - 3);
      return lines.map((line, n) => `${indent}${n === 0 ? (closes ? "╰─ " : "├─ ") : closes ? "   " : "│  "}${line}`);
    }),
    ...(trunk === undefined ? [] : draw(trunk, indent, digits, width)),
  ];
}

function folded(line: string, width: number, indent: string): readonly string[] {
  return wrap(line, Math.max(width, indent.length + 24), indent);
}
