/** An explanation for people: what stopped, why, what is missing, what is applied, what can be done. Pure. */

import { describeUsual } from "../gates-text.js";
import { describePutBack } from "../put-back.js";
import { clockTime, counted, duration, shown, table, wrap } from "../text.js";
import { describeWords } from "../words.js";
import type { Explanation, GateStanding, MissingTarget, TargetStanding } from "./model.js";

/** All of it, each line at most `width` wide where words allow it. */
export function describeExplanation(explanation: Explanation, width: number): readonly string[] {
  const { run, summary, stopped, at, rehearsal, driver } = explanation;
  const since =
    stopped === undefined || explanation.status === "recovered" ? "" : `, since ${moment(stopped.since, at)}`;
  const head = wrap(`${run}  ${summary}${since}`, width, "  ");
  const world = [...(rehearsal === undefined ? [] : [`rehearsal in world ${rehearsal}`]), ...linked(explanation)];
  if (explanation.status === "completed") return [...head, ...world, ...departed(explanation, width)];
  const over = explanation.status === "aborted" || explanation.status === "recovered";
  const driving = over ? [] : [driver === null ? "nobody drives it" : `driven by ${driver}`];
  const signed = section("signed", describeWords([], explanation.overrides), width);
  return [
    ...head,
    ...world,
    ...driving.flatMap((line) => wrap(line, width, "  ")),
    ...signed,
    ...standing(explanation, width),
  ];
}

/** The run that it answers, and the one that answers it. */
function linked({ answers, recovery }: Explanation): readonly string[] {
  const rule = answers?.rule === undefined ? "" : ` by rule ${answers.rule}`;
  return [
    ...(answers === undefined ? [] : [`it is a recovery: it answers ${answers.run}${rule}`]),
    ...(recovery === undefined ? [] : [`answered by the recovery ${recovery.run} (${recovery.sequence})`]),
  ];
}

/** The same without its head, for where the run's table has said it already. */
export function describeStanding(explanation: Explanation, width: number): readonly string[] {
  if (explanation.status === "completed") return departed(explanation, width);
  const links = linked(explanation);
  return [...(links.length === 0 ? [] : ["", ...links]), ...standing(explanation, width)];
}

function standing(explanation: Explanation, width: number): readonly string[] {
  return [
    ...why(explanation, width),
    ...departed(explanation, width),
    ...missing(explanation, width),
    ...converged(explanation, width),
    ...applied(explanation, width),
    ...putBack(explanation, width),
    ...consumers(explanation, width),
    ...section("to go on, all of this", explanation.conditions, width),
    ...choices(explanation, width),
  ];
}

/** A title and its lines, below an empty one; nothing without lines. */
function section(title: string, lines: readonly string[], width: number, indent = "    "): readonly string[] {
  return lines.length === 0 ? [] : ["", title, ...lines.flatMap((line) => wrap(`  ${line}`, width, indent))];
}

function why({ chain, stopped }: Explanation, width: number): readonly string[] {
  const digits = Math.max(0, ...chain.map(({ entry }) => String(entry).length));
  const lines = chain.map(({ entry, text }) => `${String(entry).padStart(digits)}  ${text}`);
  const indent = " ".repeat(digits + 6);
  if (lines.length > 0) return section("why, from there to the first cause", lines, width, indent);
  return stopped === undefined ? [] : section("why", stopped.reason.split("\n"), width);
}

function departed({ departures }: Explanation, width: number): readonly string[] {
  const lines = departures.map(({ id, open, summary }) => `${id}  ${open ? "open" : "closed"}  ${summary}`);
  return section("what evo did not do", lines, width);
}

// --------------------------------------------------------------------------------------------------------- missing

function missing({ missing: all, at }: Explanation, width: number): readonly string[] {
  const lines = all.flatMap((signal) => [
    ...wrap(`  ${signal.target} (${signal.gate}): ${seen(signal, at)}${whose(signal)}`, width, "    "),
    ...latest(signal).flatMap((line) => wrap(`    ${line}`, width, "      ")),
    ...wrap(`    ${describeUsual(signal.usual, signal.until - signal.from)}`, width, "      "),
  ]);
  return lines.length === 0 ? [] : ["", "missing signals", ...lines];
}

/** `403, expected 200, since 14:03:07 (12 s), 40 looks`. */
function seen({ verdict, observed, expected, message, since, looks }: TargetStanding, at: number): string {
  if (since === undefined) return "not looked at yet";
  const what = verdict === "fail" ? `${shown(observed)}, expected ${shown(expected)}` : (message ?? shown(observed));
  const said = verdict === "fail" ? what : `${verdict}: ${what}`;
  return `${said}, since ${moment(since, at)}, ${amount(looks, "look")} recorded`;
}

function whose({ owner, by }: MissingTarget): string {
  if (owner === undefined) return "";
  return by === undefined ? `; ${owner} answers for it` : `; asked: ${owner}`;
}

/** What was recorded last, where it says more than the newest look alone; and how often it went back and forth. */
function latest({ recent, flaps, wavers }: TargetStanding): readonly string[] {
  const looks = recent.map(({ at, verdict, observed }) => `${clockTime(at)} ${verdict} (${shown(observed)})`);
  return [...(recent.length > 1 ? [`recorded: ${looks.join(", ")}`] : []), ...unsteady({ flaps, wavers })];
}

function unsteady({ flaps, wavers }: Pick<TargetStanding, "flaps" | "wavers">): readonly string[] {
  const flapped = flaps === 0 ? [] : [`flapped: ${amount(flaps, "time")} it had converged and stopped passing`];
  const wavered = wavers === 0 ? [] : [`passed ${amount(wavers, "time")}, but never for long enough`];
  return [...flapped, ...(flaps === 0 ? wavered : [])];
}

// ------------------------------------------------------------------------------------------- partial convergence

/** Gates of which something has come: what has, since when, and how many are left. */
function converged({ gates, at }: Explanation, width: number): readonly string[] {
  const lines = gates.flatMap((gate) => [
    ...wrap(`  ${gate.gate}: ${describeGate(gate)}`, width, "    "),
    ...gate.targets.flatMap((target) => wrap(`    ${arrived(target, at)}`, width, "      ")),
  ]);
  return lines.length === 0 ? [] : ["", "how far it has converged", ...lines];
}

function describeGate({ converged: count, needed, targets, from, until, verdict, held, usual }: GateStanding): string {
  const passing = targets.filter(({ state }) => state === "passing").length;
  return [
    `${count} of ${amount(targets.length, "target")}, ${needed} needed`,
    ...(passing === 0 ? [] : [`${passing} passing`]),
    ...(verdict === undefined ? [] : [held ? `${verdict}, and held: evo keeps looking` : verdict]),
    `looked at for ${duration(until - from)}`,
    describeUsual(usual, undefined),
  ].join("; ");
}

const WORDS = { converged: "converged", passing: "passes", missing: "missing", unseen: "not seen" } as const;

function arrived({ target, state, since, flaps, wavers }: TargetStanding, at: number): string {
  const when = since === undefined ? "" : `, since ${moment(since, at)}`;
  return [`${target}  ${WORDS[state]}${when}`, ...unsteady({ flaps, wavers })].join("; ");
}

// ----------------------------------------------------------------------------------------------------- applied

function applied({ applied: done, notApplied, at }: Explanation, width: number): readonly string[] {
  const rows = done.map(({ step, at: ended, converged: opened, changes }) => [
    `  ${step}`,
    opened === undefined ? "applied, not converged" : "converged",
    `${counted(changes)}, ${duration(at - (opened ?? ended))} ago`,
  ]);
  const reading = table(rows, width).flatMap((row, place) => {
    const readBy = done[place]?.readBy ?? [];
    return readBy.length === 0 ? [row] : [row, ...wrap(`    read by ${readBy.join(", ")}`, width, "      ")];
  });
  const left = notApplied.map(({ step, status, after, reason }) => [
    `  ${step}`,
    status === "waiting" ? "not started" : status,
    after.length > 0 ? `waits for ${after.join(", ")}` : (reason?.split("\n")[0] ?? ""),
  ]);
  return [
    ...(rows.length === 0 ? [] : ["", "applied", ...reading]),
    ...(left.length === 0 ? [] : ["", "not applied", ...table(left, width)]),
  ];
}

function putBack({ putBack: all }: Explanation, width: number): readonly string[] {
  return section(
    "recorded states",
    all.map((one) => `${one.step}: ${describePutBack(one)}`),
    width,
  );
}

function consumers({ consumers: all, inQuestion, gates }: Explanation, width: number): readonly string[] {
  if (gates.length > 0 && gates.every(({ phase }) => phase === "consistent"))
    return section("used already", ["everything has been applied: the change is in use in every step"], width);
  const lines = all.map(({ step, after, reads }) => {
    const how = [...(after ? ["comes after it"] : []), ...(reads ? ["reads its outputs"] : [])];
    return `${step}: applied, and ${how.join(", ")}`;
  });
  if (inQuestion.length === 0) return [];
  const nobody = "by no step of this run: nothing that comes after it, or is known to read it, has been applied";
  return section("used already", lines.length > 0 ? lines : [nobody], width);
}

// ------------------------------------------------------------------------------------------------------- choices

function choices({ choices: all }: Explanation, width: number): readonly string[] {
  const lines = all.flatMap(({ command, does }) => [`  ${command}`, ...wrap(`    ${does}`, width, "    ")]);
  return lines.length === 0 ? [] : ["", "what can be done", ...lines];
}

function moment(at: number, now: number): string {
  return `${clockTime(at)} (${duration(now - at)})`;
}

function amount(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}
