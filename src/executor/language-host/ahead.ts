/**
 * Starts the program's process ahead of need: while the engine and this host get ready, and while an update waits for
 * evo's word, it loads the SDK and TypeScript, which takes longer than most programs. It is a fresh process as any other,
 * with the same working directory and node; arguments and environment reach it before it looks at them, and the
 * program's own files are read only then (preload.cts).
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { packageFile } from "../../package-root.js";
import { locateModule, programNode } from "./locate.js";
import { withoutOwnVariables } from "./program.js";

/** All about an evaluation but its arguments. */
export interface Start {
  readonly node: string;
  readonly nodeargs: readonly string[];
  readonly runPath: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface Ahead {
  /** The process, on its way with these arguments; undefined if it was made for another start, is taken, or has ended. */
  take(start: Start, args: readonly string[]): Taken | undefined;
  /** Ends the process unless it was taken. */
  drop(): void;
}

export interface Taken {
  readonly child: ChildProcess;
  /** Whether the program was begun, known once the process has closed: if not, an ordinary start must follow. */
  begun(): boolean;
}

/** Where these are set, the order of loading could be noticed. */
const NOTICED = ["NODE_OPTIONS", "TRACEPARENT", "PULUMI_OTEL_EXPORTER_OTLP_ENDPOINT"] as const;

/**
 * For the program in the working directory. Undefined where a process started ahead might differ from one started in
 * time: with arguments for node (`flags` are this host's own, which name the runtime's options), or with tracing.
 */
export async function startAhead(flags: readonly string[]): Promise<Ahead | undefined> {
  const env = withoutOwnVariables(process.env);
  if (flags.some((flag) => /^-+(nodeargs|tracing)\b/.test(flag))) return undefined;
  if (NOTICED.some((name) => (env[name] ?? "") !== "")) return undefined;
  const node = await programNode(env);
  const runPath = await locateModule("@pulumi/pulumi/cmd/run", process.cwd(), node, env);
  return runPath === undefined ? undefined : spare(node, runPath, env);
}

function spare(node: string, runPath: string, env: NodeJS.ProcessEnv): Ahead {
  const preload = packageFile("dist", "executor", "language-host", "preload.cjs");
  let child: ChildProcess | undefined = spawn(node, [preload, runPath], {
    env,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const channel = child.stdio[3] as Duplex;
  channel.on("error", () => undefined); // it has ended, unbegun
  let begun = false;
  channel.once("data", () => {
    begun = true;
  });
  child.once("error", () => undefined);
  child.once("exit", () => {
    child = undefined;
  });
  return {
    take: (wanted, args) => {
      const taken =
        wanted.node === node && wanted.runPath === runPath && wanted.nodeargs.length === 0 ? child : undefined;
      if (taken === undefined) return undefined;
      child = undefined;
      channel.end(JSON.stringify({ argv: [runPath, ...args], env: wanted.env }));
      return { child: taken, begun: () => begun };
    },
    drop: () => child?.kill("SIGKILL"),
  };
}
