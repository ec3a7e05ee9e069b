/** What a run asks people for, and what they have signed for: for status, report and page. Pure. */
import type { GateId } from "../plan/model.js";
import { isHolding } from "../run/awaited.js";
import { nameOf } from "../run/difference.js";
import { isOverridden, overrideBehind } from "../run/overrides.js";
import { type ApprovalRequest, gatesOf, type RunState } from "../run/state.js";
import { requestOf, wordProbeOf } from "../run/words.js";
import { clockTime, planned } from "./text.js";

/** Resources of a preview that a status lists. */
const MOST_RESOURCES = 8;

/** A gate that waits for somebody's word. */
export interface Ask {
  readonly gate: GateId;
  readonly asks: "acknowledged" | "approved";
  /** Whose word is expected. */
  readonly by: readonly string[];
  /** What is to be acknowledged. */
  readonly what?: string;
  /** What is to be approved; absent while it is being previewed. */
  readonly request?: { readonly entry: number; readonly steps: readonly AskedStep[] };
  /** The command that says it. */
  readonly command: string;
}

export interface AskedStep {
  readonly step: string;
  readonly changes: { readonly [op: string]: number };
  /** `create UserGroup order-approver`. */
  readonly resources: readonly string[];
}

/** A gate, or targets of it, that somebody signed to go on without. */
export interface SignedOverride {
  readonly gate: GateId;
  /** Absent: the whole gate. */
  readonly targets?: readonly string[];
  readonly by: string;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly entries: readonly number[];
}

/** Every gate that waits for a word now. */
export function asksOf(state: RunState): readonly Ask[] {
  return gatesOf(state.started.plan).flatMap((gate): Ask[] => {
    const probe = wordProbeOf(gate);
    if (probe === undefined || !isHolding(state, gate) || isOverridden(state, gate)) return [];
    if (state.gates[gate.id]?.passed !== undefined && gate.phase === "ready") return [];
    const { by } = probe;
    const say = (verb: string) => `evo ${verb} ${gate.id} ${state.run} --reason "..."`;
    if (probe.type === "acknowledged")
      return [{ gate: gate.id, asks: probe.type, by, what: probe.what, command: say("ack") }];
    const request = requestOf(state, gate);
    const shown = request === undefined ? {} : { request: askedFor(request) };
    return [{ gate: gate.id, asks: probe.type, by, command: say("approve"), ...shown }];
  });
}

/** What an approval is for, step by step. */
export function askedFor({ entry, previews }: ApprovalRequest): NonNullable<Ask["request"]> {
  const steps = previews.map(({ step, changes }) => ({
    step,
    changes: changes.counts,
    resources: changes.resources.map((change) => `${change.op} ${nameOf(change)}`),
  }));
  return { entry, steps };
}

/** Every override that the run rests on now. */
export function overridesOf(state: RunState): readonly SignedOverride[] {
  return gatesOf(state.started.plan).flatMap((gate): SignedOverride[] => {
    const override = overrideBehind(state, gate);
    if (override === undefined) return [];
    const { targets, by, reason, at, entries } = override;
    return [{ gate: gate.id, by, reason, at, entries, ...(targets === undefined ? {} : { targets }) }];
  });
}

/** Lines for people; none where nobody is asked and nothing was signed. */
export function describeWords(asks: readonly Ask[], overrides: readonly SignedOverride[]): readonly string[] {
  return [
    ...asks.flatMap(describeAsk),
    ...overrides.map(({ gate, targets, by, reason, at }) => {
      const what = targets === undefined ? gate : `${gate} for ${targets.join(", ")}`;
      return `overridden: ${what}, signed by ${by} at ${clockTime(at)}: ${reason}`;
    }),
  ];
}

function describeAsk({ gate, asks, by, what, request, command }: Ask): readonly string[] {
  const who = by.join(" or ");
  const asked =
    asks === "acknowledged"
      ? `${gate} asks ${who} to acknowledge: ${what}`
      : `${gate} asks ${who} to approve${request === undefined ? " what is being previewed" : ""}`;
  return [asked, ...(request === undefined ? [] : describeRequest(request)), `  ${command}`];
}

/** What is to be approved, or was. */
export function describeRequest({ steps }: NonNullable<Ask["request"]>): readonly string[] {
  return steps.flatMap(({ step, changes, resources }) => {
    const left = resources.length - MOST_RESOURCES;
    return [
      `  ${step}: ${planned(changes)}`,
      ...resources.slice(0, MOST_RESOURCES).map((resource) => `    ${resource}`),
      ...(left > 0 ? [`    and ${left} more`] : []),
    ];
  });
}
