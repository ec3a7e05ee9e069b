/**
 * Drift: what a look at the live system found, against what the ledger holds of earlier looks. Pure. The same drift is
 * one departure over many scans; it closes when a scan that could look doesn't find it, and reopens when it is back.
 */
import { digest } from "../canonical.js";
import type { Json } from "../gates/model.js";
import type { IgnoreRule } from "../plan/model.js";
import { isThere } from "./known.js";
import type { Departure, StackId, StackKnowledge } from "./model.js";
import { ignoredBy } from "./policy.js";

/** A property that differs. Values are shown only where they are known to be no secrets (invariant 11). */
export interface DriftedProperty {
  readonly path: string;
  readonly declared?: Json;
  readonly live?: Json;
}

/** A resource whose live state isn't what the engine's checkpoint says. */
export interface Drifted {
  readonly urn: string;
  readonly type: string;
  /** `gone`: it isn't there any more. */
  readonly op: "changed" | "gone";
  readonly properties: readonly DriftedProperty[];
}

export interface Ignored {
  readonly reason: string;
  readonly count: number;
}

/** What is left of a look once the ignore rules have been kept. */
export interface Kept {
  readonly drifted: readonly Drifted[];
  /** Properties (of a resource that is gone: resources) that were left out, by the rule's reason. */
  readonly ignored: readonly Ignored[];
}

/** Leaves out what the rules name; a resource of which nothing is left is not drifted. */
export function keep(found: readonly Drifted[], rules: readonly IgnoreRule[] | undefined, now: number): Kept {
  const ignored = new Map<string, number>();
  const leave = (rule: IgnoreRule | undefined): boolean => {
    if (rule === undefined) return false;
    ignored.set(rule.reason, (ignored.get(rule.reason) ?? 0) + 1);
    return true;
  };
  const drifted = found.flatMap((resource) => {
    if (resource.properties.length === 0) return leave(ignoredBy(rules, resource, undefined, now)) ? [] : [resource];
    const properties = resource.properties.filter(({ path }) => !leave(ignoredBy(rules, resource, path, now)));
    return properties.length === 0 ? [] : [{ ...resource, properties }];
  });
  return { drifted, ignored: [...ignored].map(([reason, count]) => ({ reason, count })) };
}

/** The same for the same drift: over the stack, the resource and the property paths, and over no value. */
export function fingerprintOf(stack: StackId, { urn, op, properties }: Drifted): string {
  return digest({ stack, urn, op, paths: properties.map(({ path }) => path).sort() });
}

/** A departure's id, from what makes it the same one. */
export function idOf(fingerprint: string): string {
  return `d-${fingerprint.slice(0, 10)}`;
}

export interface DriftNews {
  readonly detected: readonly { readonly id: string; readonly drifted: Drifted }[];
  readonly reopened: readonly { readonly departure: Departure; readonly drifted: Drifted }[];
  readonly closed: readonly Departure[];
  /** Departures that were there and still are: open, or accepted for a time that is not over. */
  readonly still: readonly Departure[];
  /** Where it is another than before: fingerprints of what had drifted before anybody looked. */
  readonly baseline?: readonly string[];
  /** How many were there before anybody looked. */
  readonly before: number;
}

/**
 * What a look that could look means. The first one at the live system of a stack that was there before evo is a
 * baseline: no departure, for as long as that drift stays as it was.
 */
export function driftNews(known: StackKnowledge, drifted: readonly Drifted[]): DriftNews {
  const found = drifted.map((resource) => ({ resource, fingerprint: fingerprintOf(known.stack, resource) }));
  const old = oldDrift(known, new Set(found.map((one) => one.fingerprint)));
  const departures = new Map(known.departures.filter(({ kind }) => kind === "drift").map((one) => [one.id, one]));
  const fresh = found.filter(({ fingerprint }) => !old.has(fingerprint));
  const ids = new Set(fresh.map(({ fingerprint }) => idOf(fingerprint)));
  const each = fresh.map(({ resource, fingerprint }) => ({
    id: idOf(fingerprint),
    drifted: resource,
    departure: departures.get(idOf(fingerprint)),
  }));
  return {
    detected: each.flatMap(({ id, drifted, departure }) => (departure === undefined ? [{ id, drifted }] : [])),
    reopened: each.flatMap(({ drifted, departure }) =>
      departure !== undefined && isBack(departure) ? [{ departure, drifted }] : [],
    ),
    closed: [...departures.values()].filter((departure) => isThere(departure) && !ids.has(departure.id)),
    still: each.flatMap(({ departure }) => (departure !== undefined && !isBack(departure) ? [departure] : [])),
    before: found.length - fresh.length,
    ...(old.size === known.liveBaseline?.fingerprints.length ? {} : { baseline: [...old] }),
  };
}

/** It was gone; or it was accepted for a time that is over. */
function isBack({ open, accepted }: Departure): boolean {
  return accepted === undefined ? !open : open;
}

/** What had drifted before evo first looked, and hasn't been away since. A stack that evo made had no before. */
function oldDrift(known: StackKnowledge, found: ReadonlySet<string>): ReadonlySet<string> {
  if (known.liveBaseline === undefined) return known.baseline?.exists === false ? new Set() : found;
  return new Set(known.liveBaseline.fingerprints.filter((fingerprint) => found.has(fingerprint)));
}
