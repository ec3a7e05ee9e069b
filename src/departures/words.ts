/** Departures in words. Pure. */
import type { Entry } from "../run/ports.js";
import type { Changed, Origin, StackId } from "./model.js";
import type { Placed } from "./order.js";

/** Most resources that one sentence names. */
const NAMED = 3;

/** `out of sequence: identity was changed before step 1 by unknown: update, 1 created (Thing c)`. */
export function summaryOf(stack: StackId, placed: Placed, origin: Pick<Origin, "by">, what: string): string {
  const { place, step } = placed;
  if (step === undefined)
    return `${shortName(stack)} was changed outside of any planned order by ${origin.by}: ${what}`;
  const when = {
    early: `before step ${step.number}`,
    concurrent: `while step ${step.number} was under way`,
    after: `after step ${step.number} had converged`,
    unrelated: "",
  }[place];
  return `out of sequence: ${step.step} was changed ${when} by ${origin.by}: ${what}`;
}

/** The last two parts of a stack's name. */
export function shortName(stack: StackId): string {
  return stack.split("#").at(-1)?.split("/").slice(-2).join("/") ?? stack;
}

/** `update b (tags.team), delete c`; `undefined`: what it was before is not kept. */
export function changedText(changed: readonly Changed[] | undefined): string {
  if (changed === undefined) return "which resources is not known: what it was before is not kept";
  if (changed.length === 0) return "no resource or property differs (a changed secret looks so, too)";
  const named = changed.slice(0, NAMED).map(({ op, urn, paths }) => {
    const where =
      paths.length === 0 ? "" : ` (${paths.slice(0, NAMED).join(", ")}${paths.length > NAMED ? ", …" : ""})`;
    return `${op} ${urn.split("::").at(-1)}${where}`;
  });
  return `${named.join(", ")}${changed.length > NAMED ? ` and ${changed.length - NAMED} more` : ""}`;
}

/** The line of an entry of this folder; nothing for those of others. */
export function describeEntry({ type, body, stack }: Pick<Entry, "type" | "body" | "stack">): string | undefined {
  const name = stack === undefined ? "" : shortName(stack);
  switch (type) {
    case "stack.baselined":
      return body.of === "live"
        ? `${name}: first look at the live system: ${count(body.fingerprints)} differences, no departures`
        : `${name}: first contact${body.exists === true ? "" : ", not there yet"}`;
    case "update.observed":
      return `${name}: update by ${String(body.writer)}, a declared writer`;
    case "departure.detected":
      return `${String(body.id)}: ${String(body.summary)}`;
    case "departure.closed":
      return `${String(body.id)}: closed: ${String(body.how)}`;
    case "departure.reconciled":
      return `${String(body.id)}: ${String(body.how)}: ${String(body.reason)}`;
    case "departure.reopened":
      return `${String(body.id)}: is back: ${String(body.summary)}`;
    case "schedule.added":
      return `${String(body.name)}: scans at "${String(body.cron)}" (${String(body.timezone)})`;
    case "schedule.removed":
      return `${String(body.name)}: scans no longer${typeof body.reason === "string" ? `: ${body.reason}` : ""}`;
    case "scan.ordered":
      return `${String(body.schedule)}: ${typeof body.why === "string" ? body.why : `${count(body.stacks)} stacks are due`}`;
    case "drift.scanned":
      return `${name}: ${String(body.result)}${typeof body.why === "string" ? `: ${body.why}` : ""}`;
    default:
      return undefined;
  }
}

function count(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}
