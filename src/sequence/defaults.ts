/**
 * What holds where an author says nothing. The one place for these numbers, each with where it comes from.
 */
import type { GatePolicy } from "../gates/model.js";
import type { RetryRule } from "../plan/model.js";

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
  /** Argo Rollouts aborts on a failed or errored analysis and waits for a person on an inconclusive one; evo always waits. */
  onFailure: "halt",
  onError: "halt",
  onInconclusive: "halt",
  /** Slow is not wrong: what lags may still arrive, so the run keeps measuring and nothing passes (invariant 2). */
  onTimeout: "hold",
};

/** Where `onFailure: "retry"` names no rule: one more try, soon enough for a passing fault of a cloud's API. */
export const DEFAULT_RETRY: RetryRule = { attempts: 2, backoff: 10_000 };
