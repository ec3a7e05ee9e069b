/** A report for people, as Markdown: `--report-file x.md`, and the step summary of a GitHub job. Pure. */
import { code, quoted, table, text } from "./markdown.js";
import type { Report, ReportGate, ReportStep } from "./report-schema.js";
import { counted, duration, planned, shown, utcTime } from "./text.js";

/** The page, with a line end. */
export function reportMarkdown(report: Report): string {
  const parts = [
    [`## ${text(report.sequence.name)}: ${headline(report)}`],
    [facts(report)],
    standstill(report),
    missing(report),
    words(report),
    section("Steps, in the order in which they ran", steps(report)),
    section("Gates", gates(report)),
    [ledger(report)],
    report.next.length === 0 ? [] : ["```sh", ...report.next, "```"],
  ];
  const filled = parts.filter((lines) => lines.length > 0);
  return `${filled.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function headline({ status, startedAt, endedAt, reportedAt, error }: Report): string {
  const took = duration(Date.parse(endedAt ?? reportedAt) - Date.parse(startedAt));
  if (error !== undefined && status === "running") return `not finished, nobody drives it, after ${took}`;
  return `${status} ${status === "completed" ? "in" : "after"} ${took}`;
}

function facts(report: Report): string {
  const { run, by, rehearsal, startedAt, endedAt, exit, sequence } = report;
  const times = `${utc(startedAt)} to ${endedAt === undefined ? "now" : utc(endedAt)}`;
  return [
    `Run ${code(run)}`,
    ...(sequence.owner === undefined ? [] : [`owned by ${text(sequence.owner)}`]),
    ...(rehearsal === undefined ? [] : [`**a rehearsal** in world ${text(rehearsal)}`]),
    `driven by ${text(by.claimed)}`,
    times,
    `exit code ${exit}`,
  ].join(", ");
}

/** Why it does not go on. */
function standstill({ halt, paused, error }: Report): readonly string[] {
  return [
    ...(halt === undefined
      ? []
      : [`**Halted** (${halt.cause})${halt.node === undefined ? "" : ` at ${code(halt.node)}`}:`]),
    ...(halt === undefined ? [] : ["", ...quoted(halt.reason)]),
    ...(paused === undefined ? [] : [`**Paused**: ${text(paused)}`]),
    ...(error === undefined ? [] : [`**Error** ${code(error.code)}:`, "", ...quoted(error.message)]),
    ...(error?.remedy === undefined ? [] : ["", `What to do: ${text(error.remedy)}`]),
  ];
}

function missing({ missing: signals, reportedAt }: Report): readonly string[] {
  if (signals.length === 0) return [];
  const rows = signals.map(({ gate, declaredOn, target, verdict, observed, expected, message, since }) => [
    code(`${declaredOn}/${gate}`),
    code(target),
    since === undefined ? text(verdict) : message === undefined ? value(observed) : text(message),
    since === undefined ? "-" : value(expected),
    since === undefined ? "-" : `${utc(since)} (${duration(Date.parse(reportedAt) - Date.parse(since))})`,
  ]);
  return section("Missing signals", table(["gate", "target", "last observed", "expected", "since"], rows));
}

/** Who is asked for what, and what was signed. */
function words({ asks, overrides }: Report): readonly string[] {
  return [
    ...asks.map(({ gate, asks: verb, by, what, request }) => {
      const asked = verb === "approved" ? "approve" : `acknowledge: ${text(what ?? "")}`;
      const steps = request?.steps.map(({ step, changes }) => `${code(step)} ${text(planned(changes))}`) ?? [];
      return `- ${code(gate)} asks ${text(by.join(" or "))} to ${[asked, ...steps].join("; ")}`;
    }),
    ...overrides.map(({ gate, targets, by, reason, at }) => {
      const where = targets === undefined ? "" : ` for ${targets.map(code).join(", ")}`;
      return `- **Overridden**: ${code(gate)}${where}, signed by ${text(by)} at ${utc(at)}: ${text(reason)}`;
    }),
  ];
}

function steps({ steps: all }: Report): readonly string[] {
  const rows = all.map((step) => [
    code(step.step),
    step.attempts.length > 1 ? `${step.status} (attempt ${step.attempts.length})` : step.status,
    step.changes === undefined ? "-" : counted(step.changes),
    step.took === undefined ? "-" : duration(step.took),
    step.convergedAfter === undefined ? "-" : duration(step.convergedAfter),
    began(step),
  ]);
  return table(["step", "state", "changes", "took", "converged after", "begun"], rows);
}

function began({ attempts: [first] }: ReportStep): string {
  return first === undefined ? "-" : utc(first.intendedAt);
}

function gates({ gates: all }: Report): readonly string[] {
  const rows = all.flatMap((gate) => gate.targets.map((target) => gateRow(gate, target)));
  return rows.length === 0 ? [] : table(["gate", "state", "target", "last observed", "expected", "looks"], rows);
}

function gateRow(
  gate: ReportGate,
  { target, verdict, observed, expected, message, looks }: ReportGate["targets"][number],
) {
  const seen = verdict === undefined || observed === undefined ? "-" : value(observed);
  return [
    code(gate.gate),
    gate.dryRun ? `${gate.status} (dry run)` : gate.status,
    code(target),
    verdict !== "pass" && message !== undefined ? text(message) : seen,
    expected === undefined ? "-" : value(expected),
    String(looks),
  ];
}

function ledger({ ledger: { number, hash }, versions }: Report): string {
  return `Ledger: up to entry ${number}, hash ${code(hash)}. evo ${text(versions.evo)}, engine ${text(versions.engine)}.`;
}

// --------------------------------------------------------------------------------------------------------- Markdown

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`### ${title}`, "", ...lines];
}

function value(given: Parameters<typeof shown>[0]): string {
  return code(shown(given));
}

function utc(time: string): string {
  return utcTime(Date.parse(time)).replace("T", " ").replace("Z", " UTC");
}
