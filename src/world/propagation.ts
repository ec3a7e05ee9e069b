/**
 * When a change has arrived where: pure functions of the declaration, the seed and the times. An update that returned
 * has been applied; it has converged at an edge only when its delay there is over.
 */
import { chance, shuffled } from "./chance.js";
import type {
  EdgeView,
  Fails,
  Fault,
  Propagation,
  Properties,
  Resource,
  StandingFault,
  WorldDefinition,
} from "./model.js";
import { plainProperties } from "./values.js";

/** One version of a resource, as the cloud's control plane took it. */
export interface Version {
  readonly urn: string;
  readonly type: string;
  readonly id: string;
  readonly region?: string;
  /** Counts the changes of this URN, from 1. */
  readonly number: number;
  readonly at: number;
  /** As the engine sees them, secrets marked. Absent: the resource was deleted. */
  readonly properties?: Properties;
  readonly inputs?: Properties;
}

/** A version and when it is due at each edge that it goes to. */
export interface Placed extends Version {
  readonly due: ReadonlyMap<string, number>;
  /** As edges see it; absent: deleted. */
  readonly resource: Resource | undefined;
}

/** What chances depend on: the declaration, the seed chosen for this rehearsal, and a factor for all delays. */
export interface Chances {
  readonly definition: WorldDefinition;
  readonly seed: number;
  /** 1 = as declared; 0.2 = five times as fast. */
  readonly pace: number;
}

/** The edges of a region, by name: `eu-west-1/1`, … */
export function edgesOf(definition: WorldDefinition, region: string): readonly string[] {
  return Array.from({ length: definition.regions[region]!.edges }, (_, at) => `${region}/${at + 1}`);
}

/** Whether a type token is the one named, or begins as a pattern that ends in `*` says. */
export function matchesType(pattern: string, type: string): boolean {
  return pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

/** The delay of one version at one edge; undefined where it never goes (another region's resource). */
export function delayAt(chances: Chances, version: Version, region: string, edge: string): number | undefined {
  const rule = chances.definition.propagation.find(({ types }) => matchesType(types, version.type));
  if (rule === undefined) return 0;
  if (rule.reach === "region" && version.region !== region) return undefined;
  return Math.round(spread(chances, rule, version, region, edge) * chances.pace);
}

/** Edges keep their rank for all resources: a slow one is slow for everything, and some edge is always among the last. */
function spread(chances: Chances, rule: Propagation, version: Version, region: string, edge: string): number {
  const edges = edgesOf(chances.definition, region);
  const [min, max] = rule.regions?.[region] ?? rule.delay;
  const rank = ranksOf(chances, region)[edges.indexOf(edge)]!;
  const within = chance(chances.seed, "delay", version.urn, version.number, edge);
  return min + ((rank + within) / edges.length) * (max - min);
}

const ranks = new WeakMap<Chances, Map<string, readonly number[]>>();

/** The ranks of a region's edges, reckoned once for each world. */
function ranksOf(chances: Chances, region: string): readonly number[] {
  const known = ranks.get(chances) ?? new Map<string, readonly number[]>();
  ranks.set(chances, known);
  const found = known.get(region) ?? shuffled(chances.definition.regions[region]!.edges, chances.seed, "rank", region);
  known.set(region, found);
  return found;
}

/** A version with the time at which it is due at every edge that it goes to. */
export function place(chances: Chances, version: Version): Placed {
  const due = new Map<string, number>();
  for (const region of Object.keys(chances.definition.regions)) {
    for (const edge of edgesOf(chances.definition, region)) {
      const delay = delayAt(chances, version, region, edge);
      if (delay !== undefined) due.set(edge, version.at + delay);
    }
  }
  return { ...version, due, resource: resourceOf(version) };
}

/** When a version arrives at an edge, faults considered; undefined: never, as things stand. */
export function arrival(faults: readonly StandingFault[], version: Placed, region: string, edge: string) {
  const due = version.due.get(edge);
  return due === undefined ? undefined : heldBack(faults, version, region, edge, due);
}

/** A fault keeps back what would have arrived while it stood; once it is lifted, that arrives at once. */
function heldBack(faults: readonly StandingFault[], version: Version, region: string, edge: string, due: number) {
  const standing = faults.filter(
    (fault) =>
      fault.kind === "never-converges" &&
      holdsFor(fault, version, region, edge) &&
      fault.from <= due &&
      due < (fault.until ?? Number.POSITIVE_INFINITY),
  );
  if (standing.some(({ until }) => until === undefined)) return undefined;
  return Math.max(due, ...standing.map(({ until }) => until!));
}

/** What was changed while a flapping fault stands is seen in turns. */
function isHidden(faults: readonly StandingFault[], version: Version, region: string, edge: string, now: number) {
  return faults.some((fault) => {
    if (fault.kind !== "flaps" || !holdsFor(fault, version, region, edge)) return false;
    if (version.at < fault.from || now >= (fault.until ?? Number.POSITIVE_INFINITY)) return false;
    return (now - fault.began) % (fault.shown + fault.hidden) < fault.hidden;
  });
}

function holdsFor(fault: Exclude<Fault, Fails>, version: Version, region: string, edge: string): boolean {
  const here = fault.region === region && (fault.edge === undefined || fault.edge === edge);
  return here && concerns(fault, version);
}

/** Whether a fault is about this resource at all. */
export function concerns({ types, stacks }: Fault, { urn, type }: Pick<Version, "urn" | "type">): boolean {
  const { project, stack } = partsOf(urn);
  return (
    (types === undefined || matchesType(types, type)) &&
    (stacks === undefined || stacks.includes(`${project}/${stack}`))
  );
}

/** What has arrived at an edge by now: of each resource the newest version that did. */
export function viewOf(
  faults: readonly StandingFault[],
  versions: readonly Placed[],
  region: string,
  edge: string,
  now: number,
): EdgeView {
  const newest = new Map<string, Placed>();
  for (const version of versions) {
    const at = arrival(faults, version, region, edge);
    const arrived = at !== undefined && at <= now && !isHidden(faults, version, region, edge, now);
    if (arrived && version.number > (newest.get(version.urn)?.number ?? 0)) newest.set(version.urn, version);
  }
  return edgeView(
    region,
    edge,
    [...newest.values()].flatMap(({ resource }) => resource ?? []),
  );
}

function resourceOf(version: Version): Resource | undefined {
  if (version.properties === undefined) return undefined;
  const { urn, type, id, region } = version;
  return { urn, type, id, region, properties: plainProperties(version.properties), ...partsOf(urn) };
}

/** An edge's view over resources that are known already. */
export function edgeView(region: string, edge: string, resources: readonly Resource[]): EdgeView {
  const find = (type: string, name?: string) =>
    resources.find((resource) => resource.type === type && (name === undefined || resource.name === name));
  return { region, edge, resources, find };
}

/** Project, stack and name out of `urn:pulumi:<stack>::<project>::<type>::<name>`. */
export function partsOf(urn: string): { readonly stack: string; readonly project: string; readonly name: string } {
  const [head = "", project = "", , ...name] = urn.split("::");
  return { stack: head.slice("urn:pulumi:".length), project, name: name.join("::") };
}

/** The resource's own type: the last of the chain of its parents' types in the URN. */
export function typeOf(urn: string): string {
  return urn.split("::")[2]!.split("$").at(-1)!;
}
