/** What lint finds, and the words that all its rules use. */
import type { LintCode } from "../sequence/accept.js";
import type { Path } from "../sequence/locate.js";

/** Something that may be wrong. `path` is its place in the sequence's data, `word` a text there that is meant. */
export interface LintFinding {
  readonly code: LintCode;
  readonly path: Path;
  readonly word?: string;
  /** What it is and why that matters: whole sentences. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** The longest time, in milliseconds, that a gate has needed in earlier runs, and in which of them. */
export type GateHistory = ReadonlyMap<string, { readonly needed: number; readonly run: string }>;

/** How to accept a finding; the same words everywhere. */
export function orAccept(code: LintCode): string {
  return `or accept it: accept: { "${code}": "why" }`;
}
