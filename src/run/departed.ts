/** A run halts for what evo did not do (invariant 9): the entry that says so. Pure. */
import type { NodeId } from "../plan/model.js";
import type { Proposed } from "./gates.js";
import type { Departed } from "./ports.js";

/** Halts before the step, where one is about to be operated; a person who has seen it resumes. */
export function departedHalt(departed: readonly Departed[], at: number, node?: NodeId): Proposed {
  const reason = departed.map(({ summary }) => summary).join("; ");
  return {
    event: { type: "run.halted", at, cause: "departed", reason, ...(node === undefined ? {} : { node }) },
    causes: departed.map(({ entry }) => entry),
  };
}
