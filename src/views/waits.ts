/** What a run waits for and since when, as a log's heartbeat says it. Pure. */
import type { Target } from "../gates/model.js";
import type { PlanGate, StepNode } from "../plan/model.js";
import { stepsOf } from "../run/edges.js";
import { mayRetry } from "../run/failures.js";
import { countsFrom } from "../run/gates.js";
import type { LeaseHolder, OperationReport } from "../run/ports.js";
import { gatesOf, lastAttempt, openAttempts, type RunState } from "../run/state.js";
import { describeHolder, describeSight } from "./lines.js";
import type { SeenTarget } from "./looks.js";
import { isAwaited } from "./status.js";
import { duration } from "./text.js";

/** Something that is waited for. `since`: milliseconds since the epoch. */
export interface Wait {
  readonly what: string;
  readonly since: number;
}

/** What this process has seen besides the record. */
export interface Seen {
  target(gate: string, target: string): SeenTarget | undefined;
  progress(operation: string): (OperationReport & { readonly kind: "progress" }) | undefined;
  /** Since when the ledger has not answered, while it doesn't. */
  ledgerGone(): number | undefined;
  readonly leases: ReadonlyMap<string, { readonly lease: LeaseHolder; readonly since: number }>;
}

/** Everything that is waited for: missing signals first, since they are what a person may do something about. */
export function waitsOf(state: RunState, seen: Seen): readonly Wait[] {
  const gates = state.status === "running" ? gatesOf(state.started.plan).filter((gate) => isAwaited(state, gate)) : [];
  const gone = seen.ledgerGone();
  return [
    ...(gone === undefined ? [] : [{ what: "the ledger, which does not answer", since: gone }]),
    ...gates.flatMap((gate) => gateWaits(state, gate, seen)),
    ...[...seen.leases].map(([node, { lease, since }]) => ({ what: `${node}: ${describeHolder(lease)}`, since })),
    ...openAttempts(state).map(({ step, attempt }) => ({
      what: `${step}: ${engineWords(seen.progress(attempt.operation))}`,
      since: attempt.intendedAt,
    })),
    ...(state.status === "running" ? stepsOf(state.started.plan).flatMap((step) => retryWait(state, step)) : []),
  ];
}

/** A step that has failed and is tried again, once its rule's time has passed. */
function retryWait(state: RunState, step: StepNode): readonly Wait[] {
  const attempt = lastAttempt(state, step.id);
  const outcome = attempt?.outcome;
  if (outcome?.status !== "failed" || !mayRetry(state, step, outcome)) return [];
  return [{ what: `${step.id}: attempt ${attempt!.number + 1}`, since: outcome.ended }];
}

function engineWords(progress: ReturnType<Seen["progress"]>): string {
  if (progress === undefined) return "the engine starts";
  const { phase, done, planned } = progress;
  if (phase === "starting") return "the engine starts";
  return planned === undefined ? `${phase}, ${done} resources done` : `${phase}, ${done} of ${planned} resources done`;
}

function gateWaits(state: RunState, gate: PlanGate, seen: Seen): readonly Wait[] {
  const held = Object.values(state.held).some((hold) => hold.gate === gate.id) ? ", held" : "";
  const missing = gate.targets.flatMap((target) => targetWait(state, gate, target, seen));
  if (missing.length > 0) return missing.map(({ what, since }) => ({ what: `${gate.id}  ${what}${held}`, since }));
  const [slowest] = gate.targets
    .flatMap(({ name }) => seen.target(gate.id, name) ?? [])
    .sort((a, b) => a.passes - b.passes);
  if (slowest === undefined) return [];
  return [{ what: `${gate.id}  every target passes, ${inARow(slowest, gate)}${held}`, since: slowest.since }];
}

function inARow({ passes }: SeenTarget, { policy }: PlanGate): string {
  const wanted = Math.max(1, policy.consecutiveSuccessLimit);
  return passes < wanted ? `${passes} of ${wanted} in a row` : "not yet for long enough at once";
}

/** A target that does not pass, or does not keep passing. */
function targetWait(state: RunState, gate: PlanGate, { name }: Target, seen: Seen): readonly Wait[] {
  const now = seen.target(gate.id, name);
  if (now === undefined) return [{ what: `${name}  not looked at yet`, since: countsFrom(state, gate) }];
  if (now.last.verdict === "pass" && now.untold === 0) return [];
  const flapping = now.untold === 0 ? "" : `, changed ${now.untold} more ${now.untold === 1 ? "time" : "times"}`;
  return [{ what: `${name}  ${describeSight(now.last)}${flapping}`, since: now.since }];
}

/** The heartbeat's line: nothing where nothing is waited for. More than `most` are counted only. */
export function describeWaits(waits: readonly Wait[], now: number, most = 4): string | undefined {
  if (waits.length === 0) return undefined;
  const named = waits.slice(0, most).map(({ what, since }) => `${what} (for ${duration(now - since)})`);
  const more = waits.length > most ? [`and ${waits.length - most} more`] : [];
  return `waiting for ${[...named, ...more].join("; ")}`;
}
