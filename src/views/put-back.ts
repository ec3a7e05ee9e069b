/** Words for a step that is put to a recorded state. Pure. */
import type { StepNode } from "../plan/model.js";
import type { OperationIntent } from "../run/events.js";

/** Whose state it is put to, and the git commit of its program. */
export interface PutBack {
  readonly operation: string;
  readonly commit: string;
}

/** What the plan has frozen; nothing for a step that runs what is there. */
export function putBackOf({ earlier }: StepNode): PutBack | undefined {
  return earlier && { operation: earlier.operation, commit: earlier.commit };
}

/** What an intent says. */
export function putBackBy({ asOf, source }: Pick<OperationIntent, "asOf" | "source">): PutBack | undefined {
  return asOf === undefined ? undefined : { operation: asOf, commit: source.commit ?? "?" };
}

/** `put back to rollout-k3m9xa.app.1.up, commit 1a2b3c4d5e6f`. */
export function describePutBack({ operation, commit }: PutBack): string {
  return `put back to ${operation}, commit ${commit.slice(0, 12)}`;
}
