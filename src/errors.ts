/** The one error class of evo, and the exit codes that the CLI promises (DESIGN 9). */

/** Exit codes; the first cause wins. Documented in the README. */
export const EXIT = {
  done: 0,
  error: 1,
  usage: 2,
  awaitsPerson: 3,
  gateFailed: 4,
  inconclusive: 5,
  locked: 6,
  departures: 7,
  aborted: 8,
  ledgerUnavailable: 9,
  ledgerBroken: 10,
  bug: 255,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Who has to act: the person at the keyboard, evo's authors, or the engine and what it talks to. */
export type ErrorSource = "user" | "evo" | "engine";

/** Where in a source file something is wrong; lines and columns count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

export interface EvoErrorOptions {
  readonly source?: ErrorSource;
  readonly exit?: ExitCode;
  readonly at?: SourceLocation;
  /** What to do about it: one imperative sentence or an exact command. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * An error that evo foresaw. `code` is stable and machine-readable (`sequence.unknown-key`), `message` says what is
 * wrong and what was expected, `remedy` says what to do. Anything else that is thrown is a bug in evo (exit 255).
 * A message never carries a secret (invariant 11).
 */
export class EvoError extends Error {
  readonly code: string;
  readonly source: ErrorSource;
  readonly exit: ExitCode;
  readonly at: SourceLocation | undefined;
  readonly remedy: string | undefined;

  constructor(code: string, message: string, options: EvoErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "EvoError";
    this.code = code;
    this.source = options.source ?? "user";
    this.exit = options.exit ?? (this.source === "user" ? EXIT.usage : EXIT.error);
    this.at = options.at;
    this.remedy = options.remedy;
  }
}
