/** What would happen if a plan failed here or there, place by place: the run's own machine is asked. Pure. */
import type { OnFailure } from "../../gates/model.js";
import type { GateId, NodeId, Plan, PlanGate, PlanNode, StepNode } from "../../plan/model.js";
import { nodeOf, stepsOf } from "../../run/edges.js";
import type { HaltCause } from "../../run/events.js";
import { ruleOf } from "../../run/failures.js";
import { failureOf, recoveryOf } from "../../run/recovery.js";
import { lastAttempt, type RunState } from "../../run/state.js";
import { type Fault, type OperationFault, play } from "./play.js";

/** The shape of `evo plan --failure --json`; fields may be added within `evo.failure/1`. */
export interface FailurePlan {
  readonly schema: "evo.failure/1";
  readonly sequence: string;
  readonly plan: string;
  readonly places: readonly FailurePlace[];
}

/** A step, or a gate of one, and what follows from each way in which it may fail. */
export interface FailurePlace {
  readonly step?: NodeId;
  readonly gate?: GateId;
  readonly phase?: PlanGate["phase"];
  readonly paths: readonly FailurePath[];
}

/** `timed out`: looks that never reach a limit. Those for which a gate has no limit come to that. */
export type FailureKind = OperationFault | "gate failed" | "gate errored" | "gate inconclusive" | "timed out";

export interface FailurePath {
  readonly kind: FailureKind;
  /** The word of the rule that answers it; absent where no rule is asked. */
  readonly rule?: OnFailure;
  /** goes on: it holds nothing back. */
  readonly comesTo: "halts" | "holds" | "goes on";
  readonly cause?: HaltCause;
  /** Attempts of each step in question by then, the first included; milliseconds between them. */
  readonly attempts: number;
  readonly backoff?: number;
  /** Other steps of an `independent` group go on first. */
  readonly othersGoOn: boolean;
  /**
   * The recovery: at once by whoever drives it, or when a person says so. Absent where no rule of the plan fits; then
   * `evo recover --sequence` takes one that a person names.
   */
  readonly recovery?: {
    readonly rule: string;
    readonly sequence: string;
    readonly starts: "at once" | "on a person's word";
  };
  /** Steps whose updates have succeeded by then, at most: what runs beside it may not have come so far. */
  readonly applied: readonly NodeId[];
}

/** Every place of a plan, in its order: the gates of a group after its members, those of the end last. */
export function failurePaths(plan: Plan): FailurePlan {
  const top = plan.nodes.filter(({ parent }) => parent === undefined);
  const places = [
    ...top.flatMap((node) => placesOf(plan, node)),
    ...plan.consistent.map((gate) => gatePlace(plan, gate)),
  ];
  return { schema: "evo.failure/1", sequence: plan.sequence.name, plan: plan.digest, places };
}

function placesOf(plan: Plan, node: PlanNode): readonly FailurePlace[] {
  const within =
    node.kind === "step" ? [stepPlace(plan, node)] : node.members.flatMap((id) => placesOf(plan, nodeOf(plan, id)));
  const placed = (gate: PlanGate) => gatePlace(plan, gate);
  return [...node.ready.map(placed), ...within, ...node.converged.map(placed)];
}

const OPERATION_FAULTS: readonly OperationFault[] = [
  "failed",
  "cancelled",
  "refused",
  "locked",
  "absent",
  "unresolved",
];

function stepPlace(plan: Plan, step: StepNode): FailurePlace {
  const paths = OPERATION_FAULTS.map((how) => {
    const state = play(plan, { step: step.id, how });
    // The rule on failure is asked where the engine says that it failed, and nowhere else.
    const rule = how === "failed" ? { rule: step.onFailure } : {};
    return pathOf(state, how, [step], rule);
  });
  return { step: step.id, paths };
}

type GateKind = readonly [FailureKind, Exclude<Fault, { step: string }>["sees"], OnFailure];

function gatePlace(plan: Plan, gate: PlanGate): FailurePlace {
  const { failureLimit, consecutiveErrorLimit, inconclusiveLimit } = gate.policy;
  const kinds: readonly GateKind[] = [
    ...(failureLimit === undefined ? [] : [["gate failed", "fail", ruleOf(gate, "failed", false)] as const]),
    ...(consecutiveErrorLimit === undefined
      ? []
      : [["gate errored", "error", ruleOf(gate, "errored", false)] as const]),
    ...(inconclusiveLimit === undefined
      ? []
      : [["gate inconclusive", "inconclusive", ruleOf(gate, "inconclusive", false)] as const]),
    ["timed out", "slow", ruleOf(gate, "inconclusive", true)],
  ];
  const proved = stepsOf(plan).filter(({ id }) => gate.proves.includes(id));
  const paths = kinds.map(([kind, sees, rule]) => pathOf(play(plan, { gate: gate.id, sees }), kind, proved, { rule }));
  return { gate: gate.id, phase: gate.phase, paths };
}

function pathOf(
  state: RunState,
  kind: FailureKind,
  steps: readonly StepNode[],
  rule: Pick<FailurePath, "rule">,
): FailurePath {
  const { halt } = state;
  const attempts = Math.max(0, ...steps.map(({ id }) => state.steps[id]?.length ?? 0));
  const backoffs = steps.flatMap(({ retry }) => retry?.backoff ?? []);
  return {
    kind,
    ...rule,
    comesTo: state.status === "halted" ? "halts" : state.status === "completed" ? "goes on" : "holds",
    ...(halt === undefined ? {} : { cause: halt.cause }),
    attempts,
    ...(attempts > 1 && kind !== "absent" && backoffs.length > 0 ? { backoff: Math.max(...backoffs) } : {}),
    othersGoOn: rule.rule === "continue",
    ...recoveryIn(state),
    applied: stepsOf(state.started.plan).flatMap(({ id }) =>
      lastAttempt(state, id)?.outcome?.status === "succeeded" ? [id] : [],
    ),
  };
}

function recoveryIn(state: RunState): Pick<FailurePath, "recovery"> {
  const { halt } = state;
  if (halt === undefined) return {};
  if (halt.recovery !== undefined) {
    const { rule, sequence, start } = halt.recovery;
    return { recovery: { rule, sequence, starts: start === "at-once" ? "at once" : "on a person's word" } };
  }
  const failure = failureOf(state);
  const fits = failure === undefined ? undefined : recoveryOf(state, failure);
  return fits === undefined
    ? {}
    : { recovery: { rule: fits.name, sequence: fits.sequence, starts: "on a person's word" } };
}
