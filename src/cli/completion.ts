/** `evo completion bash | zsh | fish`: made from the command line's own definition, so that it can't fall behind. */
import type { Command } from "commander";
import { print } from "./output.js";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** Prints the script that a shell sources. */
export async function completion(shell: Shell): Promise<void> {
  const { program } = await import("./program.js");
  print(script(program, shell));
}

/** A place in the command line: the words that lead to it, what may follow. */
interface Place {
  readonly path: string;
  readonly verbs: readonly Command[];
  readonly flags: readonly { readonly long: string; readonly description: string }[];
  /** Takes the name of a sequence. */
  readonly sequence: boolean;
}

function placesOf(command: Command, path: readonly string[] = []): readonly Place[] {
  const verbs = command.commands.filter((verb) => verb.name() !== "help");
  const flags = command.options.flatMap(({ long, description }) => (long == null ? [] : [{ long, description }]));
  const sequence = command.registeredArguments.some((argument) => argument.name() === "sequence");
  const own = {
    path: path.join(" "),
    verbs,
    flags: [...flags, { long: "--help", description: "display help" }],
    sequence,
  };
  return [own, ...verbs.flatMap((verb) => placesOf(verb, [...path, verb.name()]))];
}

/** The script as text. */
export function script(program: Command, shell: Shell): string {
  const places = placesOf(program);
  if (shell === "fish") return fish(places);
  const zsh = shell === "zsh" ? ["autoload -U +X bashcompinit && bashcompinit"] : [];
  return [...zsh, ...bash(places)].join("\n");
}

/** Names of sequences: the files of the nearest `sequences` folder. */
const SEQUENCES = [
  "_evo_sequences() {",
  '  local at="$PWD" file',
  '  while [ ! -d "$at/sequences" ] && [ "$at" != "/" ] && [ -n "$at" ]; do at="${at%/*}"; done',
  '  for file in "$at"/sequences/*.ts "$at"/sequences/*.mts "$at"/sequences/*.js "$at"/sequences/*.mjs "$at"/sequences/*.json; do',
  '    [ -f "$file" ] && file="${file##*/}" && echo "${file%.*}"',
  "  done",
  "}",
];

function bash(places: readonly Place[]): readonly string[] {
  const cases = places.map(({ path, verbs, flags, sequence }) => {
    const words = [...verbs.map((verb) => verb.name()), ...flags.map(({ long }) => long)].join(" ");
    return `    ${JSON.stringify(path)}) words="${words}${sequence ? " $(_evo_sequences)" : ""}" ;;`;
  });
  const groups = places.filter(({ verbs }) => verbs.length > 0).map(({ path }) => JSON.stringify(path));
  return [
    ...SEQUENCES,
    "_evo() {",
    '  local word="${COMP_WORDS[COMP_CWORD]}" path="" words="" at=1',
    // Words lead on as long as there are verbs below; what follows a verb is its argument.
    '  while [ "$at" -lt "$COMP_CWORD" ]; do',
    `    case "$path" in ${groups.join("|")}) case "\${COMP_WORDS[at]}" in -*) ;; *) path="\${path:+$path }\${COMP_WORDS[at]}" ;; esac ;; esac`,
    "    at=$((at + 1))",
    "  done",
    '  case "$path" in',
    ...cases,
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    "}",
    "complete -o default -F _evo evo",
  ];
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, verbs, flags, sequence }) => {
    const words = path === "" ? [] : path.split(" ");
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
    const none = `not __fish_seen_subcommand_from ${verbs.map((verb) => verb.name()).join(" ")}`;
    const at = [...(seen === "" ? [] : [seen]), ...(verbs.length === 0 ? [] : [none])].join("; and ");
    const condition = at === "" ? "" : ` -n '${at}'`;
    return [
      ...verbs.map((verb) => `complete -c evo -f${condition} -a ${verb.name()} -d ${quoted(verb.description())}`),
      ...flags.map(
        ({ long, description }) => `complete -c evo${condition} -l ${long.slice(2)} -d ${quoted(description)}`,
      ),
      ...(sequence ? [`complete -c evo${condition} -a '(_evo_sequences)'`] : []),
    ];
  });
  const names = [
    "function _evo_sequences",
    "  for file in sequences/*.{ts,mts,js,mjs,json}",
    "    string replace -r '.*/(.*)\\.\\w+$' '$1' $file",
    "  end",
    "end",
  ];
  return [...names, ...lines].join("\n");
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
