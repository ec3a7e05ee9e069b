/** News of a run as plain lines, for terminals without a tree, logs and pipes. Pure: what is said depends on its arguments only. */
import type { Json, Measurement } from "../gates/model.js";
import type { ChangeSet, RunEvent, TargetReport } from "../run/events.js";
import type { LeaseHolder, News } from "../run/ports.js";
import { describePutBack, putBackBy } from "./put-back.js";
import { counted, duration, planned, shown } from "./text.js";

/**
 * The line for a recorded event; nothing for those that a person needn't see as they come. `run`: its name, to be said;
 * `by`: who recorded it.
 */
export function describeEvent(event: RunEvent, run?: string, by = "somebody"): string | undefined {
  switch (event.type) {
    case "run.started":
      return `run${run === undefined ? "" : ` ${run}`} of ${event.plan.sequence.name} started${event.rehearsal === undefined ? "" : `, rehearsed in world ${event.rehearsal}`}`;
    case "run.adopted":
      return `driven by ${event.holder}${event.proof === undefined ? "" : `, taken over: ${event.proof}`}`;
    case "operation.intended":
      return `${event.step}: ${event.verb}${event.attempt > 1 ? ` (attempt ${event.attempt})` : ""}${putBack(event)}, previewing`;
    case "operation.previewed":
      return `${stepOf(event.operation)}: preview: ${planned(event.preview.counts)}${event.refusal === undefined ? "" : `; refused: ${event.refusal}`}`;
    case "operation.succeeded":
      return `${stepOf(event.operation)}: ${doneWord(event.operation)}, ${counted(event.changes.counts)}, ${duration(event.ended - event.began)}`;
    case "operation.failed":
      return `${stepOf(event.operation)}: ${event.how === "absent" ? "did not start" : event.how}: ${event.reason}`;
    case "operation.unresolved":
      return `${stepOf(event.operation)}: nobody knows how it ended: ${event.facts.join("; ")}`;
    case "operation.settled":
      return `${stepOf(event.operation)}: signed: it ${event.as}: ${event.reason}`;
    case "gate.measured":
      return undefined;
    case "gate.passed":
      return `${event.gate}: passed (${event.targets.flatMap(({ target, converged }) => (converged ? [target] : [])).join(", ")})`;
    case "gate.failed":
    case "gate.errored":
    case "gate.inconclusive":
      return `${event.gate}: ${event.timedOut ? "timed out" : GATE_WORDS[event.type]}: ${event.reason}`;
    case "acknowledgment.received":
      return `${event.gate}: ${event.targets.join(", ")} acknowledged by ${event.from ?? by}: ${event.reason}`;
    case "approval.requested":
      return `${event.gate}: approval is asked for${event.previews.map(({ step, changes }) => `; ${step}: ${planned(changes.counts)}`).join("")}`;
    case "approval.given":
      return `${event.gate}: approved by ${event.from ?? by}: ${event.reason}`;
    case "approval.rejected":
      return `${event.gate}: rejected by ${event.from ?? by}: ${event.reason}`;
    case "gate.overridden":
      return `${event.gate}: overridden${event.targets === undefined ? "" : ` for ${event.targets.join(", ")}`}, signed by ${event.from ?? by}: ${event.reason}`;
    case "boundary.opened":
      return `${event.node}: converged`;
    case "run.held":
      return `${event.node}: held: nothing goes on behind it before ${event.gate} passes; evo keeps looking`;
    case "run.halted":
      return `halted (${event.cause})${event.node === undefined ? "" : ` at ${event.node}`}: ${event.reason}${answered(event)}`;
    case "recovery.started":
      return `answered by the recovery ${event.recovery} (${event.sequence})`;
    case "run.recovered":
      return `recovered: ${event.recovery} has come to its end`;
    case "run.paused":
      return `paused: ${event.reason}`;
    case "run.resumed":
      return `resumed${event.steps === undefined ? "" : `, only ${event.steps.join(", ")} again`}: ${event.reason}${event.acceptChangedCode ? "; signed: changed code is accepted" : ""}`;
    case "run.completed":
      return "completed: every boundary has converged";
    case "run.aborted":
      return `aborted: ${event.reason}`;
  }
}

function putBack(event: RunEvent & { type: "operation.intended" }): string {
  const state = putBackBy(event);
  return state === undefined ? "" : `, ${describePutBack(state)}`;
}

function answered({ recovery }: RunEvent & { type: "run.halted" }): string {
  if (recovery === undefined) return "";
  const when = recovery.start === "at-once" ? "at once" : "once a person says evo recover";
  return `; recovery ${recovery.rule} (${recovery.sequence}) follows ${when}`;
}

const GATE_WORDS = {
  "gate.failed": "failed",
  "gate.errored": "could not look",
  "gate.inconclusive": "inconclusive",
} as const;

const DONE_WORDS: { readonly [verb: string]: string } = { destroy: "destroyed", refresh: "refreshed" };

/** An operation's id is `<run>.<step>.<attempt>.<verb>`. */
function doneWord(operation: string): string {
  return DONE_WORDS[operation.split(".").at(-1) ?? ""] ?? "updated";
}

function stepOf(operation: string): string {
  return operation.split(".").at(-3) ?? operation;
}

/** What stands behind an event's line, where a log can fold it away: resources, diagnostics, the looks at each target. */
export function describeDetails(event: RunEvent): readonly string[] {
  switch (event.type) {
    case "operation.succeeded":
      return changeLines(event.changes);
    case "operation.failed":
      return event.changes === undefined ? [] : changeLines(event.changes);
    case "gate.passed":
    case "gate.failed":
    case "gate.errored":
    case "gate.inconclusive":
      return event.targets.map(targetLine);
    default:
      return [];
  }
}

function changeLines({ resources, diagnostics, engine, providers }: ChangeSet): readonly string[] {
  const versions = Object.entries(providers).map(([name, version]) => `${name} ${version}`);
  return [
    ...resources.map(({ op, urn, paths, replaces }) => {
      const why = replaces.length > 0 ? `, replaced because of ${replaces.join(", ")}` : "";
      return `${op}  ${urn}${paths.length > 0 ? `  ${paths.join(", ")}` : ""}${why}`;
    }),
    ...diagnostics.map(({ severity, message }) => `${severity}: ${message}`),
    `engine ${[engine, ...versions].join(", ")}`,
  ];
}

function targetLine({ target, last, counts }: TargetReport): string {
  const looks = Object.entries(counts).flatMap(([verdict, count]) => (count > 0 ? [`${count} ${verdict}`] : []));
  return `${target}  ${last === undefined ? "not looked at" : describeSight(last)}  (${looks.join(", ") || "no look"})`;
}

/** `gateway/canary  eu-west-1  403, expected 200`: what a boundary waits for; `for 12 s` where it is not new. */
export function describeLook(gate: string, target: string, look: Measurement, since: number): string {
  const waited = since < look.began && look.verdict !== "pass" ? `  for ${duration(look.ended - since)}` : "";
  return `${gate}  ${target}  ${describeSight(look)}${waited}`;
}

/** `403, expected 200`; `200, as expected`; `error: connection refused`. */
export function describeSight({ verdict, observed, expected, message }: Measurement): string {
  if (verdict === "pass") return `${shown(observed)}, as expected`;
  if (verdict === "fail") return `${shown(observed)}, expected ${shown(expected)}`;
  return `${verdict}: ${message ?? shown(observed)}`;
}

/** What a wait for the ledger means. */
export function describeLedger({ available, since, reason }: News & { readonly kind: "ledger" }, now: number): string {
  if (available) return `the ledger answers again, after ${duration(now - since)}`;
  return `the ledger can't be reached, so nothing is started; engines that run go on: ${reason}`;
}

/** Who holds what, and since when. */
export function describeHolder(lease: LeaseHolder): string {
  const parts = ["run", "sequence", "actor", "host", "pid"].flatMap((key) => {
    const value: Json | undefined = lease.holder[key];
    return value === undefined ? [] : [`${key} ${shown(value)}`];
  });
  return `${lease.resource} is held by ${parts.join(", ")} since ${lease.since}, until ${lease.expires} unless renewed`;
}
