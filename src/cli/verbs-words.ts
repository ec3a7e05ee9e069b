/** The verbs by which people answer the gates of a run. */
import { type Command, Option } from "commander";

/** Adds them to the command line. */
export function addWordVerbs(program: Command): void {
  const json = new Option("--json", "print one JSON document to stdout");
  const reason = new Option("--reason <text>", "why; recorded").makeOptionMandatory();
  const targets = new Option("--target <target...>", "only for these targets");
  const request = new Option("--request <entry>", "only what this ledger entry asks for, as you have seen it");
  const gate = "A <gate> is its id, its name, or the step or group that it is declared on.";

  program
    .command("ack <gate> [run]")
    .description("say that what a gate asks for is so")
    .addOption(reason)
    .addOption(targets)
    .addOption(json)
    .addHelpText(
      "after",
      `\nExamples:\n  evo ack partners-told --reason 'mailed and answered'\n  evo ack flags/ready/acknowledged role-rollout-k3m9qa --target eu-west-1 --reason 'told'\n\n${gate}`,
    )
    .action(async (name, run, options) => (await import("./answer.js")).ack(name, run, options));

  program
    .command("approve <gate> [run]")
    .description("approve what a gate asks for, bound to the previews that it shows (evo status)")
    .option("--show", "show what it asks for, and approve nothing")
    .option("--reason <text>", "why; recorded")
    .addOption(request)
    .addOption(json)
    .addHelpText(
      "after",
      `\nExamples:\n  evo approve gateway --show\n  evo approve gateway role-rollout-k3m9qa --reason 'reviewed with access team'\n\n${gate} If the preview right before the update\ndiffers from what was approved, the run halts and says how (exit 3).`,
    )
    .action(async (name, run, options) => (await import("./answer.js")).approveGate(name, run, options));

  program
    .command("reject <gate> [run]")
    .description("refuse what a gate asks to approve: it fails, and its rule on failure holds")
    .addOption(reason)
    .addOption(request)
    .addOption(json)
    .addHelpText("after", `\nExamples:\n  evo reject gateway --reason 'replaces the authorizer'\n\n${gate}`)
    .action(async (name, run, options) => (await import("./answer.js")).rejectGate(name, run, options));

  program
    .command("override <gate> [run]")
    .description("sign for it that a gate, or targets of it, hold nothing back for this attempt")
    .addOption(reason)
    .addOption(targets)
    .addOption(json)
    .addHelpText(
      "after",
      `\nExamples:\n  evo override policy-arrived --target eu-west-1 --reason 'region is drained'\n  evo override gateway/policy-arrived role-rollout-k3m9qa --reason 'probe is broken, checked by hand'\n\n${gate}\nA run that has halted goes on with evo resume. Who may say this needs the database role evo_approver.`,
    )
    .action(async (name, run, options) => (await import("./answer.js")).overrideGate(name, run, options));
}
