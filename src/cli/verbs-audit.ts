/** The verbs that ask the record: audit, history, ledger log, ledger why. */
import { type Command, Option } from "commander";

const json = new Option("--json", "print one JSON document to stdout");
const SINCE = ["--since <time>", "ISO 8601, or an age such as 2h"] as const;
const UNTIL = ["--until <time>", "up to that time, likewise"] as const;

/** Adds `evo audit` and `evo history`. */
export function addAuditVerbs(program: Command): void {
  program
    .command("audit [run]")
    .description("hold a run against what was declared; with filters: how a system evolved")
    .option("--since <time>", "runs and departures since then: ISO 8601, or an age such as 7d")
    .option(...UNTIL)
    .option("--owner <owner>", "of sequences with this owner")
    .option("--stack <stack>", "of this stack: its identity, or the end of it, e.g. app/prod")
    .option("--rehearsals", "of rehearsals instead of production")
    .option("--limit <n>", "the newest so many runs", "200")
    .option("--output <file>", "write it as one self-contained page, by .html or .md")
    .addOption(json)
    .addHelpText(
      "after",
      "\nExamples:\n  evo audit\n  evo audit role-rollout-k3m9qa --output audit.html\n  evo audit --since 30d --owner team-access\n  evo audit --stack app/prod --json\n\nA run: declared order beside the actual one, who did what, what was seen before each boundary was passed, departures, and whether it was ordered, converged, complete and unmodified. Exit 10 where its entries were changed.",
    )
    .action(async (run, options) => (await import("./audit.js")).audit(run, options));

  program
    .command("history <stack>")
    .description("how a stack came to its state: what evo did to it, and what it did not do")
    .option(...SINCE)
    .option(...UNTIL)
    .option("--rehearsals", "of rehearsals instead of production")
    .option("--limit <n>", "the newest so many entries", "200")
    .addOption(json)
    .addHelpText("after", "\nExamples:\n  evo history app/prod\n  evo history prod-eu-west-1 --since 30d --json")
    .action(async (stack, options) => (await import("./history.js")).history(stack, options));
}

/** Adds `log` and `why` to `evo ledger`. */
export function addQuestionVerbs(ledger: Command): void {
  ledger
    .command("log")
    .description("entries, oldest first")
    .option("--run <run>", "only of this run")
    .option("--sequence <name>", "only of this sequence")
    .option("--stack <stack>", "a stack's identity, or the end of it, e.g. app/prod")
    .option("--type <type>", "entry type, e.g. boundary.opened; a trailing * matches the rest")
    .option("--actor <actor>", "who did it: user@host, user, or the database role")
    .option(...SINCE)
    .option(...UNTIL)
    .option("--limit <n>", "only the newest so many")
    .option("--follow", "and what comes, until Ctrl-C")
    .addOption(json)
    .addOption(new Option("--output <format>", "ndjson: an entry a line").choices(["text", "ndjson"]))
    .addHelpText(
      "after",
      "\nExamples:\n  evo ledger log --run role-rollout-k3m9qa\n  evo ledger log --type 'operation.*' --since 2h --json\n  evo ledger log --limit 20 --follow",
    )
    .action(async (options) => (await import("./ledger-log.js")).log(options));

  ledger
    .command("why <what>")
    .description("what led to an entry, to a step's newest update, to a stack's newest change")
    .option("--forward", "what followed from it instead")
    .option("--run <run>", "the step of this run")
    .option("--limit <n>", "at most so many entries, the nearest", "500")
    .addOption(json)
    .addHelpText(
      "after",
      "\nExamples:\n  evo ledger why flags\n  evo ledger why 41\n  evo ledger why app/prod\n  evo ledger why gateway-eu-west-1 --forward",
    )
    .action(async (what, options) => (await import("./ledger-why.js")).why(what, options));
}
