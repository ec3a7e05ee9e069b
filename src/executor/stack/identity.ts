/** Which stack a step means and what would run there, found without starting an engine. */
import { existsSync } from "node:fs";
import { EvoError } from "../../errors.js";
import type { StepNode } from "../../plan/model.js";
import type { StackIdentity } from "../../run/ports.js";
import { didYouMean } from "../../sequence/suggest.js";
import { type BackedStack, locateStack, pulumiHome, stackIdentity, stacksBeside } from "./backend.js";
import { type Project, readProject, readStackSettings, shortStackName } from "./project.js";
import { sourceDigest } from "./sources.js";

type Env = { readonly [name: string]: string };

export interface FoundStack {
  readonly project: Project;
  readonly stack: BackedStack;
}

/** Errors: as `readProject`, and `stack.not-logged-in`. */
export function findStack(node: StepNode, root: string, env: Env): FoundStack {
  const project = readProject(node, root);
  return { project, stack: locateStack(project, node.stack.stack, env) };
}

/** Errors: as `findStack`, and `stack.missing`, `stack.no-passphrase`, `stack.no-token`. */
export async function identifyStack(node: StepNode, root: string, env: Env): Promise<StackIdentity> {
  const { project, stack } = findStack(node, root, env);
  demandUsable(node, { project, stack }, env);
  return { stack: stackIdentity(stack), source: await sourceDigest(project, node.stack.dir) };
}

/** Errors: `stack.missing`, `stack.no-passphrase`, `stack.no-token`. */
export function demandUsable(node: StepNode, { project, stack }: FoundStack, env: Env): void {
  demandAccess(node, project, stack, env);
  demandStack(node, project, stack);
}

function demandStack(node: StepNode, project: Project, stack: BackedStack): void {
  if (stack.kind !== "file" || node.options.createStack === true || existsSync(stack.checkpoint)) return;
  const suggestion = didYouMean(shortStackName(node.stack.stack), stacksBeside(stack));
  throw new EvoError(
    "stack.missing",
    `step ${node.id}: there is no stack ${stack.name} in ${stack.url}.${suggestion}`,
    {
      at: { file: project.file },
      remedy: `run \`pulumi stack init ${node.stack.stack}\` in ${project.directory}, or set createStack: true on the step`,
    },
  );
}

/** The passphrase of a stack whose secrets no key service keeps, or the token of Pulumi Cloud. */
function demandAccess(node: StepNode, project: Project, stack: BackedStack, env: Env): void {
  if (stack.kind === "remote" && stack.cloud) {
    demandToken(stack.url, env);
    return;
  }
  const provider = readStackSettings(project, node.stack.stack)?.secretsprovider;
  const byPassphrase = provider === undefined || provider === "passphrase" || provider === "default";
  if (!byPassphrase || "PULUMI_CONFIG_PASSPHRASE" in env || env["PULUMI_CONFIG_PASSPHRASE_FILE"]) return;
  throw new EvoError("stack.no-passphrase", `step ${node.id}: the passphrase of stack ${stack.name} is not set`, {
    at: { file: project.file },
    remedy: "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE (an empty passphrase must be set, too)",
  });
}

function demandToken(url: string, env: Env): void {
  if (env["PULUMI_ACCESS_TOKEN"] || existsSync(`${env["PULUMI_CREDENTIALS_PATH"] || pulumiHome(env)}/credentials.json`))
    return;
  throw new EvoError("stack.no-token", `nobody is logged in to ${url}`, {
    remedy: `run \`pulumi login ${url}\` or set PULUMI_ACCESS_TOKEN`,
  });
}
