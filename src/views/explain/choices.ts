/**
 * What a person can do with a run as it stands, what each choice would do, and the exact command. Pure. What evo would
 * refuse in this state is no choice: `accepts` comes from the checks that the commands make themselves.
 */
import type { RecoveryRule, StepNode } from "../../plan/model.js";
import { isHolding } from "../../run/awaited.js";
import { stepsOf } from "../../run/edges.js";
import { mayRetry } from "../../run/failures.js";
import { overrideOf } from "../../run/overrides.js";
import { type Attempt, gatesOf, isOver, lastAttempt, openAttempts, type RunState } from "../../run/state.js";
import { duration } from "../text.js";
import { asksOf } from "../words.js";
import { stepsShown } from "./chain.js";
import type { ExplainInput } from "./input.js";
import type { Choice, GateStanding, PendingStep, TargetState } from "./model.js";

/** Reasons are for the person to fill in. */
const REASON = '--reason "..."';

export interface Situation extends ExplainInput {
  readonly gates: readonly GateStanding[];
  readonly notApplied: readonly PendingStep[];
}

/** The choices, the one that is most likely meant first. */
export function choicesOf(now: Situation): readonly Choice[] {
  const { state } = now;
  if (state.status === "aborted") return [anew(state)];
  if (isOver(state)) return [];
  if (now.recovering !== undefined) return [following(now.recovering)];
  return [
    ...settles(state),
    ...words(state),
    ...goingOn(now),
    ...overrides(now),
    ...recoveries(now),
    ...retries(now),
    ...stopping(now),
  ];
}

function anew({ started: { plan, rehearsal, root: _ } }: RunState): Choice {
  const { name } = plan.sequence;
  return {
    choice: "start anew",
    command: `evo up ${name}${rehearsal === undefined ? "" : " --rehearse"}`,
    does: "starts a new run at the first step; what is applied already is previewed, and changes nothing where nothing differs",
  };
}

/** A run that is being answered is left alone. */
function following(recovery: string): Choice {
  return {
    choice: "wait",
    command: `evo status ${recovery} --watch`,
    does: "shows the recovery that answers this run; until it has ended nothing else is taken",
  };
}

/** Attempts of which nobody knows how they ended. */
export function unresolvedAttempts(state: RunState): readonly Attempt[] {
  return Object.values(state.steps)
    .flat()
    .filter(({ outcome }) => outcome?.status === "unresolved");
}

function settles(state: RunState): readonly Choice[] {
  return unresolvedAttempts(state).map(({ operation }) => ({
    choice: "settle",
    command: `evo settle ${operation} --as succeeded|failed ${REASON}`,
    does: "records how it ended, signed by you; then the run can be resumed",
    operation,
  }));
}

// --------------------------------------------------------------------------------------------- words, recoveries

/** Words that gates ask for. What is to be approved must have been shown. */
function words(state: RunState): readonly Choice[] {
  return asksOf(state).flatMap(({ gate, asks, by, what, request, command }): Choice[] => {
    const who = `for ${by.join(" or ")}`;
    if (asks === "acknowledged")
      return [{ choice: "acknowledge", command, does: `${who}: says that it is so: ${what}`, gate }];
    if (request === undefined) return [];
    const steps = listed(request.steps.map(({ step }) => step));
    const bound = steps === "" ? "the plan" : `the previews of ${steps} as they were shown`;
    const refuses = `${who}: refuses it; the gate fails, and its rule holds`;
    return [
      { choice: "approve", command, does: `${who}: approves, bound to ${bound}`, gate },
      { choice: "reject", command: `evo reject ${gate} ${state.run} ${REASON}`, does: refuses, gate },
    ];
  });
}

/** For what is missing of a boundary; the end of a run is not signed away. */
function overrides({ state, gates }: Situation): readonly Choice[] {
  return gates.flatMap((standing): Choice[] => {
    const gate = gatesOf(state.started.plan).find(({ id }) => id === standing.gate);
    if (gate === undefined || gate.phase === "consistent" || !isHolding(state, gate)) return [];
    const missing = standing.targets.filter((target) => isMissing(target.state)).map(({ target }) => target);
    if (missing.length === 0 || overrideOf(state, gate) !== undefined) return [];
    const some = missing.length < standing.targets.length;
    const only = some ? ` --target ${missing.join(" ")}` : "";
    const then = state.status === "running" ? "" : `; then evo resume ${state.run} goes on`;
    return [
      {
        choice: "override",
        command: `evo override ${gate.id} ${state.run}${only} ${REASON}`,
        does: `signed by you: ${some ? listed(missing) : gate.id} ${missing.length > 1 && some ? "hold" : "holds"} nothing back for this attempt${then}`,
        gate: gate.id,
      },
    ];
  });
}

/** What the rules choose, else whatever sequence a person names. */
function recoveries({ state, accepts: { recover } }: Situation): readonly Choice[] {
  if (!recover.accepted) return [];
  const { rule } = recover;
  const named = rule === undefined ? " --sequence <sequence>" : "";
  const end = "a run of its own, with its own order and gates; when it has completed, this one is over";
  const does =
    rule === undefined
      ? `answers it with the recovery that you name: ${end}`
      : `starts ${rule.sequence} by rule ${rule.name}${because(rule)}: ${end}`;
  return [{ choice: "recover", command: `evo recover ${state.run}${named} ${REASON}`, does }];
}

/** Why a rule fits: its own conditions. */
function because({ when: { at, cause, targets, applied, notApplied } }: RecoveryRule): string {
  const parts = [
    ...(at === undefined ? [] : [`at ${listed(at)}`]),
    ...(cause === undefined ? [] : [`for ${cause.join(" or ")}`]),
    ...(targets === undefined ? [] : [`while ${targets.join(" or ")} is missing`]),
    ...(applied === undefined ? [] : [`with ${listed(applied)} applied`]),
    ...(notApplied === undefined ? [] : [`with ${listed(notApplied)} not applied`]),
  ];
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

function isMissing(state: TargetState): boolean {
  return state === "missing" || state === "unseen";
}

// ------------------------------------------------------------------------------------------------------- going on

/** What waits for somebody to settle it halts again at once: resuming is no choice before. */
function goingOn(now: Situation): readonly Choice[] {
  const { state, driver } = now;
  if (driver?.is === "driving" && state.status === "running") return [waiting(now)];
  if (unresolvedAttempts(state).length > 0) return [];
  if (state.halt?.cause === "sources-changed") return changedSources(now);
  const reason = state.status === "running" ? "" : ` ${REASON}`;
  const command = `evo resume ${state.run}${takeOver(now) || reason}`;
  return [{ choice: "resume", command, does: goesOn(now) }];
}

/** Nobody can see from here whether the driver is gone, so who resumes signs for it. */
function takeOver({ driver }: Situation): string {
  return driver?.is === "elsewhere" ? ` --take-over ${REASON}` : "";
}

function waiting({ state, gates }: Situation): Choice {
  const awaited = gates.filter(({ held }) => held).map(({ gate }) => gate);
  const does =
    awaited.length > 0
      ? `goes on by itself as soon as ${listed(awaited)} ${awaited.length === 1 ? "passes" : "pass"}; no time runs out`
      : "shows it as it goes on; Ctrl-C stops the watching only";
  return { choice: "wait", command: `evo status ${state.run} --watch`, does };
}

function changedSources(now: Situation): readonly Choice[] {
  const { run } = now.state;
  return [
    {
      choice: "resume",
      command: `evo resume ${run}${takeOver(now) || ` ${REASON}`}`,
      does: "goes on where what was recorded at the start has been put back; else it halts again",
    },
    {
      choice: "resume",
      command: `evo resume ${run} --accept-changed-code${takeOver(now) || ` ${REASON}`}`,
      does: "signs for the changed code, here and for the rest of the run, and goes on with it",
    },
  ];
}

/** What the machine would do next: failures from before a resume may be tried again, gates are looked at anew. */
function goesOn(now: Situation): string {
  const { state, gates, notApplied } = now;
  const parts = [
    ...openAttempts(state).map(({ step }) => `finds out how ${step} ended`),
    ...attemptsAgain(state).map((step) => `attempts ${step} again (attempt ${(state.steps[step]?.length ?? 0) + 1})`),
    ...gates.filter(({ phase }) => phase !== "ready").map((gate) => looksAnew(state, gate)),
    ...gates.filter(({ phase }) => phase === "ready").map(({ gate }) => `looks at ${gate} anew`),
  ];
  const next = notApplied.find(({ status }) => status === "waiting")?.step;
  const then = next === undefined ? "then the run comes to its end" : `then goes on with ${next}`;
  const departed = state.halt?.cause === "departed" ? ["what has been found until now halts it no more"] : [];
  return [
    ...departed,
    ...parts,
    ...(parts.length === 0 && next !== undefined ? [`goes on with ${next}`] : [then]),
  ].join("; ");
}

/** Every failed step: a resume that names none tries them all. */
function attemptsAgain(state: RunState): readonly string[] {
  const resumed = { ...state, resumedBy: Number.MAX_SAFE_INTEGER, retrying: undefined };
  return stepsOf(state.started.plan).flatMap((step: StepNode) => {
    const outcome = lastAttempt(state, step.id)?.outcome;
    return outcome !== undefined && mayRetry(resumed, step, outcome) ? [step.id] : [];
  });
}

function looksAnew(state: RunState, { gate }: GateStanding): string {
  const policy = gatesOf(state.started.plan).find(({ id }) => id === gate)?.policy;
  const until = policy === undefined ? "" : `, for ${duration(policy.timeout)} at first`;
  return `looks at ${gate} anew${until}, and updates nothing for it`;
}

/** Of the steps that could be attempted again those that the trouble is about. */
function retries({ state, driver, accepts, gates }: Situation): readonly Choice[] {
  if (driver !== undefined || (state.status !== "halted" && state.status !== "paused")) return [];
  if (state.halt?.cause === "sources-changed") return [];
  const about = new Set([...attemptsAgain(state), ...gates.flatMap((gate) => stepsBehind(state, gate))]);
  return accepts.retry
    .filter((step) => about.has(step))
    .map((step) => ({
      choice: "retry",
      command: `evo retry ${step} ${state.run} ${REASON}`,
      does: `attempts only ${step} again (attempt ${(state.steps[step]?.length ?? 0) + 1})${hadSucceeded(state, step) ? ", though its update had succeeded" : ""}; what else has failed stays as it is`,
      step,
    }));
}

function hadSucceeded(state: RunState, step: string): boolean {
  return lastAttempt(state, step)?.outcome?.status === "succeeded";
}

function stepsBehind(state: RunState, { gate, targets }: GateStanding): readonly string[] {
  const planned = gatesOf(state.started.plan).find(({ id }) => id === gate);
  if (planned === undefined) return [];
  const missing = targets.filter((target) => isMissing(target.state));
  const shown = missing.flatMap(({ target }) => stepsShown(planned, target));
  return shown.length > 0 ? shown : planned.phase === "converged" ? planned.proves : [];
}

// ------------------------------------------------------------------------------------------------------- stopping

function stopping({ state, driver }: Situation): readonly Choice[] {
  const { run } = state;
  const abort = `evo abort ${run} ${REASON}`;
  const ends = "ends it where it stands; nothing is rolled back, and what is applied stays applied";
  if (driver?.is === "driving" && state.status === "running") {
    const pause = "starts nothing new, wherever it is driven; what runs is finished, and it can be resumed";
    return [
      { choice: "pause", command: `evo pause ${run} ${REASON}`, does: pause },
      { choice: "abort", command: abort, does: `pauses it and, once its driver has let go, ${ends}` },
    ];
  }
  // What an open operation did is found out by a resume; before, an abort is refused.
  if (openAttempts(state).length > 0) return [];
  const signed = driver?.is === "elsewhere" ? `evo abort ${run} --take-over ${REASON}` : abort;
  return [{ choice: "abort", command: signed, does: ends }];
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
