/** The executor: everything Pulumi, behind the machine's port (DESIGN 5). */
import { existsSync } from "node:fs";
import { EvoError } from "../errors.js";
import type { StepNode } from "../plan/model.js";
import type { Executor, OperationRequest } from "../run/ports.js";
import { backendFor, findProgram, identify, settingsHome } from "./earlier/find.js";
import { languageHostFor } from "./language-host/choose.js";
import { languageHostPath } from "./language-host/install.js";
import { makeOperationDirectory, operationDirectory, signal } from "./operation/directory.js";
import { engineEnvironment } from "./operation/environment.js";
import { followOperation } from "./operation/follow.js";
import { inspectedFromAfar } from "./operation/inspected.js";
import { createHostLauncher, type HostLauncher } from "./operation/launch.js";
import type { HostOrder } from "./operation/order.js";
import { environmentLookup, stepValues } from "./operation/values.js";
import type { ExecutorReads, ExecutorSettings, StackMaker } from "./settings.js";
import { stackIdentity } from "./stack/backend.js";
import { type DriftQuestion, refreshPreview } from "./stack/drift.js";
import { findStack } from "./stack/identity.js";
import { liveDrift } from "./stack/live.js";
import { makeStack } from "./stack/make.js";
import { createOutputsReader } from "./stack/outputs.js";
import { previewStep } from "./stack/preview.js";
import type { Project } from "./stack/project.js";
import { twinsOf } from "./stack/twins.js";
import { changedBy, viewStack } from "./stack/view.js";

export { createHostLauncher, type HostLauncher } from "./operation/launch.js";
export type { ExecutorReads, ExecutorSettings, StackMaker, StackOutput } from "./settings.js";
export type { Twin } from "./stack/twins.js";

/** The executor of one evo process. It holds nothing that has to be closed: engines and their hosts live on their own. */
export function createExecutor(
  settings: ExecutorSettings,
  launcher: HostLauncher = createHostLauncher(),
): Executor & ExecutorReads & StackMaker {
  const readOutputs = createOutputsReader();
  const { home, env, engine } = settings;
  const directoryOf = (operation: string): string => operationDirectory(home, operation);
  return {
    identify: (node, root) => identify(settings, node, root),
    start: async (request) => {
      const order = await orderOf(settings, request, "begin");
      demandNew(home, request);
      await launcher.launch(order);
    },
    follow: (request, aborted) =>
      followOperation({
        directory: directoryOf(request.intent.operation),
        signal: aborted,
        takeUp: async () => launcher.launch(await orderOf(settings, request, "observe")),
        withoutDirectory: async () => inspectedFromAfar(await orderOf(settings, request, "observe"), request.previewed),
      }),
    accept: async (operation) => void signal(directoryOf(operation), "accept"),
    refuse: async (operation, reason) => void signal(directoryOf(operation), "refuse", reason),
    cancel: async (operation) => void signal(directoryOf(operation), "cancel"),
    outputs: (node, root) => readOutputs({ engine, env, ...named(node), ...findStack(node, root, env) }),
    refreshPreview: (node, root, aborted) => refreshPreview(lookAt(settings, node, root), aborted),
    twins: (node, root, urns) => twinsOf(findStack(node, root, env).stack, urns),
    drift: (node, root, aborted) => liveDrift(lookAt(settings, node, root), aborted),
    make: async (node, root) => {
      const { stack, project, settingsHome: beside = project.directory, ...order } = lookAt(settings, node, root);
      if (node.options.createStack !== true || stack.kind !== "file" || existsSync(stack.checkpoint)) return;
      await makeStack(order, beside);
    },
    locate: (node, root) => stackIdentity(findStack(node, root, env).stack),
    view: async (node, root, after) => viewStack({ engine, env, ...named(node), ...findStack(node, root, env) }, after),
    changed: (node, root, change) => changedBy({ engine, env, ...named(node), ...findStack(node, root, env) }, change),
    preview: async (node, root, aborted) => previewStep(await previewOrder(settings, node, root), home, aborted),
  };
}

/** What a look at a stack's live system needs. */
function lookAt(settings: ExecutorSettings, node: StepNode, root: string): DriftQuestion {
  const { engine, home } = settings;
  const found = findStack(node, root, settings.env);
  const { project } = found;
  const env = readEnvironment(settings, node, project);
  const own = settingsHome(settings, node, { ...found, today: project });
  return { engine, home, env, ...named(node), ...found, ...own };
}

function named(node: StepNode): { stackName: string } {
  return { stackName: node.stack.stack };
}

/** An operation is never begun twice, whoever asks (invariant 5). */
function demandNew(home: string, { intent }: OperationRequest): void {
  try {
    makeOperationDirectory(home, intent.operation);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new EvoError("operation.begun", `operation ${intent.operation} was begun before`, { source: "evo" });
  }
}

/** evo's own language host, where it serves the program of this project. */
function pluginsFor(settings: ExecutorSettings, node: StepNode, project: Project): string | undefined {
  const choice = languageHostFor({
    programDir: project.programDirectory,
    runtime: project.runtime,
    host: node.options.host,
    engine: settings.engine.path,
    path: settings.env["PATH"] ?? "",
  });
  return choice.host === "own" ? languageHostPath(settings.home, settings.engine.path) : undefined;
}

function readEnvironment(settings: ExecutorSettings, node: StepNode, project: Project) {
  const plugins = pluginsFor(settings, node, project);
  const parts = { base: settings.env, step: {}, run: "", operation: "", directory: "", hold: false };
  const all = {
    ...engineEnvironment({ ...parts, transpileOnly: true, ...(plugins === undefined ? {} : { plugins }) }),
  };
  delete all["EVO_OPERATION_DIR"];
  return all;
}

/** An order of no run: its engine belongs to no operation and holds nothing. */
async function previewOrder(settings: ExecutorSettings, node: StepNode, root: string): Promise<HostOrder> {
  const { stack } = await identify(settings, { ...node, options: { ...node.options, createStack: true } }, root);
  const intent = {
    operation: "preview",
    step: node.id,
    attempt: 1,
    verb: node.verb,
    stack,
    source: { path: "", sha256: "" },
  };
  const order = await orderOf(settings, { intent, run: "preview", node, root }, "observe");
  const { EVO_OPERATION_DIR: _, EVO_HOLD: __, ...env } = order.env;
  return { ...order, env };
}

async function orderOf(
  settings: ExecutorSettings,
  request: OperationRequest,
  kind: "begin" | "observe",
): Promise<HostOrder> {
  const { intent, node, root, run } = request;
  const found = await findProgram(settings, node, root);
  const { project, stack } = found;
  const plugins = pluginsFor(settings, node, project);
  const values = await stepValues(request, settings.resolve ?? environmentLookup(settings.env));
  const { config: _, secretConfig: __, env: ___, asOf: ____, ...options } = node.options;
  // A refresh in front of an update would change the state before evo has judged the preview: that takes two processes.
  const oneProcess = node.verb === "up" && plugins !== undefined && options.refresh !== true;
  const directory = operationDirectory(settings.home, intent.operation);
  const env = engineEnvironment({
    base: { ...settings.env, ...backendFor(settings, found) },
    step: values.env,
    run,
    operation: intent.operation,
    directory,
    hold: oneProcess,
    transpileOnly: options.transpileOnly === true,
    ...(plugins === undefined ? {} : { plugins }),
  });
  const { config, secretConfig, lookedUp } = values;
  const common = { kind, directory, operation: intent.operation, run, verb: node.verb, engine: settings.engine };
  const home = settingsHome(settings, node, found);
  const what = { env, project, stack, stackName: node.stack.stack, options, oneProcess, ...home };
  return { ...common, ...what, config, secretConfig, secrets: lookedUp };
}
