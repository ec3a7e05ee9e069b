/** `evo audit`: a run held against what was declared, or the evolution of a system. */
import { extname, resolve } from "node:path";
import { EvoError, EXIT } from "../errors.js";
import { auditRun } from "../evo/audit.js";
import { evolutionOf } from "../evo/evolution.js";
import { withLedger } from "../evo/reading.js";
import { readSettings } from "../evo/settings.js";
import type { OpenLedger } from "../ledger/index.js";
import type { AuditReport } from "../views/audit/model.js";
import { auditPage } from "../views/audit/page.js";
import { describeAudit } from "../views/audit/text.js";
import { type Block, type Page, pageHtml, pageMarkdown } from "../views/document.js";
import { describeEvolution } from "../views/evolution.js";
import { evolutionPage } from "../views/evolution-page.js";
import { instant, wholeNumber } from "./options.js";
import { columns, print, printJson, say } from "./output.js";
import { writeWhole } from "./write-file.js";

export interface AuditOptions {
  readonly since?: string;
  readonly until?: string;
  readonly owner?: string;
  readonly stack?: string;
  readonly rehearsals?: boolean;
  readonly limit: string;
  readonly output?: string;
  readonly json?: boolean;
}

/** Errors: `usage`, `run.unknown` (exit 2). Exit 10 where the chain over the run does not hold. */
export async function audit(run: string | undefined, options: AuditOptions): Promise<void> {
  const write = options.output === undefined ? undefined : writerOf(options.output);
  const filters = (["since", "until", "owner", "stack", "rehearsals"] as const).filter(
    (name) => options[name] !== undefined,
  );
  if (run !== undefined && filters.length > 0)
    throw new EvoError("usage", `one run is audited as a whole; --${filters[0]} is for the evolution of a system`, {
      remedy: `evo audit ${run}, or evo audit --${filters[0]} … without a run`,
    });
  await withLedger(readSettings(process.env, process.cwd()), say, async (ledger) => {
    if (filters.length > 0) return auditTime(ledger, options, write);
    return auditOne(ledger, run ?? (await newest(ledger)), options, write);
  });
}

type Write = (page: Page) => void;

async function auditOne(ledger: OpenLedger, run: string, { json }: AuditOptions, write?: Write): Promise<void> {
  const [first, ...answers] = await story(ledger, run);
  if ([first, ...answers].some(({ verdicts }) => verdicts.unmodified.holds === "no"))
    process.exitCode = EXIT.ledgerBroken;
  const { title, blocks } = auditPage(first);
  const chapters = answers.map(auditPage).flatMap((page) => [heading(page.title), ...page.blocks]);
  write?.({ title, blocks: [...blocks, ...chapters] });
  if (json) return printJson(answers.length === 0 ? first : { ...first, recoveries: answers });
  if (write !== undefined) return;
  const lines = answers.flatMap((answer) => ["", "then", "", ...describeAudit(answer, columns())]);
  print([...describeAudit(first, columns()), ...lines]);
}

function heading(text: string): Block {
  return { kind: "heading", text };
}

/** A run, then the runs that answered it, in order: what failed and how it was recovered read as one. */
async function story(ledger: OpenLedger, run: string): Promise<readonly [AuditReport, ...AuditReport[]]> {
  const report = await auditRun(ledger, run);
  const followed: AuditReport[] = [];
  for (const answer of report.answers) followed.push(...(await story(ledger, answer.run)));
  return [report, ...followed];
}

async function auditTime(ledger: OpenLedger, options: AuditOptions, write?: Write): Promise<void> {
  const { since, until, owner, stack, rehearsals = false, json } = options;
  const found = await evolutionOf(ledger, {
    rehearsal: rehearsals,
    limit: wholeNumber("--limit", options.limit, 1),
    ...(since === undefined ? {} : { since: instant("--since", since) }),
    ...(until === undefined ? {} : { until: instant("--until", until) }),
    ...(owner === undefined ? {} : { owner }),
    ...(stack === undefined ? {} : { stack }),
  });
  write?.(evolutionPage(found, askedOf(options)));
  if (json) return printJson(found);
  if (write === undefined) print(describeEvolution(found, columns()));
  if (found.runs.length === 0 && !rehearsals) say("rehearsals are no evolution of the system: --rehearsals shows them");
}

function askedOf({ since, until, owner, stack, rehearsals }: AuditOptions): string {
  const asked = Object.entries({ since, until, owner, stack }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${value}`],
  );
  return [rehearsals ? "rehearsals" : "production", ...asked].join(", ");
}

async function newest(ledger: OpenLedger): Promise<string> {
  const [row] = await ledger.runs({ limit: 1 });
  if (row === undefined)
    throw new EvoError("run.none", "the ledger knows no run yet", { exit: EXIT.usage, remedy: "evo up <sequence>" });
  return row.run;
}

const FORMATS: { readonly [extension: string]: (page: Page) => string } = {
  ".html": pageHtml,
  ".htm": pageHtml,
  ".md": pageMarkdown,
};

/** Refused before anything is read. */
function writerOf(output: string): Write {
  const file = resolve(process.cwd(), output);
  const format = FORMATS[extname(file)];
  if (format === undefined)
    throw new EvoError("usage", `--output: ${output}: a report is HTML or Markdown`, {
      remedy: "end its name with .html or .md; --json prints JSON",
    });
  return (page) => {
    try {
      writeWhole(file, format(page));
    } catch (error) {
      throw new EvoError("usage", `--output: ${output} can't be written: ${(error as Error).message}`, {
        remedy: "name a file in a folder that exists and where evo may write",
        cause: error,
      });
    }
    say(`written: ${file}`);
  };
}
