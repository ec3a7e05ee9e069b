/** The audit of a run as a page that can be handed over to somebody without evo or its ledger. Pure. */
import type { Block, Page } from "../document.js";
import type { AuditReport, BoundaryReport, Deed } from "./model.js";
import { answerLine, describeDeparture, evidenceLine, headOf, personOf, resultOf, utc, whenOf } from "./text.js";

/** Everything that `evo audit` says, with full times. */
export function auditPage(report: AuditReport): Page {
  const [title = "", ...facts] = headOf(report);
  const { verdicts, people, order, boundaries, departures, halts, answers, unknown, ledger } = report;
  const blocks: readonly (readonly Block[])[] = [
    [{ kind: "list", items: [...facts, `reported ${utc(report.reported)}`] }],
    section("Verdicts", ["requirement", "holds", "because"], Object.entries(verdicts).map(verdictRow)),
    section("Who did what", ["when", "did", "who", "what and why", "entry"], people.map(deedRow)),
    section("Declared order, and the actual one", ORDER_HEAD, order.map(orderRow)),
    section("Boundaries: what was seen before anything went on", BOUNDARY_HEAD, boundaries.flatMap(boundaryRows)),
    listed(
      "Departures",
      departures.length === 0
        ? ["none recorded"]
        : departures.map((row) => `${utc(row.time)}: ${describeDeparture(row)}`),
    ),
    listed(
      "Halts",
      halts.map(
        ({ time, cause, node, reason, entry }) =>
          `${utc(time)}: ${cause}${node === undefined ? "" : ` at ${node}`}: ${reason} (entry ${entry})`,
      ),
    ),
    listed("Answered by", answers.map(answerLine)),
    listed(
      "Not judged: no part of a run's order",
      unknown.map(({ type, entries }) => `${type}: entries ${entries.join(", ")}`),
    ),
    [
      { kind: "heading", text: "How to check this" },
      {
        kind: "paragraph",
        text: `Every number is an entry of ledger ${ledger.id}: evo ledger show <entry> prints one, evo ledger why <entry> what led to it, evo ledger verify proves all of them. Without evo: the view evo.readable_audit holds what this page was made from.`,
      },
    ],
  ];
  return { title, blocks: blocks.flat() };
}

function section(text: string, head: readonly string[], rows: readonly (readonly string[])[]): readonly Block[] {
  return rows.length === 0
    ? []
    : [
        { kind: "heading", text },
        { kind: "table", head, rows },
      ];
}

function listed(text: string, items: readonly string[]): readonly Block[] {
  return items.length === 0
    ? []
    : [
        { kind: "heading", text },
        { kind: "list", items },
      ];
}

function verdictRow([name, { holds, because }]: [string, AuditReport["verdicts"]["ordered"]]): readonly string[] {
  return [name, holds, because.join("; ")];
}

function deedRow(deed: Deed): readonly string[] {
  const about = [deed.what, deed.reason].filter((part) => part !== undefined).join(": ");
  return [utc(deed.time), deed.did, personOf(deed), about, String(deed.entry)];
}

const ORDER_HEAD = ["place", "start", "step", "stack", "started", "ended", "result", "entries"];

function orderRow(row: AuditReport["order"][number]): readonly string[] {
  const { declared, actual, step, stack, attempt = 1, started, ended } = row;
  return [
    declared,
    actual === undefined ? "-" : String(actual),
    attempt > 1 ? `${step} (attempt ${attempt})` : step,
    stack ?? "-",
    started === undefined ? "never" : utc(started.time),
    ended === undefined ? "-" : utc(ended.time),
    resultOf(row),
    [started, ended].flatMap((one) => (one === undefined ? [] : [one.entry])).join(" to "),
  ];
}

const BOUNDARY_HEAD = ["boundary", "convergence", "gate", "evidence"];

function boundaryRows(boundary: BoundaryReport): readonly (readonly string[])[] {
  const { node, state, gates, lacks } = boundary;
  const how = [`${state}${whenOf(boundary)}`, ...lacks].join("; ");
  const rows = gates.map(({ gate, outcome, entry, evidence, against }) => {
    const verdicts = against.map(
      (verdict) => `against it ${utc(verdict.time)} (entry ${verdict.entry}): ${verdict.reason}`,
    );
    return [
      `${gate}: ${outcome}${entry === undefined ? "" : ` (entry ${entry})`}`,
      [...evidence.map(evidenceLine), ...verdicts].join("; "),
    ];
  });
  const [first = ["-", "-"], ...others] = rows;
  return [[node, how, ...first], ...others.map((row) => ["", "", ...row])];
}
