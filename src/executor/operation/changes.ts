/** From what was seen of the engine to the change set that the ledger keeps: pure, no values (invariant 11). */
import type { ChangeSet, Diagnostic, ResourceChange } from "../../run/events.js";
import type { Seen } from "./journal.js";

type SeenStep = Seen & { kind: "step" };

/** Most diagnostics that one change set keeps; errors go first. */
const MOST_DIAGNOSTICS = 50;

export interface ChangeSetOptions {
  readonly engine: string;
  /** Milliseconds. */
  readonly duration: number;
}

/** What the phase did or would do. `seen` is one phase, in order. */
export function changeSet(seen: readonly Seen[], options: ChangeSetOptions): ChangeSet {
  const steps = seen.filter((one): one is SeenStep => one.kind === "step");
  const found = new Map(seen.filter((one) => one.kind === "done").map((one) => [one.urn, one.op]));
  const resources = steps.map((step) => resourceChange(step, found)).filter((change) => change.op !== "same");
  return {
    counts: counts(seen, steps, found),
    resources: distinct(resources),
    diagnostics: diagnostics(seen),
    engine: options.engine,
    providers: providers(steps),
    duration: options.duration,
  };
}

/** A refresh announces every resource as `refresh`; what it found comes with the step's end. */
function resourceChange(step: SeenStep, found: ReadonlyMap<string, string>): ResourceChange {
  const { urn, type, paths, replaces } = step;
  const op = step.op === "refresh" ? (found.get(urn) ?? "refresh") : step.op;
  return { urn, type, op, paths, replaces };
}

function counts(seen: readonly Seen[], steps: readonly SeenStep[], found: ReadonlyMap<string, string>) {
  const summary = seen.findLast((one) => one.kind === "summary");
  if (summary?.kind === "summary") return summary.counts;
  const told: { [op: string]: number } = {};
  for (const { op } of steps.map((step) => resourceChange(step, found))) told[op] = (told[op] ?? 0) + 1;
  return told;
}

/** Steps of a replacement come as several events of one resource; each op is told once. */
function distinct(changes: readonly ResourceChange[]): readonly ResourceChange[] {
  return [...new Map(changes.map((change) => [`${change.op} ${change.urn}`, change])).values()];
}

function diagnostics(seen: readonly Seen[]): readonly Diagnostic[] {
  const all = seen.filter((one) => one.kind === "diagnostic").map(({ kind: _, ...rest }) => rest);
  const inOrder = [...all.filter((one) => one.severity === "error"), ...all.filter((one) => one.severity !== "error")];
  return inOrder.slice(0, MOST_DIAGNOSTICS);
}

function providers(steps: readonly SeenStep[]): { readonly [name: string]: string } {
  const own = steps.filter((step) => step.type.startsWith("pulumi:providers:"));
  return Object.fromEntries(own.map((step) => [step.type.slice("pulumi:providers:".length), versionOf(step)]));
}

/** Default providers carry their version in their name (`default_7_48_0`) where the inputs don't. */
function versionOf(step: SeenStep): string {
  return step.version ?? /::default_(\d+)_(\d+)_(\d+)$/.exec(step.urn)?.slice(1).join(".") ?? "unknown";
}
