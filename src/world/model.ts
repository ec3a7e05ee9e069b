/**
 * What a world is made of, as its author declares it and as its endpoints see it. All durations are milliseconds, all
 * times milliseconds since the epoch.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Properties = { readonly [key: string]: Json };

/** From, to (both included), in milliseconds. */
export type Range = readonly [min: number, max: number];

export interface Region {
  /** Nodes behind the region's one address; each converges separately. At least 5. */
  readonly edges: number;
}

/**
 * How long a change of certain resources takes to arrive at the edges. The first rule whose `types` match counts; what
 * no rule names arrives at once. Within a region the edges spread over the whole range: one is always early, one late.
 */
export interface Propagation {
  /** A type token (`aws:lambda/function:Function`), or its beginning followed by `*`. */
  readonly types: string;
  /** `region`: only to edges of the resource's own region. Default `everywhere`. */
  readonly reach?: "everywhere" | "region";
  readonly delay: Range;
  /** Other ranges for some regions. */
  readonly regions?: { readonly [region: string]: Range };
}

/** A resource as it has arrived at one edge. Secrets are plain here: this is the inside of the simulated cloud. */
export interface Resource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly project: string;
  readonly stack: string;
  readonly id: string;
  readonly region: string | undefined;
  readonly properties: Properties;
}

/** What one edge knows: the newest version of each resource that has propagated to it. */
export interface EdgeView {
  readonly region: string;
  readonly edge: string;
  readonly resources: readonly Resource[];
  /** The first resource of that type, by its name in the program where one is given. */
  find(type: string, name?: string): Resource | undefined;
}

export interface EndpointRequest {
  readonly method: string;
  /** Path and query, as requested. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string };
}

export interface Answer {
  readonly status: number;
  readonly headers?: { readonly [name: string]: string };
  /** Sent as JSON. */
  readonly body?: Json;
}

/** The address of a region: every answer follows from what has propagated to the edge that got the request. */
export type Endpoint = (edge: EdgeView, request: EndpointRequest) => Answer;

/** Whom a fault is for, and when it holds. */
interface FaultBase {
  /** Only these resources, as in a propagation rule; default all. */
  readonly types?: string;
  /** Only resources of these stacks, as `<project>/<stack>`; default all. */
  readonly stacks?: readonly string[];
  /** From when, milliseconds since the epoch; default: when it is set. Earlier: also what was changed since. */
  readonly from?: number;
  /** Until when; default: until it is lifted. */
  readonly until?: number;
}

/** A fault of what arrives at a region's edges. */
interface ArrivalFault extends FaultBase {
  readonly region: string;
  /** Only this edge (`eu-west-1/3`); default all of the region. */
  readonly edge?: string;
}

/** Changes that would arrive at these edges while it lasts don't arrive. */
export interface NeverConverges extends ArrivalFault {
  readonly kind: "never-converges";
}

/** What has been changed while it lasts is seen at these edges, and is not, in turn; it begins by not being seen. */
export interface Flaps extends ArrivalFault {
  readonly kind: "flaps";
  /** Milliseconds. */
  readonly shown: number;
  readonly hidden: number;
}

/** The provider refuses to make, change or delete these resources. */
export interface Fails extends FaultBase {
  readonly kind: "fails";
}

/** What goes wrong. */
export type Fault = NeverConverges | Flaps | Fails;

/** A fault with the time from which it holds; `until` is set once it has been lifted. */
export type StandingFault = Fault & {
  readonly from: number;
  /** When it was set: a flapping fault's turns count from then. */
  readonly began: number;
};

/** What ordinary users do all the time: failed requests of theirs are what a rehearsal of failure counts. */
export interface UsersTraffic {
  /** Path and query that users ask every region for. */
  readonly path: string;
  /** Requests a second in each region. Default 10. */
  readonly perSecond?: number;
  /** How many users take turns. Default 7. */
  readonly users?: number;
}

/** What a rehearsal takes where the real thing is out of its reach. Values are made up: real secrets have no place here. */
export interface StandIns {
  /** Outputs of stacks that the sequence refers to and doesn't bring, by `<project>/<stack>`. */
  readonly stacks?: { readonly [stack: string]: Properties };
  /** Encrypted settings, by `<project>/<stack>` and key; within a structure its path: `app:list[0].password`. */
  readonly config?: { readonly [stack: string]: { readonly [key: string]: Json } };
  /** Outputs that the cloud would compute, by type token: on top of what the world knows. */
  readonly outputs?: { readonly [type: string]: Properties };
  /** What functions answer, by token: `aws:ec2/getVpc:getVpc`. */
  readonly invokes?: { readonly [token: string]: Properties };
  /** Which region's address stands for an origin that gates ask: `https://api.example.com`. */
  readonly addresses?: { readonly [origin: string]: string };
  /** Variables that gates and steps read with `env(...)`. */
  readonly env?: { readonly [name: string]: string };
}

export interface WorldSpec {
  readonly name: string;
  /** What the world's chances follow from; a rehearsal may choose another. Default 1. */
  readonly seed?: number;
  /** Packages served by the simulated provider. Default aws and kubernetes. */
  readonly packages?: readonly string[];
  readonly regions: { readonly [name: string]: Region };
  readonly propagation: readonly Propagation[];
  readonly endpoint: Endpoint;
  /** Faults that hold from the beginning. */
  readonly faults?: readonly Fault[];
  /** What users do while failures are rehearsed. Default: they ask every region for `/`. */
  readonly traffic?: UsersTraffic;
  readonly standIns?: StandIns;
}

/** A validated world. */
export interface WorldDefinition extends Required<WorldSpec> {
  readonly traffic: Required<UsersTraffic>;
}
