/** The verbs that say why a run stands where it stands, and how long gates take. */
import { type Command, Option } from "commander";

/** Adds `evo explain` and `evo gates`. */
export function addExplainVerbs(program: Command): void {
  const json = new Option("--json", "print one JSON document to stdout");

  program
    .command("explain [run]")
    .description("why a run stands where it stands: first cause, missing signals, what is applied, what can be done")
    .addOption(json)
    .addHelpText(
      "after",
      "\nExamples:\n  evo explain\n  evo explain role-rollout-k3m9qa --json | jq .choices\n\nOnly what evo would accept now is named as a choice. Estimates come from earlier runs; `no data` where there are none.",
    )
    .action(async (run, options) => (await import("./explain.js")).explain(run, options));

  program
    .command("gates <sequence>")
    .description("how long a sequence's gates and their targets have taken to converge in earlier runs")
    .option("--rehearsals", "of rehearsals instead of production")
    .option("--limit <n>", "the newest so many runs", "50")
    .addOption(json)
    .addHelpText(
      "after",
      "\nExamples:\n  evo gates role-rollout\n  evo gates role-rollout --rehearsals --json\n\nOf a gate: until it passed. Of a target: until it showed what is expected and kept to it. Both from the end of the\nupdates that the gate proves; a wait that nobody watched (a halt, a crash) is no time.",
    )
    .action(async (sequence, options) => (await import("./gates.js")).gates(sequence, options));
}
