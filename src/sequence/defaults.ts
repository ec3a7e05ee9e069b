/**
 * What holds where an author says nothing. The one place for these numbers, each with where it comes from.
 */
import { type GatePolicy, isWordProbe, type OnFailure } from "../gates/model.js";
import type { RetryRule } from "../plan/model.js";
import type { Gate, Step } from "./model.js";

export const DEFAULT_POLICY: GatePolicy = {
  /** Convergence means everywhere: the incident of one lagging region is what a gate is for. */
  quorum: "all",
  /** Kubernetes probes: `initialDelaySeconds` 0. */
  initialDelay: 0,
  /** Google Cloud and Azure load balancer health checks: every 5 s. */
  interval: 5_000,
  /** Kubernetes Deployments: `progressDeadlineSeconds` 600. */
  timeout: 600_000,
  /** Prometheus: `scrape_timeout` 10 s. Never longer than `timeout`. */
  requestTimeout: 10_000,
  /** Kubernetes probes: `successThreshold` 1. Propagation that flaps wants more, or `stableFor`. */
  consecutiveSuccessLimit: 1,
  stableFor: 0,
  dryRun: false,
  /** In doubt evo stops and says why; nothing has passed, and a resume measures on. `hold` is for gates that may take days. */
  onFailure: "halt",
  onError: "halt",
  onInconclusive: "halt",
  onTimeout: "halt",
};

/**
 * A gate that asks people: heard within a second, one rejection is enough, and whoever needs more than a day is waited
 * for on: it holds, and says so.
 */
export const WORD_POLICY = {
  interval: 1_000,
  timeout: 86_400_000,
  failureLimit: 1,
  onTimeout: "hold",
} as const satisfies Partial<GatePolicy>;

/**
 * How long an approval counts: a day. What would happen is compared with what was approved in any case; this is how long
 * somebody's judgement of the circumstances is taken to hold.
 */
export const DEFAULT_EXPIRY = 86_400_000;

/** Where `onFailure: "retry"` names no rule: one more try, soon enough for a passing fault of a cloud's API. */
export const DEFAULT_RETRY: RetryRule = { attempts: 2, backoff: 10_000 };

/** A gate's whole policy. `fallback` is the sequence's rule on failure; a gate takes it over where it could obey it. */
export function policyOf(gate: Gate, fallback: OnFailure | undefined): GatePolicy {
  const { name: _name, targets, accept: _accept, ...given } = gate;
  const onFailure = fallback === undefined || fallback === "retry" ? DEFAULT_POLICY.onFailure : fallback;
  const defaults = targets.some(({ probe }) => isWordProbe(probe))
    ? { ...DEFAULT_POLICY, ...WORD_POLICY }
    : DEFAULT_POLICY;
  const requestTimeout = Math.min(defaults.requestTimeout, given.timeout ?? defaults.timeout);
  return { ...defaults, requestTimeout, onFailure, ...given };
}

/** What happens when an operation of this step has failed: its own rule, else the sequence's. */
export function failureRuleOf(step: Step, fallback: OnFailure | undefined): OnFailure {
  return step.onFailure ?? (step.retry === undefined ? (fallback ?? "halt") : "retry");
}

/** How often a step is attempted: its own rule, else the default where it is to be retried at all. */
export function retryOf(step: Step, onFailure: OnFailure): RetryRule | undefined {
  return step.retry ?? (onFailure === "retry" ? DEFAULT_RETRY : undefined);
}
