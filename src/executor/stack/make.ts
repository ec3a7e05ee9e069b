/** Makes an empty stack. The user's selected stack stays what it is. */
import { EvoError } from "../../errors.js";
import { askEngine } from "../operation/engine-process.js";
import type { HostOrder } from "../operation/order.js";

/** `cwd`: a folder with the project's file, beside which the stack's settings are written. Error: `stack.make`. */
export async function makeStack(
  { engine, env, stackName }: Pick<HostOrder, "engine" | "env" | "stackName">,
  cwd: string,
): Promise<void> {
  const args = ["stack", "init", stackName, "--no-select", "--non-interactive"];
  const answer = await askEngine({ engine: engine.path, args, cwd, env });
  if (answer.code === 0) return;
  throw new EvoError("stack.make", `${stackName} could not be made: ${answer.stderr.trim()}`, { source: "engine" });
}
