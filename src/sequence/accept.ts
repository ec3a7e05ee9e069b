/** What `evo lint` can find, by code: the keys that an author may accept, each with a reason. */

/** Stable: sequences name them. */
export const LINT_CODES = [
  "order-missing",
  "order-unneeded",
  "no-gate",
  "inert-gate",
  "timeout-too-short",
  "window-below-interval",
  "nobodys-recovery",
] as const;

export type LintCode = (typeof LINT_CODES)[number];

/** Findings that the author accepts here and below, each with why; says nothing to a run. */
export type Accept = { readonly [code in LintCode]?: string };
