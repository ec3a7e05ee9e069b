/**
 * The seam between the Automation API and the engine: a `pulumiCommand` of our own. The API makes the arguments; here
 * they become a detached engine, or an answer without one: `stack select` would change the user's selected stack, and
 * what `stack output` and `stack history` tell after an update was seen already. So an attempt is one CLI process.
 */
import { join } from "node:path";
import type { PulumiCommand } from "@pulumi/pulumi/automation/index.js";
import semver from "semver";
import { EVENTS } from "./directory.js";
import { askEngine, type EngineExit, type EngineProcess, startEngine } from "./engine-process.js";
import type { Call } from "./journal.js";
import type { HostOrder } from "./order.js";

interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface CommandHooks {
  /** Before the engine is spawned: makes it durable that one may have been. */
  spawning(call: Call): void;
  spawned(call: Call, engine: EngineProcess): void;
  exited(call: Call, exit: EngineExit): void;
}

/** The command as the Automation API's workspace takes it. */
export function ownCommand(order: HostOrder, hooks: CommandHooks): PulumiCommand {
  const run = (args: string[], _cwd: string, added: { [name: string]: string }): Promise<CommandResult> => {
    const env = { ...order.env, ...added };
    if (args[0] === "stack") return stackCommand(order, args, env);
    return engineCommand(order, hooks, args, env);
  };
  const command = { command: order.engine.path, version: semver.parse(order.engine.version), run };
  return command as unknown as PulumiCommand;
}

async function stackCommand(
  order: HostOrder,
  args: readonly string[],
  env: { [name: string]: string },
): Promise<CommandResult> {
  if (args[1] === "select") return { stdout: "", stderr: "", code: 0 };
  if (args[1] === "output") return { stdout: "{}", stderr: "", code: 0 };
  if (args[1] === "history") return { stdout: "[]", stderr: "", code: 0 };
  const all = [...args, ...(args[1] === "init" ? ["--no-select"] : []), "--non-interactive"];
  const cwd = order.settingsHome ?? order.project.directory;
  const answer = await askEngine({ engine: order.engine.path, args: all, cwd, env });
  if (answer.code !== 0) throw new Error(answer.stderr || `pulumi ${args[1]} ended with exit code ${answer.code}`);
  return { stdout: answer.stdout, stderr: answer.stderr, code: 0 };
}

async function engineCommand(
  order: HostOrder,
  hooks: CommandHooks,
  args: readonly string[],
  env: { [name: string]: string },
): Promise<CommandResult> {
  const call = callOf(order, args);
  hooks.spawning(call);
  const exit = await engineExit(order, args, env, (engine) => hooks.spawned(call, engine));
  hooks.exited(call, exit);
  if (exit.code !== 0) throw new Error(`the engine ended with exit code ${exit.code}`);
  return { stdout: "", stderr: "", code: 0 };
}

/** An engine that can't be started has ended, too. */
async function engineExit(
  order: HostOrder,
  args: readonly string[],
  env: { [name: string]: string },
  spawned: (engine: EngineProcess) => void,
): Promise<EngineExit> {
  const call = { engine: order.engine.path, args: engineArguments(order, args), cwd: order.project.directory, env };
  try {
    const engine = await startEngine({ ...call, scratch: order.directory });
    spawned(engine);
    return await engine.exited;
  } catch (error) {
    return { code: 127, signal: null, stderr: `the engine could not be started: ${(error as Error).message}` };
  }
}

function callOf(order: HostOrder, args: readonly string[]): Call {
  if (order.oneProcess) return "attempt";
  return args[0] === "preview" || args.includes("--preview-only") ? "preview" : "update";
}

/** Our FIFO in place of the API's log file; in one process the engine previews first. */
function engineArguments(order: HostOrder, args: readonly string[]): readonly string[] {
  const log = args.indexOf("--event-log");
  const own = log < 0 ? [...args] : [...args.slice(0, log), ...args.slice(log + 2)];
  const kept = order.oneProcess ? own.filter((arg) => arg !== "--skip-preview") : own;
  return [...kept, "--event-log", join(order.directory, EVENTS), "--non-interactive"];
}
