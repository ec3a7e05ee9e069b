/**
 * What a valid sequence may still have wrong: an order that is too narrow or too broad, boundaries and gates that hold
 * nothing back, times that can't work. Each finding has a reason, and can be accepted in the sequence with another one.
 */
import type { Accept } from "../sequence/accept.js";
import type { Sequence } from "../sequence/model.js";
import { dependenciesOf, type Unknown } from "./dependencies.js";
import type { GateHistory, LintFinding } from "./finding.js";
import { gateFindings } from "./lint-gates.js";
import { orderFindings } from "./lint-order.js";
import { recoveryFindings } from "./lint-recovery.js";

export type { GateHistory, LintFinding } from "./finding.js";

export interface AcceptedFinding extends LintFinding {
  /** The author's reason. */
  readonly reason: string;
}

export interface LintResult {
  readonly findings: readonly LintFinding[];
  readonly accepted: readonly AcceptedFinding[];
  /** References whose stack can't be told from the text: orders that they need are not judged. */
  readonly unknown: readonly Unknown[];
}

/**
 * Looks at a valid sequence and the programs of its steps. `root`: the folder that its paths are relative to; `history`:
 * how long its gates have needed; `answers`: whether a sequence beside it names it as its recovery (undefined: not known).
 */
export function lint(
  sequence: Sequence,
  root: string,
  history: GateHistory = new Map(),
  answers?: boolean | undefined,
): LintResult {
  const dependencies = dependenciesOf(sequence, root);
  const all = [
    ...orderFindings(sequence, dependencies),
    ...gateFindings(sequence, history),
    ...recoveryFindings(sequence, answers),
  ];
  const judged = all.map((finding) => ({ finding, reason: reasonFor(sequence, finding) }));
  return {
    findings: judged.flatMap(({ finding, reason }) => (reason === undefined ? [finding] : [])),
    accepted: judged.flatMap(({ finding, reason }) => (reason === undefined ? [] : [{ ...finding, reason }])),
    unknown: dependencies.unknown,
  };
}

/** The nearest acceptance around the place of a finding. */
function reasonFor(sequence: Sequence, { code, path }: LintFinding): string | undefined {
  let data: unknown = sequence;
  let reason = sequence.accept?.[code];
  for (const key of path) {
    data = (data as { [key: PropertyKey]: unknown } | undefined)?.[key];
    reason = (data as { accept?: Accept } | undefined)?.accept?.[code] ?? reason;
  }
  return reason;
}
