/**
 * What a gate is made of, as plain data: values that are resolved when they are needed, probes, targets, policy, and
 * the measurements that come of looking.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * A string that may have to be looked up at the moment of use. Looked-up values are never stored (invariant 11):
 * the plan and the ledger carry only the reference.
 */
export type Value =
  | string
  | { readonly $env: string }
  | { readonly $output: { readonly step: string; readonly path: string } }
  | { readonly $join: readonly Value[] };

/** How one observed scalar or JSON value is judged. Exactly one of the conditions is given. */
export interface Matcher {
  readonly equals?: Json;
  readonly oneOf?: readonly Json[];
  /** A regular expression (ECMAScript, flag `u`) that a string must match. */
  readonly matches?: string;
  readonly exists?: boolean;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** One place in a JSON body, in dotted form (`status.regions[0].state`), and what must be there. */
export interface JsonExpectation extends Matcher {
  readonly path: string;
  /** Show an unexpected string in the ledger. Off by default: a body may carry secrets (invariant 11). */
  readonly reveal?: boolean;
}

export interface HttpProbe {
  readonly type: "http";
  readonly url: Value;
  readonly method?: string;
  readonly headers?: { readonly [name: string]: Value };
  readonly body?: Value;
  readonly expect: {
    /** Default 200. */
    readonly status?: number | readonly number[];
    readonly headers?: { readonly [name: string]: Matcher };
    readonly json?: readonly JsonExpectation[];
    /** A JSON Schema (draft 2020-12) that the whole body must satisfy. */
    readonly schema?: Json;
    /** The answer must have come within this many milliseconds. */
    readonly latencyBelow?: number;
  };
}

/** An output of a step's stack, read from the engine's checkpoint. */
export interface StackOutputProbe extends Matcher {
  readonly type: "stackOutput";
  readonly step: string;
  readonly path: string;
  readonly reveal?: boolean;
}

/** A refresh preview of the step's stack shows nothing to do: live and declared agree. */
export interface SettledProbe {
  readonly type: "settled";
  readonly step: string;
}

/** Exit 0 passes, 1 fails, 75 (EX_TEMPFAIL, sysexits.h) is inconclusive, anything else is an error. */
export interface CommandProbe {
  readonly type: "command";
  readonly command: readonly [string, ...string[]];
  /** Relative to the sequence's folder, which is the default. */
  readonly cwd?: string;
  readonly env?: { readonly [name: string]: Value };
}

/** A function of the sequence's author, found by name in the sequence module at its recorded digest. */
export interface CustomProbe {
  readonly type: "custom";
  readonly name: string;
  readonly input?: Json;
}

/** Looks at the live system. */
export type LiveProbe = HttpProbe | StackOutputProbe | SettledProbe | CommandProbe | CustomProbe;

/** Somebody has been told, or has done what evo can't: their word that it is so (`evo ack`). */
export interface AcknowledgedProbe {
  readonly type: "acknowledged";
  /** Whose word is expected: `@team` or an actor as they claim to be. Who isn't in a list without teams is refused. */
  readonly by: readonly string[];
  readonly what: string;
}

/** Enough people have approved what is about to happen (`evo approve`), bound to the digests of plan and previews. */
export interface ApprovedProbe {
  readonly type: "approved";
  /** As in `AcknowledgedProbe`. */
  readonly by: readonly string[];
  /** How many different actors must have approved. */
  readonly count: number;
  /** Milliseconds that an approval counts after it was given. */
  readonly expires: number;
}

/** Asks for a word. It is judged from the run's own record, by nothing else. */
export type WordProbe = AcknowledgedProbe | ApprovedProbe;

export type ProbeSpec = LiveProbe | WordProbe;

/** Whether a probe asks people instead of looking at the live system. */
export function isWordProbe(probe: { readonly type: string }): probe is WordProbe {
  return probe.type === "acknowledged" || probe.type === "approved";
}

/** The one vocabulary of failure. `continue` is legal only inside `independent`. */
export type OnFailure = "halt" | "hold" | "retry" | "recover" | "continue";

/** All durations are milliseconds. A limit that is absent does not apply. */
export interface GatePolicy {
  /** How many targets must have converged. */
  readonly quorum: "all" | "any" | number;
  readonly initialDelay: number;
  readonly interval: number;
  /** From the moment the gate could first be measured; then it is inconclusive. */
  readonly timeout: number;
  readonly requestTimeout: number;
  /** Passes in a row that a target needs. */
  readonly consecutiveSuccessLimit: number;
  /** A target must have passed without a break for this long. */
  readonly stableFor: number;
  /** A target has failed at this many `fail` verdicts. */
  readonly failureLimit?: number;
  readonly consecutiveErrorLimit?: number;
  readonly inconclusiveLimit?: number;
  /** Measured and recorded, but holds nothing back. */
  readonly dryRun: boolean;
  readonly onFailure: OnFailure;
  readonly onError: OnFailure;
  readonly onInconclusive: OnFailure;
  readonly onTimeout: OnFailure;
}

export interface Target {
  readonly name: string;
  readonly probe: ProbeSpec;
}

export type Verdict = "pass" | "fail" | "inconclusive" | "error";

/** What a probe came back with. `observed` and `expected` are made fit to be stored by the probe (invariant 11). */
export interface Look {
  readonly verdict: Verdict;
  readonly observed: Json;
  readonly expected: Json;
  /** One line for a person, where observed and expected don't say it all. */
  readonly message?: string;
}

/** One look at one target. Times are milliseconds since the epoch, by evo's clock. */
export interface Measurement extends Look {
  /** Counts the measurements of this gate and target in this run, from 1. */
  readonly number: number;
  readonly began: number;
  readonly ended: number;
}
