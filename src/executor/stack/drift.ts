/**
 * A refresh preview: what differs between the live system and the state. In a file backend it runs on a copy of the
 * checkpoint, because CLI 3.200 takes the stack's lock even for a preview, and a scan must never make an update fail.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { EvoError } from "../../errors.js";
import { createRedactor, secretsInEnvironment } from "../../redact.js";
import type { ChangeSet } from "../../run/events.js";
import { changeSet } from "../operation/changes.js";
import { makeFifo } from "../operation/directory.js";
import { parseEvent, plainText, seenIn } from "../operation/engine-events.js";
import { startEngine } from "../operation/engine-process.js";
import { readFifo } from "../operation/fifo.js";
import type { Seen } from "../operation/journal.js";
import type { HostOrder } from "../operation/order.js";
import { checkpointDigest, type FileStack, readBackendFile } from "./backend.js";
import { readStackSettings, shortStackName } from "./project.js";
import { resourcesIn } from "./snapshot.js";

const STACK_REFERENCE = "pulumi:pulumi:StackReference";

export type DriftQuestion = Pick<HostOrder, "engine" | "env" | "project" | "stackName" | "stack"> & {
  readonly home: string;
  /** Folder whose settings files stand in for the project's own (rehearsals). */
  readonly settingsHome?: string;
};

/**
 * `hear` is given each line of the event log, values and all. Errors: `stack.missing`, `stack.refresh` (the engine
 * failed), `stack.changed-meanwhile` (not assessed).
 */
export async function refreshPreview(
  question: DriftQuestion,
  signal: AbortSignal,
  hear: (line: string) => void = () => undefined,
): Promise<ChangeSet> {
  const { stack } = question;
  const scratch = mkdtempSync(join(madeDirectory(question.home, "operations"), ".look-"));
  try {
    if (stack.kind === "remote") return await look(question, scratch, question.env, signal, hear);
    const before = checkpointDigest(stack);
    if (before === undefined) throw new EvoError("stack.missing", `there is no stack ${stack.name} in ${stack.url}`);
    copyBackend(stack, scratch);
    const env = { ...question.env, PULUMI_BACKEND_URL: `file://${scratch}` };
    const changes = await look(question, scratch, env, signal, hear);
    if (checkpointDigest(stack) === before) return changes;
    throw new EvoError("stack.changed-meanwhile", `${stack.name} was changed while it was looked at`, {
      source: "engine",
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function madeDirectory(...path: readonly string[]): string {
  const directory = join(...path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

/** The checkpoint, those that it refers to, and the layout's version; nothing else: no locks, no history. */
function copyBackend(stack: FileStack, scratch: string): void {
  for (const file of [join(stack.directory, ".pulumi", "meta.yaml"), stack.checkpoint, ...referredTo(stack)]) {
    if (!existsSync(file)) continue;
    const copy = join(scratch, relative(stack.directory, file));
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(file, copy);
  }
}

/** A refresh reads stack references, too: by `organization/<project>/<stack>`, or a stack of the same project by its name. */
function referredTo(stack: FileStack): readonly string[] {
  const references = resourcesIn(readBackendFile(stack.checkpoint)).filter(({ type }) => type === STACK_REFERENCE);
  return references.flatMap(({ inputs }) => {
    const parts = String(inputs["name"]).split("/");
    const file =
      parts.length === 3
        ? join(stack.directory, ".pulumi", "stacks", parts[1] as string, `${parts[2]}.json`)
        : join(dirname(stack.checkpoint), `${parts.at(-1)}.json`);
    return [file, `${file}.gz`];
  });
}

/** The settings are copied, too: the engine writes a missing `encryptionsalt` into the file that it is given. */
function refreshArguments(question: DriftQuestion, scratch: string): readonly string[] {
  const settings = join(scratch, `Pulumi.${shortStackName(question.stackName)}.yaml`);
  const own = ownSettings(question);
  if (own !== undefined) copyFileSync(own, settings);
  const what = ["refresh", "--preview-only", "--stack", question.stackName, "--config-file", settings];
  return [...what, "--color", "never", "--event-log", join(scratch, "events"), "--non-interactive"];
}

function ownSettings({ project, stackName, settingsHome }: DriftQuestion): string | undefined {
  if (settingsHome === undefined) return readStackSettings(project, stackName)?.file;
  return join(settingsHome, `Pulumi.${shortStackName(stackName)}.yaml`);
}

async function look(
  question: DriftQuestion,
  scratch: string,
  env: { readonly [name: string]: string },
  signal: AbortSignal,
  hear: (line: string) => void,
): Promise<ChangeSet> {
  const began = Date.now();
  const seen: Seen[] = [];
  const redact = createRedactor(secretsInEnvironment(env)).apply;
  const fifo = join(scratch, "events");
  makeFifo(fifo);
  const events = readFifo(fifo, (line) => {
    hear(line);
    const event = parseEvent(line);
    const one = event === undefined ? undefined : seenIn(event, redact);
    if (one !== undefined) seen.push(one);
  });
  try {
    const exit = await engineExit(question, refreshArguments(question, scratch), env, scratch, signal);
    events.drain();
    signal.throwIfAborted();
    if (exit.code !== 0) throw failed(question, seen, plainText(exit.stderr, redact));
    return withDrift(changeSet(seen, { engine: question.engine.version, duration: Date.now() - began }));
  } finally {
    events.close();
  }
}

async function engineExit(
  { engine, project }: DriftQuestion,
  args: readonly string[],
  env: { readonly [name: string]: string },
  scratch: string,
  signal: AbortSignal,
) {
  const call = { engine: engine.path, args, cwd: project.directory, scratch };
  const process = await startEngine({ ...call, env: { ...env, PULUMI_DEBUG_COMMANDS: "true" } });
  signal.addEventListener("abort", process.interrupt, { once: true });
  if (signal.aborted) process.interrupt();
  const exit = await process.exited;
  signal.removeEventListener("abort", process.interrupt);
  return exit;
}

/** A refresh counts what it found as steps of a refresh; what people ask for is what differs. */
function withDrift(changes: ChangeSet): ChangeSet {
  return { ...changes, resources: changes.resources.filter((change) => change.op !== "refresh") };
}

function failed(question: DriftQuestion, seen: readonly Seen[], stderr: string): EvoError {
  const told = seen.filter((one) => one.kind === "diagnostic" && one.severity === "error");
  const reason = told.map((one) => (one.kind === "diagnostic" ? one.message : "")).join("\n") || stderr;
  return new EvoError("stack.refresh", `${question.stackName} could not be refreshed: ${reason}`, { source: "engine" });
}
