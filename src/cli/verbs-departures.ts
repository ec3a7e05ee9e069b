/** The verbs about what evo did not do: intent ahead of a run, and drift. */
import { type Command, Option } from "commander";

/** Adds them to the command line. */
export function addDepartureVerbs(program: Command): void {
  const json = new Option("--json", "print one JSON document to stdout");
  const engine = new Option("--engine <path>", "the Pulumi CLI to use (default: EVO_PULUMI, PATH, evo's own copy)");
  const rehearse = new Option("--rehearse", "in the simulated world of the sequence");
  const ephemeral = new Option("--ephemeral-ledger", "in CI: accept an embedded ledger that dies with the machine");

  program
    .command("declare <sequence>")
    .description("record the intent to run a sequence: from now on a change of its stacks before their turn is early")
    .addOption(rehearse)
    .addOption(ephemeral)
    .addOption(engine)
    .addOption(json)
    .option("--withdraw <reason>", "take the declaration back")
    .addHelpText(
      "after",
      "\nExamples:\n  evo declare role-rollout\n  evo declare role-rollout --withdraw 'postponed to next quarter'",
    )
    .action(async (sequence, options) => (await import("./drift.js")).declare(sequence, options));

  const drift = program.command("drift").description("what differs between stacks, their live systems and the ledger");
  drift
    .command("scan [what...]")
    .description("look at the live system behind stacks; takes no lock, changes nothing")
    .option("--all", "every stack of this repository: named by a sequence or with a settings file")
    .option("--fail", "exit 7 where anything has departed or could not be assessed")
    .option("--parallel <n>", "how many looks at a time (default: by cores)")
    .addOption(rehearse)
    .addOption(ephemeral)
    .addOption(engine)
    .addOption(json)
    .addHelpText(
      "after",
      "\nExamples:\n  evo drift scan role-rollout\n  evo drift scan app/prod\n  evo drift scan --all --fail\n\n[what] is a sequence, or the end of a stack's name. A stack under deployment, a provider error, a lost backend or a\nmissing credential is `not assessed`, with the reason, and never clean.",
    )
    .action(async (what, options) => (await import("./drift.js")).driftScan(what, options));
  drift
    .command("list")
    .description("the board: every stack that was looked at, its state, and how old that look is")
    .option("--max-age <duration>", "a clean look that is older is stale", "24h")
    .addOption(json)
    .addHelpText("after", "\nExamples:\n  evo drift list\n  evo drift list --max-age 1h --json")
    .action(async (options) => (await import("./drift.js")).driftList(options));
  drift
    .command("show <stack>")
    .description("the departures of a stack: what differs, since when, and what became of them")
    .addOption(json)
    .addHelpText("after", "\nExamples:\n  evo drift show app/prod")
    .action(async (stack, options) => (await import("./drift.js")).driftShow(stack, options));
  addScheduleVerbs(drift, json);
  addReconcileVerb(program);
}

function addScheduleVerbs(drift: Command, json: Option): void {
  const schedule = drift.command("schedule").description("scans by the clock, done by evo serve");
  schedule
    .command("add <name> [what...]")
    .description("scan by a cron expression from now on; recorded")
    .requiredOption("--cron <expression>", "when: five fields, or six with seconds")
    .option("--tz <zone>", "the time zone that it is read in", "UTC")
    .option("--all", "every stack of this repository, as it is when the scan falls due")
    .option("--jitter <duration>", "each stack up to so much later, not all at once", "0s")
    .option("--max-age <duration>", "scan at once what nobody has looked at for so long, whatever the clock says")
    .option("--time-limit <duration>", "a look that takes longer is not assessed, and somebody else's job", "5m")
    .option("--rehearse", "in the simulated world of the sequence")
    .addOption(json)
    .addHelpText(
      "after",
      '\nExamples:\n  evo drift schedule add hourly --all --cron "0 * * * *" --jitter 5m --max-age 2h\n  evo drift schedule add nightly role-rollout --cron "30 2 * * *" --tz Europe/Berlin\n\nEvery evo serve of the ledger shares the work; it must reach this folder. What was missed is done by the next scan.',
    )
    .action(async (name, what, options) => (await import("./schedule.js")).scheduleAdd(name, what, options));
  schedule
    .command("list")
    .description("the schedules: when they come next, and how far the last scan has come")
    .addOption(json)
    .addHelpText("after", "\nExamples:\n  evo drift schedule list\n  evo drift schedule list --json")
    .action(async (options) => (await import("./schedule.js")).scheduleList(options));
  schedule
    .command("remove <name>")
    .description("scan by it no longer; recorded")
    .option("--reason <text>", "why")
    .addOption(json)
    .addHelpText("after", "\nExamples:\n  evo drift schedule remove nightly --reason 'hourly does it'")
    .action(async (name, options) => (await import("./schedule.js")).scheduleRemove(name, options));
}

function addReconcileVerb(program: Command): void {
  program
    .command("reconcile <departure>")
    .description("close a departure: adopt what is live, revert to what is declared, or accept it until a date")
    .option("--adopt", "what is live becomes declared: its resources are refreshed in the engine's state")
    .option("--revert", "what is declared is applied again, to its resources")
    .option("--with <sequence>", "with --revert: by a run of this sequence instead")
    .option("--allow-destroy", "with --revert: it may delete or replace resources")
    .option("--accept", "leave it as it is; with --until it is open again then")
    .option("--until <date>", "ISO 8601; with --accept")
    .requiredOption("--reason <text>", "why; recorded")
    .option("--dry-run", "show what it would do; nothing is changed or recorded")
    .option("--ephemeral-ledger", "in CI: accept an embedded ledger that dies with the machine")
    .addOption(new Option("--engine <path>", "the Pulumi CLI to use (default: EVO_PULUMI, PATH, evo's own copy)"))
    .addOption(new Option("--json", "print one JSON document to stdout"))
    .addOption(new Option("--output <format>", "how to tell of it").choices(["text", "ndjson"]))
    .addHelpText(
      "after",
      "\nExamples:\n  evo reconcile d-1e9b8657cc --revert --reason 'nobody asked for it' --dry-run\n  evo reconcile d-1e9b8657cc --adopt --reason 'the on-call change of last night stays'\n  evo reconcile d-1e9b8657cc --accept --until 2027-01-31 --reason 'the vendor mends it in January'\n\nAdopt and revert are a run of one step: leased, previewed, gated by the step's own gates, recorded. A revert that would\ndelete or replace anything is refused unless --allow-destroy says that it may.",
    )
    .action(async (departure, options) => (await import("./reconcile.js")).reconcile(departure, options));
}
