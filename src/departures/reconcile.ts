/**
 * Reconciling a departure: what closes it, and the one-step sequence that it is done by. A sequence like any other, so
 * leases, intent, preview, gates and ledger come with it; its name and description say what it reconciles and why. Pure.
 */
import type { Json } from "../gates/model.js";
import type { StepNode } from "../plan/model.js";
import type { Entry, NewEntry } from "../run/ports.js";
import type { RunState } from "../run/state.js";
import type { Sequence, Step } from "../sequence/model.js";
import type { Departure } from "./model.js";

/** adopt: the live system becomes declared. revert: what is declared is applied again. */
export type Means = "adopt" | "revert";

const PREFIX = "reconcile-";
const STACK_TYPE = "pulumi:pulumi:Stack";

/** Resources that an entry says were changed: nothing else is touched. Unknown: `undefined`. */
export function changedIn({ body }: Pick<Entry, "body">): readonly string[] | undefined {
  const { drifted, changed, resources } = body;
  if (isRecord(drifted)) return [String(drifted.urn)];
  if (!Array.isArray(changed) || changed.length === 0 || changed.length !== resources) return undefined;
  const touched = changed.filter((one) => isRecord(one) && one.type !== STACK_TYPE);
  return touched.map((one) => String((one as { readonly urn: string }).urn));
}

function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export interface Reconciling {
  readonly means: Means;
  readonly departure: Departure;
  /** Only these resources; all of the stack where that isn't known. */
  readonly targets: readonly string[] | undefined;
  readonly reason: string;
  /** A person's word that the update may delete or replace resources. */
  readonly mayDestroy: boolean;
}

/** The sequence that does it through a step of another: with the step's own gates, and with nothing else changed. */
export function reconcilingSequence(of: Sequence, step: Step, what: Reconciling): Sequence {
  const { departure, means, reason, targets } = what;
  const { replace: _, targets: __, expectNoChanges: ___, ...kept } = step;
  const only = targets === undefined || targets.length === 0 ? {} : { targets };
  const done = means === "adopt" ? { ...kept, kind: "refresh" as const } : { ...kept, ...revertOptions(what) };
  return {
    version: 1,
    name: `${PREFIX}${departure.id}`,
    description: reason,
    ...(of.owner === undefined ? {} : { owner: of.owner }),
    ...(of.world === undefined ? {} : { world: of.world }),
    ...(of.outOfBand === undefined ? {} : { outOfBand: of.outOfBand }),
    steps: [{ ...done, ...only }],
  };
}

/** The engine's state says what is declared also where the live system doesn't: only a refresh makes the difference seen. */
function revertOptions({ departure, mayDestroy }: Reconciling) {
  return { ...(departure.kind === "drift" ? { refresh: true } : {}), ...(mayDestroy ? {} : { expectNoDeletes: true }) };
}

/** The departure that a run reconciles, by its own word; nothing for any other run. */
export function reconciledBy({ started }: RunState): { readonly id: string; readonly means: Means } | undefined {
  const { name } = started.plan.sequence;
  const [step] = started.plan.nodes.filter((node): node is StepNode => node.kind === "step");
  if (!name.startsWith(PREFIX) || step === undefined) return undefined;
  return { id: name.slice(PREFIX.length), means: step.verb === "refresh" ? "adopt" : "revert" };
}

export interface Reconciled {
  readonly at: number;
  /** `adopted`, `reverted`, `accepted until …`. */
  readonly how: string;
  readonly reason: string;
  /** ISO 8601, of an acceptance. */
  readonly until?: string;
  /** The run that did it, and its newest entry. */
  readonly run?: { readonly run: string; readonly last: number };
}

/** The entry that closes a departure. */
export function reconciledEntry(departure: Departure, { run, ...said }: Reconciled): NewEntry {
  const { id, stack, rehearsal, sequence, step } = departure;
  return {
    type: "departure.reconciled",
    stack,
    rehearsal,
    ...(sequence === undefined ? {} : { sequence }),
    ...(step === undefined ? {} : { step }),
    causes: [departure.last, ...(run === undefined ? [] : [run.last])],
    body: { id, ...said, ...(run === undefined ? {} : { by: run.run }) },
  };
}
