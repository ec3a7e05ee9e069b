/** The only way to the terminal: data on stdout, progress and errors on stderr (DESIGN 9). */
import { relative } from "node:path";
import { EvoError, EXIT, type ExitCode, type SourceLocation } from "../errors.js";

/** Data for whoever reads stdout. */
export function print(lines: string | readonly string[]): void {
  process.stdout.write(`${typeof lines === "string" ? lines : lines.join("\n")}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Progress and remarks. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A line with the time before it. */
export function sayAt(line: string): void {
  const now = new Date();
  say(`${now.toTimeString().slice(0, 8)}  ${line}`);
}

/** Columns of the terminal; 100 where there is none. */
export function columns(): number {
  return process.stdout.columns ?? process.stderr.columns ?? 100;
}

/** Says an error and answers the exit code. An error that evo did not foresee is a bug, and said to be one. */
export function report(error: unknown, asJson: boolean): ExitCode {
  const known = error instanceof EvoError ? error : undefined;
  if (asJson) printJson({ error: known === undefined ? { code: "bug", message: String(error) } : errorData(known) });
  if (known === undefined) {
    say(`evo: a bug in evo: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return EXIT.bug;
  }
  for (const line of describeError(known)) say(line);
  return known.exit;
}

function errorData(error: EvoError) {
  const { code, message, source, at, remedy } = error;
  const problems = "problems" in error ? error.problems : undefined;
  return { code, message, source, at, remedy, problems };
}

function describeError(error: EvoError): readonly string[] {
  const where = error.at === undefined ? [] : [`  at ${place(error.at)}`];
  const remedy = error.remedy === undefined ? [] : [`  → ${error.remedy}`];
  return [`evo: ${error.message}  [${error.code}]`, ...where, ...remedy];
}

function place(at: SourceLocation): string {
  const parts = [relative(process.cwd(), at.file) || at.file, at.line, at.column].filter((part) => part !== undefined);
  return parts.join(":");
}
