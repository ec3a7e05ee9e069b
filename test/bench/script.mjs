/** The peer: a plain script on the Automation API, as its documentation shows it. script.mjs <engine> <place> <stack...> */
import { dirname, join } from "node:path";
import { LocalWorkspace, PulumiCommand } from "@pulumi/pulumi/automation/index.js";

const [engine, place, ...names] = process.argv.slice(2);
process.env.PATH = `${dirname(engine)}:${process.env.PATH}`;
const pulumiCommand = await PulumiCommand.get({ root: undefined });
for (const name of names) {
  const stack = await LocalWorkspace.createOrSelectStack(
    { stackName: "dev", workDir: join(place, "stacks", name) },
    { pulumiCommand },
  );
  await stack.preview();
  const { outputs } = await stack.up();
  if (outputs.arn === undefined) throw new Error(`${name} has no output`);
}
