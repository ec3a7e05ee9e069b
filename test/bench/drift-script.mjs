/**
 * The peer: a plain script that calls `previewRefresh` on one stack after the other, as the Automation API's
 * documentation shows it. drift-script.mjs <engine> <place> <answer> <stack...>; the answer: names of what has drifted.
 */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { LocalWorkspace, PulumiCommand } from "@pulumi/pulumi/automation/index.js";

const [engine, place, answer, ...names] = process.argv.slice(2);
process.env.PATH = `${dirname(engine)}:${process.env.PATH}`;
const pulumiCommand = await PulumiCommand.get({ root: undefined });
const drifted = [];
for (const name of names) {
  const workDir = join(place, "stacks", name);
  const stack = await LocalWorkspace.selectStack({ stackName: "dev", workDir }, { pulumiCommand });
  const { changeSummary } = await stack.previewRefresh();
  if ((changeSummary.update ?? 0) + (changeSummary.delete ?? 0) > 0) drifted.push(name);
}
writeFileSync(answer, JSON.stringify(drifted));
