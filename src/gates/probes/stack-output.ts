/** The stackOutput probe: an output of a step's stack, as its last update left it. */
import type { Json, Look, StackOutputProbe } from "../model.js";
import type { Looking } from "./context.js";
import { expectedOf, matches, shown } from "./match.js";
import { readOutput } from "./values.js";

/** Reads and judges the output. A secret one is compared, and shown only as "secret" (invariant 11). */
export async function lookStackOutput(probe: StackOutputProbe, looking: Looking): Promise<Look> {
  const found = await readOutput(probe.step, probe.path, looking);
  const verdict = matches(probe, found) ? "pass" : "fail";
  const observed = found.found && found.secret ? "secret" : shown(probe, found);
  return { verdict, observed: { [probe.path]: observed }, expected: expectedStackOutput(probe) };
}

/** What the probe expects, in the shape of what it observes. */
export function expectedStackOutput(probe: StackOutputProbe): Json {
  return { [probe.path]: expectedOf(probe) };
}
