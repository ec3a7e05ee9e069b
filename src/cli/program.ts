/**
 * The command line's definition: help, usage and completion are made from it. Verbs are loaded when they are called, so
 * that help and short commands start fast.
 */
import { Argument, Command, Option } from "commander";
import { addAuditVerbs, addQuestionVerbs } from "./verbs-audit.js";
import { addDepartureVerbs } from "./verbs-departures.js";
import { addExplainVerbs } from "./verbs-explain.js";
import { addLedgerVerbs } from "./verbs-ledger.js";
import { addWordVerbs } from "./verbs-words.js";
import { addWorldVerbs } from "./verbs-world.js";

/** Every verb of evo. */
export const program = new Command("evo")
  .description("An execution layer for system evolution, on Pulumi: declared sequences, convergence gates, a ledger.")
  .version("0.1.0")
  .configureOutput({ outputError: () => undefined })
  .exitOverride()
  .addHelpText(
    "after",
    `
Examples:
  evo init                        # a first sequence for the projects below here
  evo validate rollout --types    # what is wrong with it, each with its line
  evo plan rollout --diff         # order, waits, gates; what would change
  evo up rollout                  # drive it; Ctrl-C pauses
  evo status                      # where it stands, and what it waits for
  evo ledger log                  # what happened, and why

A <sequence> is a file, or the name of one in the nearest folder "sequences". A
[run] is the newest one where none is named.

Exit codes: 0 done; 1 error; 2 wrong use; 3 a person's decision is awaited; 4 a
gate failed; 5 a gate was inconclusive or timed out; 6 locked; 7 findings;
8 aborted; 9 ledger unavailable; 10 ledger broken; 255 a bug in evo.

Environment: EVO_HOME (evo's own directory, default ~/.evo), EVO_LEDGER_URL (a
shared Postgres instead of the embedded one), EVO_PULUMI (the Pulumi CLI),
EVO_ACTOR (who acts, default: the CI job, git, user@host), and all that Pulumi itself reads.`,
  );

const json = new Option("--json", "print one JSON document to stdout");
const engine = new Option("--engine <path>", "the Pulumi CLI to use (default: EVO_PULUMI, PATH, evo's own copy)");
const reportFile = new Option(
  "--report-file <path>",
  "write a report at the end, however it ends: JSON (evo schema --report) or Markdown, by .json or .md; repeatable",
)
  .conflicts("detach")
  .argParser((path: string, before: readonly string[] | undefined) => [...(before ?? []), path]);
const takeOver = new Option("--take-over", "sign for it that the driver on another machine is gone");
const detach = new Option("--detach", "leave the run to evo serve");
const output = new Option("--output <format>", "ndjson: every entry and look as a line on stdout").choices([
  "text",
  "ndjson",
]);
const rehearse = new Option("--rehearse", "run against a simulated world; production cannot be touched");

program
  .command("init [folder]")
  .description("write a first sequence for the Pulumi projects of a repository, in the order that they need")
  .option("--name <name>", "the sequence's name", "rollout")
  .option("--stack <stack>", "the stack of each project, or the beginning of its name (default: the most common one)")
  .option("--json-sequence", "write JSON with its schema instead of TypeScript")
  .option("--force", "write over a sequence of that name")
  .addOption(json)
  .addHelpText("after", "\nExamples:\n  evo init\n  evo init infra --stack prod --name release")
  .action(async (folder, options) => (await import("./init.js")).init(folder, options));

program
  .command("validate <sequence>")
  .description("check a sequence without running anything")
  .option("--types", "show type errors, too, of a TypeScript sequence (by the project's typescript)")
  .addOption(json)
  .addHelpText(
    "after",
    "\nExamples:\n  evo validate role-rollout\n  evo validate role-rollout --types\n  evo validate sequences/role-rollout.ts --json\n\nExit 2 with file:line:column of everything that is wrong.",
  )
  .action(async (sequence, options) => (await import("./validate.js")).validate(sequence, options));

program
  .command("plan <sequence>")
  .description("show the order, the waits and the gates of a sequence")
  .option("--preview", "with what each step would change now, as evo preview says it")
  .option("--diff", "with the resources and the paths of the properties that would change (implies --preview)")
  .addOption(
    new Option("--failure", "instead: what would happen at each step and gate if it failed there").conflicts([
      "preview",
      "diff",
    ]),
  )
  .addOption(rehearse)
  .addOption(engine)
  .addOption(json)
  .addHelpText(
    "after",
    "\nExamples:\n  evo plan role-rollout\n  evo plan role-rollout --preview --rehearse\n  evo plan role-rollout --diff --json | jq .previews\n  evo plan role-rollout --failure",
  )
  .action(async (sequence, options) => (await import("./plan.js")).plan(sequence, options));

program
  .command("lint <sequence>")
  .description("what may be wrong with a valid sequence: its order, its gates, its times; exit 7 on findings")
  .addOption(json)
  .addHelpText(
    "after",
    '\nExamples:\n  evo lint role-rollout\n\nA finding is accepted in the sequence, on its step, gate or group:\n  accept: { "no-gate": "nothing reads it before noon" }',
  )
  .action(async (sequence, options) => (await import("./lint.js")).lint(sequence, options));

program
  .command("graph <sequence>")
  .description("draw the order of a sequence")
  .addOption(
    new Option("--format <format>", "how to draw it").choices(["text", "mermaid", "dot", "svg"]).default("text"),
  )
  .addHelpText("after", "\nExamples:\n  evo graph role-rollout\n  evo graph role-rollout --format svg > rollout.svg")
  .action(async (sequence, options) => (await import("./graph.js")).graph(sequence, options));

const gate = program.command("gate").description("ask a gate");

gate
  .command("test <sequence> <gate>")
  .description("look at a gate's targets now; nothing is run or recorded")
  .option("--watch", "look again at the gate's interval, until it has converged, failed or timed out")
  .addOption(rehearse)
  .addOption(engine)
  .addOption(json)
  .addHelpText(
    "after",
    "\nExamples:\n  evo gate test role-rollout policy-arrived --rehearse\n  evo gate test role-rollout gateway/policy-arrived --watch\n\nExit 0 where it holds, 4 where it fails, 5 where it can't be said.",
  )
  .action(async (sequence, name, options) => (await import("./gate.js")).gateTest(sequence, name, options));

program
  .command("schema")
  .description("print the JSON Schema of a .json sequence")
  .option("--report", "of a report (--report-file) instead")
  .addHelpText("after", "\nExamples:\n  evo schema > sequence.schema.json\n  evo schema --report > report.schema.json")
  .action(async (options) => (await import("./schema.js")).schema(options));

program
  .command("preview <sequence>")
  .description("preview every step as things stand now; nothing is changed or recorded")
  .option("--diff", "list the resources and the properties that would change")
  .addOption(rehearse)
  .addOption(engine)
  .addOption(json)
  .addHelpText(
    "after",
    "\nExamples:\n  evo preview role-rollout --diff\n  evo preview role-rollout --rehearse\n\nA step that reads the outputs of an earlier one that changes is marked: what it will do can't be known before.",
  )
  .action(async (sequence, options) => (await import("./preview.js")).preview(sequence, options));

program
  .command("up <sequence>")
  .description("drive a sequence through the engine, gate by gate")
  .addOption(rehearse)
  .option("--fresh", "with --rehearse: begin with a new world")
  .option("--seed <n>", "with --rehearse: the world's seed (implies a new world)")
  .option("--fault <fault...>", "with --rehearse: a fault of the world, e.g. never-converges:eu-west-1")
  .option("--parallel <n>", "how many operations may run at once (default: by cores)")
  .option("--ephemeral-ledger", "in CI: accept an embedded ledger that dies with the machine")
  .addOption(detach)
  .addOption(engine)
  .addOption(json)
  .addOption(output)
  .addOption(reportFile)
  .addHelpText(
    "after",
    "\nExamples:\n  evo up role-rollout --rehearse\n  evo up role-rollout\n  evo up role-rollout --output ndjson | jq .\n  evo up role-rollout --report-file report.json --report-file report.md\n\nCtrl-C pauses cleanly; twice stops the running operation at its next safe point.",
  )
  .action(async (sequence, options) => (await import("./up.js")).up(sequence, options));

program
  .command("resume [run]")
  .description("go on with a run that stands still or that nobody drives")
  .option("--reason <text>", "why it may go on; recorded")
  .addOption(takeOver)
  .option("--accept-changed-code", "sign for stack programs or sequence code that have changed since the run's start")
  .option("--ephemeral-ledger", "in CI: accept an embedded ledger that dies with the machine")
  .addOption(detach)
  .addOption(rehearse)
  .addOption(engine)
  .addOption(json)
  .addOption(output)
  .addOption(reportFile)
  .addHelpText("after", "\nExamples:\n  evo resume\n  evo resume role-rollout-k3m9qa --reason 'quota was raised'")
  .action(async (run, options) => (await import("./resume.js")).resume(run, options));

program
  .command("abort [run]")
  .description("end an unfinished run where it stands; nothing is rolled back")
  .requiredOption("--reason <text>", "why; recorded")
  .addOption(takeOver)
  .addOption(json)
  .addHelpText("after", "\nExamples:\n  evo abort role-rollout-k3m9qa --reason 'superseded by role-rollout-2'")
  .action(async (run, options) => (await import("./words.js")).abort(run, options));

program
  .command("recover [run]")
  .description("answer a run that stands still with its recovery: by its rules, or the sequence that is named")
  .option("--sequence <sequence>", "the recovery's sequence, instead of what the rules choose")
  .option("--dry-run", "show which recovery it would be, and its plan; nothing is started")
  .option("--reason <text>", "why it may begin; recorded")
  .option("--ephemeral-ledger", "in CI: accept an embedded ledger that dies with the machine")
  .addOption(detach)
  .addOption(engine)
  .addOption(json)
  .addOption(output)
  .addHelpText(
    "after",
    "\nExamples:\n  evo recover --dry-run\n  evo recover role-rollout-k3m9qa --reason 'eu-west stays down today'\n  evo recover role-rollout-k3m9qa --sequence role-rollout-forward --reason 'users have it already'\n\nThe recovery is a run of its own, with its own order and gates; the ledger links the two. When it has completed, the\nrun that it answers is over.",
  )
  .action(async (run, options) => (await import("./recover.js")).recover(run, options));

program
  .command("serve")
  .description("drive every run that is to go on and that nobody drives, until a signal")
  .option("--listen <host:port>", "answer /healthz and /readyz, and take signed words of other systems at /words")
  .addOption(engine)
  .addOption(output)
  .addHelpText(
    "after",
    "\nExamples:\n  evo serve\n  evo up role-rollout --detach && evo serve\n  EVO_WEBHOOK_SECRETS=change-board=whsec_… evo serve --listen 127.0.0.1:8080 --output ndjson\n\nA signal lets go of all runs; engines go on, and whoever serves next follows them.",
  )
  .action(async (options) => (await import("./serve.js")).serve(options));

program
  .command("pause [run]")
  .description("start nothing new in a run, wherever it is driven; what runs is finished")
  .requiredOption("--reason <text>", "why; recorded")
  .addOption(json)
  .addHelpText("after", "\nExamples:\n  evo pause role-rollout-k3m9qa --reason 'eu-west has an incident'")
  .action(async (run, options) => (await import("./words.js")).pause(run, options));

program
  .command("retry <step> [run]")
  .description("go on with a run and attempt this step again; what else has failed stays as it is")
  .option("--reason <text>", "why; recorded")
  .addOption(takeOver)
  .option("--accept-changed-code", "sign for stack programs or sequence code that have changed since the run's start")
  .option("--ephemeral-ledger", "in CI: accept an embedded ledger that dies with the machine")
  .addOption(detach)
  .addOption(engine)
  .addOption(json)
  .addOption(output)
  .addOption(reportFile)
  .addHelpText("after", "\nExamples:\n  evo retry gateway-eu-west-1 --reason 'quota was raised'")
  .action(async (step, run, options) => (await import("./resume.js")).retry(step, run, options));

program
  .command("settle <operation>")
  .description("say how an operation ended that nobody saw to its end, after you have found out")
  .addOption(new Option("--as <outcome>", "how it ended").choices(["succeeded", "failed"]).makeOptionMandatory())
  .requiredOption("--reason <text>", "how you know; recorded")
  .addOption(json)
  .addHelpText(
    "after",
    "\nExamples:\n  evo settle role-rollout-k3m9qa.app.1.up --as succeeded --reason 'the console shows all six'\n\nThe run goes on with evo resume.",
  )
  .action(async (operation, options) => (await import("./words.js")).settle(operation, options));

program
  .command("status [run]")
  .description("where a run stands, and which signals are missing (default: the newest run)")
  .option("--watch", "show it as it goes on, whoever drives it, until it has ended; Ctrl-C stops the watching only")
  .addOption(json)
  .addHelpText("after", "\nExamples:\n  evo status\n  evo status --watch\n  evo status role-rollout-k3m9qa --json")
  .action(async (run, options) => (await import("./status.js")).status(run, options));

program
  .command("runs")
  .description("the runs that the ledger knows, newest first")
  .option("--sequence <name>", "only of this sequence")
  .option("--limit <n>", "at most this many", "20")
  .addOption(json)
  .addHelpText("after", "\nExamples:\n  evo runs\n  evo runs --sequence role-rollout --json")
  .action(async (options) => (await import("./status.js")).runs(options));

addExplainVerbs(program);

addWordVerbs(program);

addDepartureVerbs(program);

addWorldVerbs(program);

addAuditVerbs(program);

const ledger = program.command("ledger").description("ask the ledger");

addQuestionVerbs(ledger);

ledger
  .command("show <number>")
  .description("one entry, whole")
  .addOption(json)
  .addHelpText("after", "\nExamples:\n  evo ledger show 42")
  .action(async (number, options) => (await import("./ledger.js")).show(number, options));

addLedgerVerbs(ledger);

program
  .command("doctor")
  .description("what evo found on this machine, what is missing, what to do")
  .option("--plugin-path", "print the shell line that puts evo's Node language host on the PATH of a plain pulumi")
  .addOption(engine)
  .addOption(json)
  .addHelpText("after", '\nExamples:\n  evo doctor\n  eval "$(evo doctor --plugin-path)" && pulumi up')
  .action(async (options) => (await import("./doctor.js")).doctor(options));

program
  .command("completion")
  .description("print a completion script for a shell")
  .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
  .addHelpText(
    "after",
    '\nExamples:\n  eval "$(evo completion bash)"\n  evo completion fish > ~/.config/fish/completions/evo.fish',
  )
  .action(async (shell) => (await import("./completion.js")).completion(shell));
