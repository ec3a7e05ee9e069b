/**
 * GitHub Actions reads commands in what a job prints, on both streams: `::error file=...::message` at the beginning of a
 * line, and the older `##[error]` anywhere in one (actions/runner, ActionCommand.cs). evo's own are made here, escaped as
 * the runner takes them back; whatever else is printed there is made harmless here, so that no program's output, no
 * answer of a server and no name can be taken for one.
 */
import { isAbsolute, relative } from "node:path";
import type { SourceLocation } from "../errors.js";

/** Whether what is printed is read by a runner. */
export function onGitHub(env: NodeJS.ProcessEnv): boolean {
  return env.GITHUB_ACTIONS === "true";
}

// ------------------------------------------------------------------------------------------------------- commands

export type Severity = "error" | "warning" | "notice";

/** A note beside a line of the sequence, or of the run as a whole where no place is known. */
export interface Annotation {
  readonly severity: Severity;
  readonly title: string;
  readonly message: string;
  readonly at?: SourceLocation | undefined;
}

/** The command for an annotation. `workspace`: the checkout, which files are named from. */
export function annotation({ severity, title, message, at }: Annotation, workspace: string): string {
  const place = { file: at && within(workspace, at.file), line: at?.line, col: at?.column };
  return command(severity, message, { ...place, title });
}

/** Lines that can be folded away below a title. Groups don't nest: all of one is printed at once. */
export function group(title: string, lines: readonly string[]): readonly string[] {
  return [command("group", title), ...lines.map(harmless), command("endgroup", "")];
}

function command(
  name: string,
  data: string,
  properties: { readonly [name: string]: string | number | undefined } = {},
): string {
  const given = Object.entries(properties).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${property(String(value))}`],
  );
  return `::${[name, given.join(",")].filter((part) => part !== "").join(" ")}::${escaped(data)}`;
}

function escaped(data: string): string {
  return data.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(value: string): string {
  return escaped(value).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** Annotations name files as the repository does. */
function within(workspace: string, file: string): string {
  const path = relative(workspace, file);
  return path === "" || path.startsWith("..") || isAbsolute(path) ? file : path;
}

// ------------------------------------------------------------------------------------------------------- harmless

/**
 * What is neither letter, digit, punctuation nor symbol: spaces, controls, marks, characters without a width. The runner
 * trims some of them, and compares by culture, which overlooks others.
 */
const OVERLOOKED = "[^\\p{L}\\p{N}\\p{P}\\p{S}]*";
const COMMAND = new RegExp(`^(${OVERLOOKED})(?=:${OVERLOOKED}:)`, "u");
const OLD_COMMAND = new RegExp(`(#${OVERLOOKED}#${OVERLOOKED})\\[`, "gu");

/** The same text for a reader, and no command for the runner: a backslash stands before what it would obey. */
export function harmless(text: string): string {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => line.replace(COMMAND, "$1\\").replace(OLD_COMMAND, "$1\\["))
    .join("\n");
}

/** The same JSON value, and no command: no line of JSON begins with a colon, and in its texts a bracket has another form. */
export function harmlessJson(json: string): string {
  return json.replace(OLD_COMMAND, "$1\\u005b");
}
