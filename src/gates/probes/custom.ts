/** The custom probe: a function of the sequence's author, in evo's own process. */
import { z } from "zod";
import type { CustomProbe, Look } from "../model.js";
import { cannotLook, type Looking } from "./context.js";

const LOOK = z.strictObject({
  verdict: z.enum(["pass", "fail", "inconclusive", "error"]),
  observed: z.json(),
  expected: z.json(),
  message: z.string().optional(),
});

/** Calls the function. What it throws is an error look, and so is an answer that is no look. */
export async function lookCustom(probe: CustomProbe, { context, target, signal }: Looking): Promise<Look> {
  const look = context.customs.get(probe.name);
  if (look === undefined) throw cannotLook(`the sequence has no custom probe ${probe.name}`);
  const answer = LOOK.safeParse(await look(probe.input, { target, signal }));
  if (answer.success) return answer.data as Look;
  const places = answer.error.issues.map((issue) => issue.path.join(".") || "the answer");
  throw cannotLook(`custom probe ${probe.name} answered no look: ${[...new Set(places)].join(", ")}`);
}
