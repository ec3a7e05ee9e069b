/**
 * A preview that can have no effect: with a file backend it runs on a copy of the backend's stacks (without locks and
 * history), so that no lock is taken and a stack that is not there yet can be made, in the copy.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { EvoError } from "../../errors.js";
import { createRedactor, secretsInEnvironment } from "../../redact.js";
import type { ChangeSet } from "../../run/events.js";
import { changeSet } from "../operation/changes.js";
import { settingsCopy } from "../operation/config.js";
import { makeFifo } from "../operation/directory.js";
import { parseEvent, plainText, seenIn } from "../operation/engine-events.js";
import { startEngine } from "../operation/engine-process.js";
import { readFifo } from "../operation/fifo.js";
import type { Seen } from "../operation/journal.js";
import type { HostOrder } from "../operation/order.js";
import type { FileStack } from "./backend.js";
import { makeStack } from "./make.js";
import { readStackSettings, shortStackName } from "./project.js";

/** Errors: `stack.missing` (and the step does not make it), `stack.make`, `stack.preview` (the engine failed). */
export async function previewStep(order: HostOrder, home: string, signal: AbortSignal): Promise<ChangeSet> {
  const operations = join(home, "operations");
  mkdirSync(operations, { recursive: true, mode: 0o700 });
  const scratch = mkdtempSync(join(operations, ".preview-"));
  try {
    const copied = copyFor(order, scratch);
    if (order.stack.kind === "file" && !existsSync(order.stack.checkpoint)) await makeMissing(copied);
    return await look(copied, scratch, signal);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The order with everything that the engine may write to lying in `scratch`. */
function copyFor(order: HostOrder, scratch: string): HostOrder {
  const settingsHome = join(scratch, "settings");
  mkdirSync(settingsHome);
  copyFileSync(order.project.file, join(settingsHome, basename(order.project.file)));
  const file = `Pulumi.${shortStackName(order.stackName)}.yaml`;
  const own =
    order.settingsHome === undefined
      ? readStackSettings(order.project, order.stackName)?.file
      : join(order.settingsHome, file);
  if (own !== undefined && existsSync(own)) copyFileSync(own, join(settingsHome, file));
  const copied = { ...order, settingsHome, directory: scratch, oneProcess: false };
  if (order.stack.kind === "remote") return copied;
  copyBackend(order.stack, scratch);
  return { ...copied, env: { ...order.env, PULUMI_BACKEND_URL: `file://${scratch}` } };
}

/** Checkpoints of all stacks: a program may refer to any of them. */
function copyBackend({ directory }: FileStack, scratch: string): void {
  const from = join(directory, ".pulumi");
  for (const name of ["meta.yaml", "stacks"]) {
    if (!existsSync(join(from, name))) continue;
    const filter = (path: string) => !/\.(bak|attrs)$/.test(path);
    cpSync(join(from, name), join(scratch, ".pulumi", name), { recursive: true, filter });
  }
}

async function makeMissing(order: HostOrder): Promise<void> {
  const { stackName, project } = order;
  if (order.options.createStack === true) return makeStack(order, order.settingsHome as string);
  throw new EvoError(
    "stack.missing",
    `there is no stack ${stackName} of ${project.name}, and the step does not make it`,
  );
}

async function look(order: HostOrder, scratch: string, signal: AbortSignal): Promise<ChangeSet> {
  const began = Date.now();
  const seen: Seen[] = [];
  const redact = createRedactor([
    ...Object.values(order.secretConfig),
    ...order.secrets,
    ...secretsInEnvironment(order.env),
  ]).apply;
  const fifo = join(scratch, "events");
  makeFifo(fifo);
  const events = readFifo(fifo, (line) => {
    const event = parseEvent(line);
    const one = event === undefined ? undefined : seenIn(event, redact);
    if (one !== undefined) seen.push(one);
  });
  const settings = await settingsCopy(order);
  try {
    const exit = await run(order, previewArguments(order, settings?.file, fifo), scratch, signal);
    events.drain();
    signal.throwIfAborted();
    if (exit.code !== 0) throw failed(order, seen, plainText(exit.stderr, redact));
    return changeSet(seen, { engine: order.engine.version, duration: Date.now() - began });
  } finally {
    settings?.remove();
    events.close();
  }
}

function previewArguments(order: HostOrder, settings: string | undefined, events: string): readonly string[] {
  const { targets, targetDependents, replace, refresh, policyPacks } = order.options;
  const verb = order.verb === "up" ? ["preview"] : [order.verb, "--preview-only"];
  const forUp = order.verb === "up" ? [...each("--replace", replace), ...each("--policy-pack", policyPacks)] : [];
  return [
    ...verb,
    ...["--stack", order.stackName, "--color", "never", "--non-interactive", "--event-log", events],
    ...(settings === undefined ? [] : ["--config-file", settings]),
    ...each("--target", targets),
    ...(targetDependents === true ? ["--target-dependents"] : []),
    ...(refresh === true && order.verb !== "refresh" ? ["--refresh"] : []),
    ...forUp,
  ];
}

function each(flag: string, values: readonly string[] | undefined): readonly string[] {
  return (values ?? []).flatMap((value) => [flag, value]);
}

async function run(order: HostOrder, args: readonly string[], scratch: string, signal: AbortSignal) {
  const call = { engine: order.engine.path, args, cwd: order.project.directory, scratch };
  const process = await startEngine({ ...call, env: { ...order.env, PULUMI_DEBUG_COMMANDS: "true" } });
  signal.addEventListener("abort", process.interrupt, { once: true });
  if (signal.aborted) process.interrupt();
  const exit = await process.exited;
  signal.removeEventListener("abort", process.interrupt);
  return exit;
}

function failed({ stackName }: HostOrder, seen: readonly Seen[], stderr: string): EvoError {
  const told = seen.flatMap((one) => (one.kind === "diagnostic" && one.severity === "error" ? [one.message] : []));
  const reason = (told.join("\n") || stderr).trim();
  return new EvoError("stack.preview", `${stackName} could not be previewed: ${reason}`, { source: "engine" });
}
