/**
 * Invariant 10, no surprise destruction, as pure functions over what was seen of a preview and of its update.
 * Where the rules come from: trials in which a program that ran, but registered nothing (a module cached, another copy
 * of the SDK), made the engine delete every resource of the stack without an error.
 */

/** One step that the engine announced. */
export interface Step {
  readonly urn: string;
  readonly type: string;
  readonly op: string;
}

const STACK = "pulumi:pulumi:Stack";
const DELETES = new Set(["delete", "delete-replaced", "discard", "discard-replaced", "remove-pending-replace"]);
const REPLACES = new Set([
  "replace",
  "create-replacement",
  "delete-replaced",
  "read-replacement",
  "import-replacement",
]);
/** Ops of resources that the program did not register; a refresh looks at what the state holds. */
const UNREGISTERED = new Set([...DELETES, "refresh"]);

function isOwn(step: Step): boolean {
  return step.type !== STACK && !step.type.startsWith("pulumi:providers:");
}

/** The engine registers it for the resources and calls that need it, and drops it with them: nothing is destroyed by that. */
function isDefaultProvider({ type, urn }: Step): boolean {
  return type.startsWith("pulumi:providers:") && /::default(_[^:]*)?$/.test(urn);
}

/** URNs that the program registered. */
export function registered(steps: readonly Step[]): ReadonlySet<string> {
  const own = steps.filter((step) => !UNREGISTERED.has(step.op) && !isDefaultProvider(step));
  return new Set(own.map((step) => step.urn));
}

/**
 * Why an `up` must not go on from its preview; undefined when it may. Refused: a program that registered no resource
 * besides the stack (and providers), while the engine would therefore delete some.
 */
export function previewRefusal(steps: readonly Step[]): string | undefined {
  if (steps.some((step) => isOwn(step) && !UNREGISTERED.has(step.op))) return undefined;
  const doomed = steps.filter((step) => isOwn(step) && step.op === "delete");
  if (doomed.length === 0) return undefined;
  return (
    `the program registered no resource, so the update would delete all ${doomed.length} of the stack ` +
    `(${listed(doomed.map((step) => step.urn))}); to empty a stack use a destroy step`
  );
}

/** Why an `up` that was told to delete nothing must not go on from its preview; a replacement deletes, too. */
export function deleteRefusal(steps: readonly Step[]): string | undefined {
  const doomed = steps
    .filter((step) => isOwn(step) && (DELETES.has(step.op) || REPLACES.has(step.op)))
    .map((step) => step.urn);
  if (doomed.length === 0) return undefined;
  return `it was told to delete nothing, and would delete or replace ${listed([...new Set(doomed)])}`;
}

/** URNs that the preview showed as kept and that the update's program did not register: the engine would delete them. */
export function droppedSince(preview: readonly Step[], update: readonly Step[]): readonly string[] {
  const now = registered(update);
  const created = new Set(preview.filter((step) => step.op === "create").map((step) => step.urn));
  return [...registered(preview)].filter((urn) => !now.has(urn) && !created.has(urn));
}

/** Why an update must not be let into its deletions; undefined when it may. */
export function dropRefusal(dropped: readonly string[]): string | undefined {
  if (dropped.length === 0) return undefined;
  return (
    `the update's program did not register ${dropped.length} resource(s) that its preview showed as kept, ` +
    `so the engine would delete them (${listed(dropped)})`
  );
}

/** Why a step that the update has just announced must be stopped; undefined when the preview showed it. */
export function surpriseIn(preview: readonly Step[], step: Step): string | undefined {
  if ((!DELETES.has(step.op) && !REPLACES.has(step.op)) || isDefaultProvider(step)) return undefined;
  const shown = preview.filter((candidate) => candidate.urn === step.urn).map((candidate) => candidate.op);
  if (REPLACES.has(step.op) ? shown.some((op) => REPLACES.has(op)) : shown.some((op) => DELETES.has(op)))
    return undefined;
  // A resource whose replacement was shown is deleted under its URN, whatever word the engine has for it.
  if (DELETES.has(step.op) && shown.some((op) => REPLACES.has(op))) return undefined;
  const before = shown.length === 0 ? "nothing" : [...new Set(shown)].join(", ");
  return `the update began to ${step.op} ${step.urn}, for which its preview showed ${before}`;
}

function listed(urns: readonly string[]): string {
  const names = urns.slice(0, 5).map((urn) => urn.split("::").slice(-2).join("::"));
  return urns.length > 5 ? `${names.join(", ")} and ${urns.length - 5} more` : names.join(", ");
}
