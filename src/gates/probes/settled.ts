/** The settled probe: live and declared agree, that is, a refresh preview of the step's stack shows nothing to do. */
import type { Json, Look, SettledProbe } from "../model.js";
import { cannotLook, type Looking } from "./context.js";

export const EXPECTED_SETTLED: Json = { changes: 0 };

/** Previews a refresh. A preview that could not be made is an error, not a change. */
export async function lookSettled(probe: SettledProbe, { context, signal }: Looking): Promise<Look> {
  const { changes, summary } = await context.settled(probe.step, signal);
  if (!Number.isInteger(changes) || changes < 0) throw cannotLook("the refresh preview gave no number of changes");
  const look = { observed: { changes }, expected: EXPECTED_SETTLED };
  return changes === 0 ? { ...look, verdict: "pass" } : { ...look, verdict: "fail", message: summary };
}
