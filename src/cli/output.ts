/** The only way to the terminal: data on stdout, progress and errors on stderr (DESIGN 9). */
import { relative } from "node:path";
import { EvoError, EXIT, type ExitCode, type SourceLocation } from "../errors.js";
import { createRedactor, secretsInEnvironment } from "../redact.js";
import type { Problem } from "../sequence/problems.js";
import { utcTime, wrap } from "../views/text.js";
import { annotation, harmless, harmlessJson, onGitHub } from "./github.js";
import { isRead } from "./readers.js";

export { isRead } from "./readers.js";

/** What is printed there is read for commands: only evo's own may be any. */
const github = onGitHub(process.env);

/** Data for whoever reads stdout. */
export function print(lines: string | readonly string[]): void {
  const text = typeof lines === "string" ? lines : lines.join("\n");
  write(github ? harmless(text) : text);
}

/** A JSON document. */
export function printJson(value: unknown): void {
  printData(JSON.stringify(value, null, 2));
}

/** A JSON value as a line of ndjson. */
export function printLine(value: unknown): void {
  printData(JSON.stringify(value));
}

/** JSON as text, whole or a part of a document that ends with a line. */
export function printData(json: string): void {
  write(github ? harmlessJson(json) : json);
}

function write(text: string): void {
  if (isRead()) process.stdout.write(`${text}\n`);
}

/** Takes what is said while a tree stands on the terminal. */
let above: ((text: string) => void) | undefined;

/** From now on remarks are given to `write`, who puts them above a tree; undefined: straight to stderr again. */
export function sayAbove(write: ((text: string) => void) | undefined): void {
  above = write;
}

/** Progress and remarks. */
export function say(line: string): void {
  if (above !== undefined) above(line);
  else process.stderr.write(`${github ? harmless(line) : line}\n`);
}

/** Commands for a GitHub runner, made by github.ts. */
export function sayCommands(lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`${line}\n`);
}

/** A line with the time before it; what doesn't fit on a terminal goes on below, beside the time. */
export function sayAt(line: string): void {
  const [first = "", ...others] = line.split("\n");
  const time = timestamp();
  const beside = " ".repeat(time.length + 2);
  const lines = [`${time}  ${first}`, ...others.map((other) => beside + other)];
  say(lines.flatMap((one) => wrap(one, widthOf(process.stderr), `${beside}  `)).join("\n"));
}

/** The wall clock for who sits at a terminal; a log is read elsewhere and later, so there it is UTC, with its date. */
export function timestamp(): string {
  return process.stderr.isTTY ? new Date().toTimeString().slice(0, 8) : utcTime(Date.now());
}

/** Columns of the terminal that stdout is; no limit where it is none: who reads a pipe or a file wants all of it. */
export function columns(): number {
  return widthOf(process.stdout);
}

function widthOf(stream: NodeJS.WriteStream): number {
  // A terminal that nobody has given a size says 0.
  return stream.isTTY && stream.columns > 0 ? stream.columns : Number.POSITIVE_INFINITY;
}

/** How errors reach a program that reads stdout: as a JSON document, as a line of ndjson, or not at all. */
export type ErrorFormat = "json" | "ndjson" | "text";

/** Says an error and answers the exit code. An error that evo did not foresee is a bug, and said to be one. */
export function report(error: unknown, format: ErrorFormat): ExitCode {
  const { data, lines, exit, stub } = error instanceof EvoError ? foreseen(error) : bug(error);
  // The last net: what is said of an error carries no secret of the environment (invariant 11).
  const redactor = createRedactor(secretsInEnvironment(process.env));
  const shown = { ...(redactor.json(JSON.parse(JSON.stringify(data))) as object), stub };
  if (format === "json") printJson({ error: shown });
  if (format === "ndjson") printLine({ kind: "error", error: shown });
  for (const line of lines) say(redactor.apply(line));
  if (stub !== undefined) say(`\n${stub}`);
  if (github) annotate(error, redactor.apply);
  return exit;
}

/** On GitHub an error stands beside the line that it is about, too. */
function annotate(error: unknown, redact: (text: string) => string): void {
  const workspace = process.env.GITHUB_WORKSPACE ?? process.cwd();
  const notes = notesOn(error).map((note) => ({ ...note, severity: "error" as const, message: redact(note.message) }));
  sayCommands(notes.map((note) => annotation(note, workspace)));
}

/** A sequence can have several problems, each at a place of its own. */
function notesOn(error: unknown): readonly Note[] {
  if (!(error instanceof EvoError)) return [{ title: "a bug in evo", message: String(error) }];
  const problems = "problems" in error ? (error.problems as readonly EvoError[]) : [error];
  return problems.map(({ code, message, remedy, at }) => ({
    title: `evo: ${code}`,
    message: remedy === undefined ? message : `${message}\n→ ${remedy}`,
    at,
  }));
}

interface Note {
  readonly title: string;
  readonly message: string;
  readonly at?: SourceLocation | undefined;
}

interface Said {
  readonly data: object;
  readonly lines: readonly string[];
  readonly exit: ExitCode;
  /** To be pasted, so it is printed as it is: names, and values that are made up. */
  readonly stub?: string;
}

function foreseen(error: EvoError): Said {
  const { code, message, source, exit, at, remedy } = error;
  const problems = "problems" in error ? (error.problems as readonly Problem[]) : undefined;
  const where = at === undefined ? [] : [`  at ${place(at)}`];
  const what = remedy === undefined ? [] : [`  → ${remedy}`];
  const lines =
    problems !== undefined && problems.length > 1
      ? [`evo: ${problems.length} problems in the sequence  [${code}]`, ...problems.flatMap(problemLines)]
      : [`evo: ${message}  [${code}]`, ...where, ...what];
  const width = widthOf(process.stderr);
  const data = { code, message, source, exit, at, remedy, problems };
  const stub = "stub" in error ? { stub: String(error.stub) } : {};
  const single = lines.flatMap((line) => line.split("\n"));
  return { data, lines: single.flatMap((line) => wrap(line, width, "    ")), exit, ...stub };
}

/** `file:line:column` as a terminal links it, what is wrong, what to do. */
function problemLines({ at, message, remedy }: Problem): readonly string[] {
  return [`  ${at === undefined ? "" : `${place(at)}: `}${message}`, `    → ${remedy}`];
}

function bug(error: unknown): Said {
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  const remedy = "please report it; nothing that was recorded is lost, and evo status says where things stand";
  return {
    data: { code: "bug", message, source: "evo", exit: EXIT.bug, remedy },
    lines: [`evo: this is a bug in evo: ${stack}`, `  → ${remedy}`],
    exit: EXIT.bug,
  };
}

function place(at: SourceLocation): string {
  const parts = [relative(process.cwd(), at.file) || at.file, at.line, at.column].filter((part) => part !== undefined);
  return parts.join(":");
}
