/**
 * A sequence in two shapes. *Authored* is what a TypeScript module or a JSON file says: durations as texts, nested
 * lists, defaults left out. *Sequence* is its JSON form after validation: durations in milliseconds, lists as `serial`
 * groups, every probe naming its step. The digest is taken over that form.
 */
import type {
  AcknowledgedProbe,
  ApprovedProbe,
  CommandProbe,
  CustomProbe,
  GatePolicy,
  HttpProbe,
  Look,
  OnFailure,
  SettledProbe,
  StackOutputProbe,
  Target,
  Value,
} from "../gates/model.js";
import type {
  GroupKind,
  Notice,
  NotifyRule,
  OutOfBand,
  Recoverable,
  RecoveryRule,
  RecoveryStart,
  RetryRule,
  SequencePolicy,
  StepOptions,
  StepVerb,
} from "../plan/model.js";
import type { Accept } from "./accept.js";
import type { Duration } from "./duration.js";

// ------------------------------------------------------------------------------------------------------- Authored

type Authoring<Probe, Optional extends keyof Probe> = Omit<Probe, Optional> & Partial<Pick<Probe, Optional>>;

/** As HttpProbe, with `expect` (default: status 200) optional and latency as a duration. */
export interface AuthoredHttp extends Omit<HttpProbe, "expect"> {
  readonly expect?: Omit<HttpProbe["expect"], "latencyBelow"> & {
    /** The answer must have come within this time. */
    readonly latencyBelow?: Duration;
  };
}
/** Without a step: the step it is declared on. */
export type AuthoredStackOutput = Authoring<StackOutputProbe, "step">;
/** Without a step: the step it is declared on. */
export type AuthoredSettled = Authoring<SettledProbe, "step">;
/** As AcknowledgedProbe; one name may stand without its list. */
export interface AuthoredAcknowledged extends Omit<AcknowledgedProbe, "by"> {
  readonly by: string | readonly string[];
}
/** As ApprovedProbe. Defaults: one approval, good for a day. */
export interface AuthoredApproved extends Omit<ApprovedProbe, "by" | "count" | "expires"> {
  readonly by: string | readonly string[];
  readonly count?: number;
  readonly expires?: Duration;
}
/** What `http`, `stackOutput`, `settled`, `command` and `custom` make, and what lies in the gates of `acknowledged` and `approved`. */
export type AuthoredProbe =
  | AuthoredHttp
  | AuthoredStackOutput
  | AuthoredSettled
  | CommandProbe
  | CustomProbe
  | AuthoredAcknowledged
  | AuthoredApproved;

/** How a gate is measured and judged. Defaults: src/sequence/defaults.ts. */
export interface AuthoredPolicy {
  /** How many targets must have converged. Default: all. */
  readonly quorum?: GatePolicy["quorum"];
  /** Time before the first look. Default 0. */
  readonly initialDelay?: Duration;
  /** Time from look to look. Default 5s. */
  readonly interval?: Duration;
  /** Then the gate is inconclusive. Counts from the moment it could first be measured. Default 10m. */
  readonly timeout?: Duration;
  /** One look may take this long; then it is an error. Default 10s, or `timeout` where that is shorter. */
  readonly requestTimeout?: Duration;
  /** Passes in a row that each target needs. Default 1. */
  readonly consecutiveSuccessLimit?: number;
  /** Each target must have passed without a break for this long. Default 0. */
  readonly stableFor?: Duration;
  /** A target has failed at this many `fail` verdicts. Default: no limit, failing looks are waited out. */
  readonly failureLimit?: number;
  readonly consecutiveErrorLimit?: number;
  readonly inconclusiveLimit?: number;
  /** Measured and recorded, but holds nothing back. Default false. */
  readonly dryRun?: boolean;
  /** At `failureLimit`. Default halt. */
  readonly onFailure?: OnFailure;
  /** At `consecutiveErrorLimit`. Default halt. */
  readonly onError?: OnFailure;
  /** At `inconclusiveLimit`. Default halt. */
  readonly onInconclusive?: OnFailure;
  /** At `timeout`. Default halt. */
  readonly onTimeout?: OnFailure;
  /** Findings of `evo lint` that this gate may have, each with why. */
  readonly accept?: Accept;
}

export interface AuthoredGate extends AuthoredPolicy {
  readonly name: string;
  readonly targets: readonly { readonly name: string; readonly probe: AuthoredProbe }[];
}

/** What the author says of a step besides its name. */
export interface StepSpec extends StepOptions {
  /** Folder with the `Pulumi.yaml`, relative to the sequence file. */
  readonly dir: string;
  /** The stack's name, as given to `pulumi --stack`. */
  readonly stack: string;
  /** When an operation of this step has failed. Default: the sequence's, else halt; `retry` where a rule is given. */
  readonly onFailure?: OnFailure;
  readonly retry?: { readonly attempts: number; readonly backoff: Duration };
  /** Gates that must hold before it starts. */
  readonly readyWhen?: readonly AuthoredGate[];
  /** Gates that must hold before what follows starts. */
  readonly convergedWhen?: readonly AuthoredGate[];
  /** Findings of `evo lint` that this step may have, each with why. */
  readonly accept?: Accept;
}

export interface AuthoredStep extends StepSpec {
  readonly kind: StepVerb;
  readonly name: string;
}

/** What the author says of a group besides its name. */
export interface GroupSpec {
  readonly members: readonly AuthoredEntry[];
  /** Default for the steps and gates in it that don't say what to do on failure. Default: that of what is around it. */
  readonly onFailure?: OnFailure;
  readonly readyWhen?: readonly AuthoredGate[];
  /** Gates of the group as a whole, after its members' own. */
  readonly convergedWhen?: readonly AuthoredGate[];
  /** Findings of `evo lint` that this group and its members may have, each with why. */
  readonly accept?: Accept;
}

export interface LockstepSpec extends GroupSpec {
  /** How far apart the deciding looks may lie. Default: twice the longest interval of the gates. */
  readonly window?: Duration;
}

export interface AuthoredGroup extends LockstepSpec {
  readonly kind: GroupKind;
  readonly name?: string;
}

/** An entry as the builders take it; a nested list becomes a `serial` group without a name. */
export type AuthoredEntry = AuthoredStep | AuthoredGroup | readonly AuthoredEntry[];

/** Which sequence answers a failure. Every condition of `when` that is given must hold; the first rule that fits counts. */
export interface AuthoredRecovery {
  readonly name: string;
  readonly when?: {
    /** Where the run halted: steps, or groups and what is in them. */
    readonly at?: readonly string[];
    readonly cause?: readonly Recoverable[];
    /** One of these targets had not converged. */
    readonly targets?: readonly string[];
    /** Steps whose updates have all succeeded: what follows them may use the change already. */
    readonly applied?: readonly string[];
    /** Steps none of which can have had an effect. */
    readonly notApplied?: readonly string[];
  };
  /** The recovery's sequence file, relative to this one. */
  readonly sequence: string;
  /** at-once: whoever drives the run goes on with it. approved (default): it waits for a person's `evo recover`. */
  readonly start?: RecoveryStart;
}

/** A webhook that is told what happens; `url` and `secret` are read from the environment of whoever drives or serves. */
export interface AuthoredNotify {
  readonly url: Value;
  /** `whsec_…`, by https://www.standardwebhooks.com; never written here: `env("…")`. */
  readonly secret: Value;
  readonly on: readonly Notice[];
  /** How long a gate holds the run before that is told. Default 10m. */
  readonly heldFor?: Duration;
}

export interface SequenceSpec {
  readonly name: string;
  /** The team that answers for it. */
  readonly owner?: string;
  readonly description?: string;
  /** Module of the world that rehearses it, relative to the sequence file. */
  readonly world?: string;
  /** Default for steps and gates that don't say what to do on failure. Default halt. */
  readonly onFailure?: OnFailure;
  /** In order: an entry starts only after the entry before it has converged. */
  readonly steps: readonly AuthoredEntry[];
  /** Gates that must hold at the end of every run. */
  readonly consistentWhen?: readonly AuthoredGate[];
  /** What to do about changes that evo did not make; one word says it for all that lie in a planned order. */
  readonly outOfBand?: OutOfBand | SequencePolicy;
  /** What answers a failure; rules that say `recover` start it, `evo recover` does so for any halted run. */
  readonly recovery?: readonly AuthoredRecovery[];
  /** Webhooks that are told of this sequence's runs. */
  readonly notify?: readonly AuthoredNotify[];
  /** Findings of `evo lint` that the whole sequence may have, each with why. */
  readonly accept?: Accept;
}

export interface AuthoredSequence extends SequenceSpec {
  readonly version: 1;
}

// ------------------------------------------------------------------------------------------------ Custom probes

export interface CustomContext {
  readonly target: string;
  /** Aborts at the gate's `requestTimeout` and when the run stops. */
  readonly signal: AbortSignal;
}

/**
 * A custom probe as the run calls it: `input` is the JSON of the plan, already checked by the author's schema.
 * What it returns goes into the ledger: the author keeps secrets out of `observed` and `expected` (invariant 11).
 */
export type CustomLook = (input: unknown, context: CustomContext) => Promise<Look> | Look;

// ------------------------------------------------------------------------------------------------------- Sequence

/** A gate after validation; the plan fills in the defaults. */
export interface Gate extends Partial<GatePolicy> {
  readonly name: string;
  readonly targets: readonly Target[];
  readonly accept?: Accept;
}

interface EntryBase {
  readonly readyWhen?: readonly Gate[];
  readonly convergedWhen?: readonly Gate[];
  readonly accept?: Accept;
}

export interface Step extends EntryBase, StepOptions {
  readonly kind: StepVerb;
  readonly name: string;
  /** Relative to the root that the loader found; POSIX separators. */
  readonly dir: string;
  readonly stack: string;
  readonly onFailure?: OnFailure;
  readonly retry?: RetryRule;
}

export interface Group extends EntryBase {
  readonly kind: GroupKind;
  readonly name?: string;
  readonly members: readonly Entry[];
  readonly onFailure?: OnFailure;
  readonly window?: number;
}

export type Entry = Step | Group;

/** The JSON form of a valid sequence: `schema.ts` reads it back unchanged. Paths are relative to the loader's root. */
export interface Sequence {
  readonly version: 1;
  readonly name: string;
  readonly owner?: string;
  readonly description?: string;
  readonly world?: string;
  readonly onFailure?: OnFailure;
  readonly steps: readonly Entry[];
  readonly consistentWhen?: readonly Gate[];
  readonly outOfBand?: SequencePolicy;
  readonly recovery?: readonly RecoveryRule[];
  readonly notify?: readonly NotifyRule[];
  readonly accept?: Accept;
}

/** Whether an entry is a group. */
export function isGroup(entry: Entry): entry is Group {
  return "members" in entry;
}
