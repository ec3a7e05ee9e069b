/** The world's own log in words: a line for each thing that happened. Pure. */
import { describeFault } from "./fault.js";
import type { WorldEntry } from "./log.js";
import { partsOf } from "./propagation.js";

/** One line, its time in UTC first. */
export function describeWorldEntry(entry: WorldEntry): string {
  return `${new Date(entry.at).toISOString().slice(0, 23)}Z  ${said(entry)}`;
}

function said(entry: WorldEntry): string {
  switch (entry.type) {
    case "world.started":
      return `the world started, seed ${entry.seed}, pace ${entry.pace}`;
    case "world.ended":
      return `the world's process ended: ${entry.reason}`;
    case "provider.called":
      return `${entry.op} ${entry.resource}${entry.urn === undefined ? "" : ` ${placed(entry.urn)}`}`;
    case "provider.failed":
      return `${entry.op} ${entry.resource} ${placed(entry.urn)}: refused, a fault`;
    case "change.taken":
      return `${placed(entry.urn)}: change ${entry.number} taken, ${arrives(entry.at, Object.values(entry.due))}`;
    case "console.changed":
      return `${placed(entry.urn)}: ${entry.op} in the console, past every engine`;
    case "fault.began":
      return `fault: ${describeFault(entry.fault)}`;
    case "faults.lifted":
      return "all faults lifted";
    case "requests.answered":
      return `${entry.region} answered ${answers(entry.answers)}`;
  }
}

function placed(urn: string): string {
  const { project, stack, name } = partsOf(urn);
  return `${name} (${project}/${stack})`;
}

function arrives(at: number, due: readonly number[]): string {
  if (due.length === 0) return "goes to no edge";
  const [first, last] = [Math.min(...due) - at, Math.max(...due) - at];
  return last === 0 ? "there at once" : `at the edges after ${first} to ${last} ms`;
}

function answers(byEdge: { readonly [edge: string]: { readonly [status: string]: number } }): string {
  const counts = new Map<string, number>();
  for (const statuses of Object.values(byEdge))
    for (const [status, count] of Object.entries(statuses)) counts.set(status, (counts.get(status) ?? 0) + count);
  return [...counts].map(([status, count]) => `${count} times ${status}`).join(", ");
}
