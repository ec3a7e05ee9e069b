/** Runs a program in a fresh process, with evo's holds around it where the operation asks for them. */
import { type ChildProcess, spawn } from "node:child_process";
import { hold, type Word } from "./hold.js";
import { locateModule, programNode } from "./locate.js";
import { programArguments, programEnvironment, type RunRequest, withoutOwnVariables } from "./program.js";
import { handOver, secretValues } from "./secrets.js";
import type { Spares, Start } from "./spares.js";
import type { Surroundings } from "./surroundings.js";

/** `bail`: the program has told the user already. */
export type RunOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "bail" }
  | { readonly kind: "error"; readonly message: string };

/** Where evo's operation lives and whether an update waits for evo's word; undefined under a plain CLI. */
export interface Operation {
  readonly directory: string;
  readonly holdUpdate: boolean;
}

/** The exit code by which the SDK says that it has logged the error itself. */
const BAIL = 32;
/** Milliseconds that a program has to end itself after SIGINT; the engine kills the host itself after 5 s. */
const GRACE = 3_000;

/** Reads evo's side from the environment. */
export function operationOf(env: NodeJS.ProcessEnv): Operation | undefined {
  const directory = env.EVO_OPERATION_DIR;
  if (directory === undefined || directory === "") return undefined;
  return { directory, holdUpdate: env.EVO_HOLD === "update" };
}

export type Run = (request: RunRequest, signal: AbortSignal) => Promise<RunOutcome>;

/** Runs evaluations; an aborted signal stops the program. `spares` are processes that were started ahead. */
export function runner(around: Surroundings, operation: Operation | undefined, spares?: Spares): Run {
  return async (request, signal) => {
    const env = withoutOwnVariables(around.env);
    const node = await programNode(env);
    const runPath = await locateModule("@pulumi/pulumi/cmd/run", request.programDirectory, node, env);
    if (runPath === undefined) return error("The Pulumi SDK is not installed. Run `pulumi install`.");
    if (operation !== undefined) handOver(operation.directory, secretValues(request.config, request.secretKeys));
    const { nodeargs } = request.options;
    const how: Start = { node, nodeargs, runPath, env: programEnvironment(request, around.env) };
    const start: Evaluate = (monitor, stop) =>
      evaluate(how, around, programArguments({ ...request, monitor }), spares, stop);
    const oneOrganization = around.env.EVO_ONE_ORGANIZATION === "true";
    if (operation?.holdUpdate === true && !request.dryRun)
      return runHeld({ directory: operation.directory, monitor: request.monitor, oneOrganization }, start, signal);
    return oneOrganization ? runProxied(request.monitor, start, signal) : start(request.monitor, signal);
  };
}

type Evaluate = (monitor: string, signal: AbortSignal) => Promise<RunOutcome>;

async function runProxied(monitor: string, start: Evaluate, signal: AbortSignal): Promise<RunOutcome> {
  const { proxyMonitor } = await import("./monitor-proxy.js");
  const proxy = await proxyMonitor(monitor, { oneOrganization: true });
  try {
    return await start(proxy.address, signal);
  } finally {
    proxy.close();
  }
}

interface Held {
  readonly directory: string;
  readonly monitor: string;
  readonly oneOrganization: boolean;
}

async function runHeld(
  { directory, monitor, oneOrganization }: Held,
  start: Evaluate,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const accepted = await hold(directory, "held", signal);
  if (!accepted.go) return error(accepted.reason);
  let word: Promise<Word> | undefined;
  const refused = new AbortController();
  const evaluated = async (): Promise<boolean> => {
    word ??= hold(directory, "evaluated", signal);
    const { go } = await word;
    if (!go) refused.abort();
    return go;
  };
  const { proxyMonitor } = await import("./monitor-proxy.js");
  const proxy = await proxyMonitor(monitor, { beforeShutdown: evaluated, oneOrganization });
  try {
    const outcome = await start(proxy.address, AbortSignal.any([signal, refused.signal]));
    // An SDK that doesn't announce its end, or a program that called process.exit: its end is the point to hold.
    if (outcome.kind === "done") await evaluated();
    const answer = await word;
    return answer === undefined || answer.go ? outcome : error(answer.reason);
  } finally {
    proxy.close();
  }
}

/** Starts a program and waits for its end. Working directory, like the rest, is what the engine gave the plugin. */
async function evaluate(
  start: Start,
  around: Surroundings,
  args: readonly string[],
  spares: Spares | undefined,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const taken = spares?.take(start, around, args);
  if (taken !== undefined) {
    const code = await ended(() => taken.child, signal);
    if (taken.begun()) return outcomeOf(code);
  }
  const { node, nodeargs, runPath, env } = start;
  const { cwd, output } = around;
  const now = () => spawn(node, [...nodeargs, runPath, ...args], { env, cwd, stdio: ["ignore", ...output] });
  return outcomeOf(await ended(now, signal));
}

/** The exit code of a process, null if a signal killed it, an error if it could not be started. */
function ended(start: () => ChildProcess, signal: AbortSignal): Promise<number | null | Error> {
  if (signal.aborted) return Promise.resolve(new Error("the engine has stopped"));
  return new Promise((resolve) => {
    const child = start();
    const stop = () => stopChild(child);
    signal.addEventListener("abort", stop, { once: true });
    const settle = (code: number | null | Error) => {
      signal.removeEventListener("abort", stop);
      resolve(code);
    };
    child.once("error", (cause) => settle(new Error(`Problem executing program: ${cause.message}`)));
    child.once("close", settle);
  });
}

/** A program that was killed by a signal has the exit code -1 in the engine's words. */
function outcomeOf(code: number | null | Error): RunOutcome {
  if (code instanceof Error) return error(code.message);
  if (code === 0) return { kind: "done" };
  if (code === BAIL) return { kind: "bail" };
  return error(`Program exited with non-zero exit code: ${code ?? -1}`);
}

function error(message: string): RunOutcome {
  return { kind: "error", message };
}

/** Interrupts a process, and kills it if it doesn't end. */
export function stopChild(child: ChildProcess): void {
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), GRACE);
  child.once("exit", () => clearTimeout(timer));
}
