/** What can be wrong with a sequence, collected: an author sees all of it at once. */
import { EvoError, type SourceLocation } from "../errors.js";
import type { Path } from "./locate.js";

/** One thing that is wrong. `code` is stable: `sequence.unknown-key`. */
export interface Problem {
  readonly code: string;
  /** What is wrong and what was expected: whole sentences. */
  readonly message: string;
  /** What to do about it: one imperative sentence. */
  readonly remedy: string;
  readonly at?: SourceLocation;
}

/** A problem whose place is still one in the data; `word` is the key or text there that is meant. */
export interface Finding extends Omit<Problem, "at"> {
  readonly path: Path;
  readonly word?: string;
}

/** Puts a finding together; codes get their prefix here. */
export function finding(code: string, path: Path, word: string | undefined, message: string, remedy: string): Finding {
  return { code: `sequence.${code}`, path, message, remedy, ...(word === undefined ? {} : { word }) };
}

/** The first letter as a capital, for the start of a sentence. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** All problems of one sequence (exit 2). `at` is the place of the first; the message lists every one. */
export class SequenceError extends EvoError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly [Problem, ...Problem[]]) {
    const [first, ...others] = problems;
    const remedy = others.length === 0 ? first.remedy : "Correct them; evo validate checks again.";
    const options = { remedy, ...(first.at === undefined ? {} : { at: first.at }) };
    super("sequence.invalid", others.length === 0 ? first.message : listed(problems), options);
    this.name = "SequenceError";
    this.problems = problems;
  }
}

/** `file:line:column`, as editors and terminals link it. */
export function showLocation(at: SourceLocation): string {
  return [at.file, at.line, at.column].filter((part) => part !== undefined).join(":");
}

function listed(problems: readonly Problem[]): string {
  const lines = problems.map(({ at, message, remedy }) => {
    const place = at === undefined ? "" : `${showLocation(at)}: `;
    return `  ${place}${message} ${remedy}`;
  });
  return [`${problems.length} problems in the sequence:`, ...lines].join("\n");
}
