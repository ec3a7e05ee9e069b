/** docs/usage.md: every verb with its arguments, options and examples, from the command line's own definition. */
import type { Command, Option } from "commander";

/** The page as Markdown. */
export function usage(program: Command): string {
  const verbs = program.commands.flatMap(leaves);
  const head = [
    "# Usage",
    "",
    "Written by `npm run docs` from `evo --help`; every verb says the same with `--help`.",
    "",
    ...after(program),
  ];
  return [...head, ...verbs.flatMap(verbLines)].join("\n");
}

/** The verbs below a group of them, groups in groups included; a verb is its own. */
function leaves(command: Command): readonly Command[] {
  return command.commands.length > 0 ? command.commands.flatMap(leaves) : [command];
}

/** `ledger keys `: the groups around a verb. */
function groupsOf({ parent }: Command): string {
  return parent?.parent == null ? "" : `${groupsOf(parent)}${parent.name()} `;
}

function verbLines(verb: Command): readonly string[] {
  const parent = groupsOf(verb);
  const options = verb.options.map((option) => `| \`${escaped(option.flags)}\` | ${escaped(meaning(option))} |`);
  const table = options.length === 0 ? [] : ["| option | |", "| --- | --- |", ...options, ""];
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
    ...after(verb),
  ];
}

function meaning({ description, argChoices, defaultValue }: Option): string {
  const choices = argChoices === undefined ? [] : [argChoices.join(", ")];
  const preset = defaultValue === undefined ? [] : [`default ${defaultValue}`];
  const more = [...choices, ...preset].join("; ");
  return more === "" ? description : `${description} (${more})`;
}

/** Examples as code, and what is said behind them as text. */
function after(verb: Command): readonly string[] {
  const [examples, ...paragraphs] = helpAfter(verb).split("\n\n");
  if (examples === undefined || examples === "") return [];
  return ["```sh", examples, "```", "", ...paragraphs.flatMap((paragraph) => [escapedText(paragraph), ""])];
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
  if (at < 0) return "";
  return text
    .slice(at + "\nExamples:\n".length)
    .replace(/^ {2}/gm, "")
    .trim();
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** `<sequence>` is no HTML. */
function escapedText(text: string): string {
  return text.replaceAll("<", "\\<");
}
