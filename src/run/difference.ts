/**
 * What two previews of a step have in common: what would be done to which resource, without what changes by itself from
 * one preview to the next (diagnostics, durations, versions). An approval is bound to this and to nothing else. Pure.
 */
import { digest } from "../canonical.js";
import type { ChangeSet, ResourceChange } from "./events.js";

/** sha256 over the normalised change set. */
export function previewDigest(changes: ChangeSet): string {
  return digest(normalised(changes));
}

/** Each resource with its op once, in one order; paths are sets. */
function normalised({ resources }: ChangeSet): readonly ResourceChange[] {
  return resources
    .map(({ urn, type, op, paths, replaces }) => ({ urn, type, op, paths: sorted(paths), replaces: sorted(replaces) }))
    .sort((a, b) => compare(keyOf(a), keyOf(b)));
}

function sorted(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)].sort(compare);
}

/** By code units: the same order on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function keyOf({ urn, op }: ResourceChange): string {
  return `${urn} ${op}`;
}

/**
 * The difference in words, a line each: `+ create Topic orders` would happen now and was not approved, `- no longer
 * update Topic orders` was approved and would not happen, `~ update Topic orders: name, tags instead of name`. Empty
 * where the digests are the same.
 */
export function differenceOf(approved: ChangeSet, now: ChangeSet): readonly string[] {
  const before = new Map(normalised(approved).map((change) => [keyOf(change), change]));
  const after = new Map(normalised(now).map((change) => [keyOf(change), change]));
  return [
    ...[...after].filter(([key]) => !before.has(key)).map(([, change]) => `+ ${change.op} ${nameOf(change)}`),
    ...[...before].filter(([key]) => !after.has(key)).map(([, change]) => `- no longer ${change.op} ${nameOf(change)}`),
    ...[...after].flatMap(([key, change]) => changedPaths(before.get(key), change)),
  ];
}

function changedPaths(before: ResourceChange | undefined, now: ResourceChange): readonly string[] {
  if (before === undefined || digest(before) === digest(now)) return [];
  const was = pathsOf(before);
  return [`~ ${now.op} ${nameOf(now)}: ${pathsOf(now)} instead of ${was}`];
}

function pathsOf({ paths, replaces }: ResourceChange): string {
  const changed = paths.length === 0 ? "no property" : paths.join(", ");
  return replaces.length === 0 ? changed : `${changed} (replaced because of ${replaces.join(", ")})`;
}

/** `UserGroup order-approver`: the last word of its type and its name in the program. */
export function nameOf({ urn, type }: Pick<ResourceChange, "urn" | "type">): string {
  return `${type.split(/[:/]/).at(-1)} ${urn.split("::").at(-1)}`;
}
