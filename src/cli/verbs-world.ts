/** The verbs of rehearsals: the fault matrix, and reaching into a world. */
import { type Command, Option } from "commander";

/** Adds them to the command line. */
export function addWorldVerbs(program: Command): void {
  const json = new Option("--json", "print one JSON document to stdout");
  const engine = new Option("--engine <path>", "the Pulumi CLI to use (default: EVO_PULUMI, PATH, evo's own copy)");
  program
    .command("rehearse <sequence>")
    .description(
      "what happens when something fails: every step and every target, in the simulated world; exit 7 on a red cell",
    )
    .option("--faults <cells>", "all, or cells by place and fault: gateway/eu-west-1=never,flags=fails", "all")
    .option("--patience <duration>", "gates time out after at most this long, whatever they declare", "10s")
    .option("--pace <factor>", "a factor for the world's delays", "0.4")
    .option("--seed <n>", "the world's seed", "1")
    .option("--limit <duration>", "how long a cell may take", "5m")
    .option("--parallel <n>", "how many cells at a time (default: two per core, at most 4, one for every 3 cells)")
    .addOption(engine)
    .addOption(json)
    .addHelpText(
      "after",
      "\nExamples:\n  evo rehearse role-rollout\n  evo rehearse role-rollout --faults gateway/eu-west-1=never,flags\n  evo rehearse role-rollout --json | jq '.results[] | select(.green | not)'\n\nfails: the provider refuses the step's operation. never, slowly, briefly: what was applied never arrives at the\ntarget, arrives late, or is there and gone again. A cell is green if its fault was met, no request of a user failed,\nand consistentWhen said at the end of the run, or of its recovery, that the system is consistent.",
    )
    .action(async (sequence, options) => (await import("./rehearse.js")).rehearse(sequence, options));

  const world = program.command("world").description("reach into a rehearsal's world");
  world
    .command("change <sequence> <resource>")
    .description("change a live resource of the sequence's world past every engine, as a person in a console would")
    .option("--set <path=value>", "a property and its new value; JSON where it is some")
    .option("--delete", "delete the resource")
    .option("--stack <stack>", "only the resource of this stack, where several have the name")
    .addHelpText(
      "after",
      "\nExamples:\n  evo world change role-rollout order-approver --set description=changed\n  evo world change role-rollout orders --delete\n\nA <resource> is its name in the program, <type>::<name>, or its URN.",
    )
    .action(async (sequence, resource, options) => (await import("./world.js")).change(sequence, resource, options));
  world
    .command("fault <sequence> [fault...]")
    .description("make something go wrong in the sequence's world from now on, or set it right again")
    .option("--lift", "end all faults; what they kept back arrives")
    .addHelpText(
      "after",
      "\nExamples:\n  evo world fault role-rollout never-converges:eu-west-1\n  evo world fault role-rollout flaps:eu-west-1/3 fails:flags/prod\n  evo world fault role-rollout --lift\n\nnever-converges:<region>[/<edge>]: no change arrives there. flaps:<region>[/<edge>]: what is changed is seen there for\nhalf a second, and isn't, in turn. fails:<project>/<stack>: the provider refuses to change that stack's resources.",
    )
    .action(async (sequence, faults, options) => (await import("./world.js")).fault(sequence, faults, options));
  world
    .command("log <sequence>")
    .description("what has happened in the sequence's world, by the world's own account")
    .option("--since <time>", "ISO 8601, or an age such as 10m")
    .option("--limit <n>", "at most the newest this many", "100")
    .addOption(json)
    .addHelpText("after", "\nExamples:\n  evo world log role-rollout\n  evo world log role-rollout --since 10m --json")
    .action(async (sequence, options) => (await import("./world.js")).log(sequence, options));
}
