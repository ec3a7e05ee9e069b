/** The Automation API's `Stack`, driven with a command of our own: it knows how an option becomes an argument. */
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { LocalWorkspace } from "@pulumi/pulumi/automation/localWorkspace.js";
import { Stack as StackClass } from "@pulumi/pulumi/automation/stack.js";
import { type CommandHooks, ownCommand } from "./command.js";
import type { HostOrder } from "./order.js";

/** The stack, made first if the step says so and it isn't there. The user's selected stack stays what it is. */
export async function openStack(order: HostOrder, create: boolean, hooks: CommandHooks): Promise<Stack> {
  const workspace = await LocalWorkspace.create({
    workDir: order.project.directory,
    pulumiCommand: ownCommand(order, hooks),
  });
  if (!create) return StackClass.select(order.stackName, workspace);
  return StackClass.create(order.stackName, workspace).catch((error: Error) => {
    if (/already exists/.test(error.message)) return StackClass.select(order.stackName, workspace);
    throw error;
  });
}

type Settled = Promise<unknown>;

/** One process: the engine previews, is held, updates. */
export function attempt(stack: Stack, order: HostOrder, configFile: string | undefined): Settled {
  return stack.up(upOptions(order, configFile));
}

/** The first of two processes. */
export function preview(stack: Stack, order: HostOrder, configFile: string | undefined): Settled {
  if (order.verb === "up") return stack.preview(upOptions(order, configFile));
  if (order.verb === "destroy") return stack.destroy({ ...destroyOptions(order, configFile), previewOnly: true });
  return stack.refresh({ ...refreshOptions(order, configFile), previewOnly: true });
}

/** The second of two processes. */
export function update(stack: Stack, order: HostOrder, configFile: string | undefined): Settled {
  if (order.verb === "up") return stack.up(upOptions(order, configFile));
  if (order.verb === "destroy") return stack.destroy(destroyOptions(order, configFile));
  return stack.refresh(refreshOptions(order, configFile));
}

/** `expectNoChanges` of an up is judged at its preview, before anything has changed. */
function upOptions(order: HostOrder, configFile: string | undefined) {
  const { replace, refresh, policyPacks } = order.options;
  return {
    ...common(order, configFile),
    ...(replace === undefined ? {} : { replace: [...replace] }),
    ...(refresh === undefined ? {} : { refresh }),
    ...(policyPacks === undefined ? {} : { policyPacks: [...policyPacks] }),
  };
}

function destroyOptions(order: HostOrder, configFile: string | undefined) {
  const { refresh } = order.options;
  return { ...common(order, configFile), ...(refresh === undefined ? {} : { refresh }) };
}

function refreshOptions(order: HostOrder, configFile: string | undefined) {
  const { expectNoChanges } = order.options;
  return { ...common(order, configFile), ...(expectNoChanges === undefined ? {} : { expectNoChanges }) };
}

function common(order: HostOrder, configFile: string | undefined) {
  const { targets, targetDependents, parallel } = order.options;
  return {
    message: `evo ${order.operation}`,
    color: "never" as const,
    userAgent: "evo",
    ...(targets === undefined ? {} : { target: [...targets] }),
    ...(targetDependents === undefined ? {} : { targetDependents }),
    ...(parallel === undefined ? {} : { parallel }),
    ...(configFile === undefined ? {} : { configFile }),
  };
}
