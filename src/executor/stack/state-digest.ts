/** The digest of a stack's state where its file is out of reach. */
import { sha256 } from "../../canonical.js";
import { askEngine } from "../operation/engine-process.js";
import type { HostOrder } from "../operation/order.js";

/** sha256 of `pulumi stack export`, which is the same text as long as the state is the same. */
export async function exportDigest(
  order: Pick<HostOrder, "engine" | "env" | "project" | "stackName">,
): Promise<string> {
  const { engine, env, project, stackName } = order;
  const args = ["stack", "export", "--stack", stackName, "--non-interactive"];
  const answer = await askEngine({ engine: engine.path, args, cwd: project.directory, env });
  if (answer.code !== 0) throw new Error(answer.stderr.trim());
  return sha256(answer.stdout);
}
