/** Runs a program in a fresh process, with evo's holds around it where the operation asks for them. */
import { type ChildProcess, spawn } from "node:child_process";
import { hold, type Word } from "./hold.js";
import { locateModule, programNode } from "./locate.js";
import { programArguments, programEnvironment, type RunRequest, withoutOwnVariables } from "./program.js";
import { handOver, secretValues } from "./secrets.js";

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

/** One evaluation. An aborted signal stops the program. */
export async function run(
  request: RunRequest,
  operation: Operation | undefined,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const env = withoutOwnVariables(process.env);
  const node = await programNode(env);
  const runPath = await locateModule("@pulumi/pulumi/cmd/run", request.programDirectory, node, env);
  if (runPath === undefined) return error("It looks like the Pulumi SDK has not been installed. Run `pulumi install`.");
  if (operation !== undefined) handOver(operation.directory, secretValues(request.config, request.secretKeys));
  const start = (monitor: string, stop: AbortSignal) => {
    const all = { ...request, monitor };
    const args = [...request.options.nodeargs, ...programArguments(all, runPath)];
    return evaluate(node, args, programEnvironment(all, process.env), stop);
  };
  if (operation?.holdUpdate !== true || request.dryRun) return start(request.monitor, signal);
  return runHeld(operation.directory, request.monitor, start, signal);
}

async function runHeld(
  directory: string,
  monitor: string,
  start: (monitor: string, signal: AbortSignal) => Promise<RunOutcome>,
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
  const proxy = await proxyMonitor(monitor, evaluated);
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

/** Starts node and waits for its end. Working directory, like the rest, is what the engine gave this host. */
function evaluate(
  node: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<RunOutcome> {
  if (signal.aborted) return Promise.resolve(error("the engine has stopped"));
  return new Promise((resolve) => {
    const child = spawn(node, args, { env, stdio: ["ignore", "inherit", "inherit"] });
    const stop = () => stopChild(child);
    signal.addEventListener("abort", stop, { once: true });
    const settle = (outcome: RunOutcome) => {
      signal.removeEventListener("abort", stop);
      resolve(outcome);
    };
    child.once("error", (cause) => settle(error(`Problem executing program: ${cause.message}`)));
    child.once("exit", (code) => settle(outcomeOf(code)));
  });
}

/** A program that was killed by a signal has the exit code -1 in the engine's words. */
function outcomeOf(code: number | null): RunOutcome {
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
