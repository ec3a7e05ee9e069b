/** The audit of a run for a terminal. Pure; times are UTC, to the second. */
import { describePutBack } from "../put-back.js";
import { counted, shown, table, wrap } from "../text.js";
import { isOpen } from "./departures.js";
import type {
  AuditReport,
  BoundaryReport,
  Deed,
  DepartureRow,
  EvidenceRow,
  GateReport,
  OrderRow,
  Requirement,
} from "./model.js";
import { tookOf } from "./verdicts.js";

/** Lines that fit on a terminal of `width` columns where words allow it. */
export function describeAudit(report: AuditReport, width: number): readonly string[] {
  return [
    ...headOf(report).flatMap((line) => wrap(line, width, "  ")),
    "",
    ...Object.entries(report.verdicts).flatMap(([name, requirement]) => verdictLines(name, requirement, width)),
    ...section("who", peopleRows(report.people, width)),
    ...section("declared order, and the actual one", orderLines(report.order, width)),
    ...section(
      "boundaries",
      report.boundaries.flatMap((boundary) => boundaryLines(boundary, width)),
    ),
    ...section("departures", departureLines(report.departures, width)),
    ...section(
      "halts",
      report.halts.flatMap(({ entry, time, cause, node, reason }) =>
        wrap(
          `  ${clock(time)}  ${cause}${node === undefined ? "" : ` at ${node}`}: ${oneLine(reason)} (entry ${entry})`,
          width,
          "    ",
        ),
      ),
    ),
    ...section(
      "answered by",
      report.answers.flatMap((answer) => wrap(`  ${answerLine(answer)}`, width, "    ")),
    ),
    ...section(
      "not judged: no part of a run's order",
      report.unknown.flatMap(({ type, entries }) => wrap(`  ${type}: entries ${entries.join(", ")}`, width, "    ")),
    ),
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", title, ...lines];
}

/** Who, what, when. */
export function headOf(report: AuditReport): readonly string[] {
  const { run, standing, sequence, plan, rehearsal, answersTo, started, ended, ledger } = report;
  const owner = sequence.owner === undefined ? "" : `, owned by ${sequence.owner}`;
  const until = ended === undefined ? "not ended" : `to ${utc(ended)}`;
  return [
    `audit of ${run}: ${standing}, ${tookOf(report)}`,
    ...(rehearsal === undefined ? [] : [`a rehearsal in world ${rehearsal}: no evidence of anything in production`]),
    ...(answersTo === undefined ? [] : [`the recovery that answers ${answeredLine(answersTo)}`]),
    `sequence ${sequence.name}${owner}, digest ${sequence.digest.slice(0, 12)}, plan ${plan.slice(0, 12)}`,
    `${utc(started)} ${until}; ledger ${ledger.id}, entries ${ledger.first} to ${ledger.last}`,
  ];
}

function answeredLine({ run, sequence, rule, reason }: NonNullable<AuditReport["answersTo"]>): string {
  const why = [rule === undefined ? "" : `, by its rule ${rule}`, reason === undefined ? "" : `: ${oneLine(reason)}`];
  return `${run} of ${sequence}${why.join("")}`;
}

/** `ordered      yes  6 starts, …`: further sentences below the first. */
function verdictLines(name: string, { holds, because }: Requirement, width: number): readonly string[] {
  const head = `${name.padEnd(11)} ${holds.padEnd(10)} `;
  const beside = " ".repeat(head.length);
  return because.flatMap((sentence, at) =>
    wrap(`${at === 0 ? head : beside}${oneLine(sentence)}`, width, `${beside}  `),
  );
}

function peopleRows(people: readonly Deed[], width: number): readonly string[] {
  const rows = people.map((deed) => [
    `  ${clock(deed.time)}`,
    deed.did,
    personOf(deed),
    String(deed.entry),
    `${deed.what ?? ""}${deed.reason === undefined ? "" : `${deed.what === undefined ? "" : ": "}${oneLine(deed.reason)}`}`,
  ]);
  return folded(table(rows), width, "      ");
}

/** As they said, and as the database knows them where that says more. */
export function personOf({ claimed, authenticated }: Pick<Deed, "claimed" | "authenticated">): string {
  return claimed === authenticated ? claimed : `${claimed} (as ${authenticated})`;
}

function orderLines(order: readonly OrderRow[], width: number): readonly string[] {
  const rows = order.map((row) => [
    `  ${row.declared}`,
    row.actual === undefined ? "-" : String(row.actual),
    (row.attempt ?? 1) > 1 ? `${row.step} (attempt ${row.attempt})` : row.step,
    row.started === undefined ? "never started" : clock(row.started.time),
    row.ended === undefined ? "-" : clock(row.ended.time),
    resultOf(row),
  ]);
  return folded(table([["  PLACE", "START", "STEP", "STARTED", "ENDED", "RESULT"], ...rows]), width, "      ");
}

/** `12 created`; `failed: quota`; with what it was started before. */
export function resultOf({ ended, early, started, asOf }: OrderRow): string {
  const back = asOf === undefined ? "" : `${describePutBack(asOf)}: `;
  const out = `${early.length === 0 ? "" : `OUT OF ORDER: ${early.join(", ")}; `}${back}`;
  if (ended === undefined) return `${out}${started === undefined ? "" : "no outcome recorded"}`;
  const { counts, how, reason } = ended;
  if (counts !== undefined) return out + counted(counts);
  return `${out}${how}${reason === undefined ? "" : `: ${oneLine(reason)}`}`;
}

function boundaryLines(boundary: BoundaryReport, width: number): readonly string[] {
  return [
    ...wrap(`  ${boundary.node}: ${boundary.state}${whenOf(boundary)}`, width, "    "),
    ...boundary.lacks.flatMap((lack) => wrap(`    ! ${lack}`, width, "      ")),
    ...boundary.gates.flatMap((gate) => gateLines(gate, width)),
  ];
}

/** `, opened 18:35:34 (entry 38), before flags started 18:35:34 (entry 39)`. */
export function whenOf({ opened, next, gates }: BoundaryReport): string {
  const how = gates.length === 0 && opened !== undefined ? ", by its updates alone: it has no gate" : "";
  const when = opened === undefined ? "" : `, ${clock(opened.time)} (entry ${opened.entry})`;
  const order = opened !== undefined && next !== undefined && opened.entry < next.entry ? "before" : "but";
  const then = next === undefined ? "" : `, ${order} ${next.step} started ${clock(next.time)} (entry ${next.entry})`;
  return `${how}${when}${then}`;
}

function gateLines({ gate, outcome, entry, evidence, against }: GateReport, width: number): readonly string[] {
  return [
    ...wrap(`    ${gate}: ${outcome}${entry === undefined ? "" : ` (entry ${entry})`}`, width, "      "),
    ...evidence.flatMap((row) => wrap(`      ${evidenceLine(row)}`, width, "        ")),
    ...against.flatMap((verdict) =>
      wrap(
        `      against it, ${clock(verdict.time)} (entry ${verdict.entry}): ${oneLine(verdict.reason)}`,
        width,
        "        ",
      ),
    ),
  ];
}

/** `eu-west-1  200, json policy 2, look 31 at 18:35:33, entries 33, 36`. */
export function evidenceLine(row: EvidenceRow): string {
  const { target, converged, entries, last } = row;
  const seen =
    last === undefined
      ? "not looked at"
      : `${shown(last.observed)}${last.verdict === "pass" ? "" : `, expected ${shown(last.expected)}`}, look ${last.number} at ${clock(last.ended)}`;
  const where = entries.length === 0 ? "" : `, entr${entries.length === 1 ? "y" : "ies"} ${entries.join(", ")}`;
  return `${target}  ${converged ? "" : "not converged: "}${seen}${where}`;
}

function departureLines(departures: readonly DepartureRow[], width: number): readonly string[] {
  if (departures.length === 0) return ["  none recorded"];
  return departures.flatMap((row) => wrap(`  ${clock(row.time)}  ${describeDeparture(row)}`, width, "    "));
}

/** What happened, where in the order, by whom, and how it stands. */
export function describeDeparture(row: DepartureRow): string {
  const { place, step, summary, by, entry } = row;
  const where = [step, place].filter((part) => part !== undefined).join(", ");
  const who = summary.includes(` by ${by}`) ? "" : `, by ${by}`;
  return `${where}${where === "" ? "" : ": "}${oneLine(summary)}${who} (entry ${entry}); ${endOf(row)}`;
}

function endOf(row: DepartureRow): string {
  const { standing, closed, how } = row;
  if (isOpen(row)) return "in place";
  const manner = how === undefined ? standing : `${standing}: ${how}`;
  if (closed === undefined) return manner;
  const reason = closed.reason === undefined ? "" : `: ${oneLine(closed.reason)}`;
  return `${manner} by ${personOf(closed)}${reason} (entry ${closed.entry})`;
}

/** The run that answered, and who started it. */
export function answerLine({ run, sequence, entry, claimed, time }: AuditReport["answers"][number]): string {
  return `${run}${sequence === undefined ? "" : ` of ${sequence}`}, started ${utc(time)} by ${claimed} (entry ${entry})`;
}

function folded(lines: readonly string[], width: number, indent: string): readonly string[] {
  return lines.flatMap((line) => wrap(line.trimEnd(), width, indent));
}

/** `18:35:34` of an ISO 8601 time. */
export function clock(time: string): string {
  return time.slice(11, 19);
}

/** `2026-11-20 18:35:34Z`. */
export function utc(time: string): string {
  return `${time.slice(0, 10)} ${clock(time)}Z`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
