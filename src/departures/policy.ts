/** What a sequence's policy means: what to do about a change that evo did not make, who may write, what is left out. */
import type { IgnoreRule, OutOfBand, SequencePolicy, Writer } from "../plan/model.js";
import type { BackendUpdate, Place, StackId } from "./model.js";

/** What is to be done about a departure at this place. Default: halt, and record what has no planned order. */
export function ruleFor(policy: SequencePolicy | undefined, place: Place): OutOfBand {
  return place === "unrelated" ? (policy?.unrelated ?? "record") : (policy?.departures ?? "halt");
}

/** The declared writer that made an update, if one did. */
export function writerOf(
  policy: SequencePolicy | undefined,
  stack: StackId,
  update: Pick<BackendUpdate, "ended" | "noted">,
): Writer | undefined {
  return policy?.writers?.find(
    (writer) =>
      Object.entries(writer.noted).every(([name, value]) => update.noted[name] === value) &&
      (writer.stacks === undefined || writer.stacks.some((name) => means(name, stack))) &&
      within(writer, update.ended),
  );
}

function within({ from, until }: { readonly from?: string; readonly until?: string }, at: number): boolean {
  return (from === undefined || at >= Date.parse(from)) && (until === undefined || at < Date.parse(until));
}

/** Whether a name is a stack's identity or the end of it from a `/` or `#` on. */
export function means(name: string, stack: StackId): boolean {
  return stack === name || stack.endsWith(`/${name}`) || stack.endsWith(`#${name}`);
}

/** The rule that leaves this property of a resource out (`undefined`: the resource as a whole), if there is one now. */
export function ignoredBy(
  rules: readonly IgnoreRule[] | undefined,
  resource: { readonly urn: string; readonly type: string },
  property: string | undefined,
  now: number,
): IgnoreRule | undefined {
  return rules?.find(
    (rule) =>
      within({ ...(rule.until === undefined ? {} : { until: rule.until }) }, now) &&
      (rule.type === undefined || matches(rule.type, resource.type)) &&
      (rule.resource === undefined || [resource.urn, resource.urn.split("::").at(-1)].includes(rule.resource)) &&
      (rule.property === undefined || (property !== undefined && matchesPath(rule.property, property))),
  );
}

function matches(pattern: string, text: string): boolean {
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

/** A path means everything below it, too. */
function matchesPath(pattern: string, path: string): boolean {
  return matches(pattern, path) || (path.startsWith(pattern) && /^[.[]/.test(path.slice(pattern.length)));
}
