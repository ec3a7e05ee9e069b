/** docs/usage.md: every verb with its arguments, options and examples, from the command line's own definition. */
import type { Command } from "commander";

/** The page as Markdown. */
export function usage(program: Command): string {
  const verbs = program.commands.flatMap((command) => (command.commands.length > 0 ? command.commands : [command]));
  const head = [
    "# Usage",
    "",
    "Written by `npm run docs` from `evo --help`; every verb says the same with `--help`.",
    "",
  ];
  return [...head, ...verbs.flatMap(verbLines)].join("\n");
}

function verbLines(verb: Command): readonly string[] {
  const parent = verb.parent?.parent == null ? "" : `${verb.parent.name()} `;
  const options = verb.options.map((option) => `| \`${escaped(option.flags)}\` | ${escaped(option.description)} |`);
  const table = options.length === 0 ? [] : ["| option | |", "| --- | --- |", ...options, ""];
  const after = helpAfter(verb);
  return [
    `## evo ${parent}${verb.name()}`,
    "",
    `${verb.description()}`,
    "",
    "```",
    `evo ${parent}${verb.name()} ${verb.usage()}`.trimEnd(),
    "```",
    "",
    ...table,
    ...(after === "" ? [] : ["```sh", after, "```", ""]),
  ];
}

/** Examples are text that commander adds behind the help proper. */
function helpAfter(verb: Command): string {
  const written: string[] = [];
  const before = verb.configureOutput();
  verb.configureOutput({ ...before, writeOut: (text) => void written.push(text) });
  verb.outputHelp();
  verb.configureOutput(before);
  const text = written.join("");
  const at = text.indexOf("\nExamples:\n");
  return at < 0
    ? ""
    : text
        .slice(at + "\nExamples:\n".length)
        .replace(/^ {2}/gm, "")
        .trim();
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|");
}
