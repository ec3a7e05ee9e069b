/**
 * Starts a program's process ahead of need: while the engine gets ready, and while the program's preview runs, it loads
 * the SDK and TypeScript, which takes longer than most programs. It is a fresh process as any other, with the same
 * working directory and node; arguments, output and environment reach it before it looks at them, and the program's own
 * files are read only then (preload.cts).
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { packageFile } from "../../package-root.js";
import { locateModule, programNode } from "./locate.js";
import { withoutOwnVariables } from "./program.js";
import type { Surroundings } from "./surroundings.js";

/** A program that will be evaluated, as far as it is known before the engine asks. */
export interface Expected {
  /** The operation's. */
  readonly directory: string;
  /** The program's folder. */
  readonly cwd: string;
  /** The engine's environment. */
  readonly env: { readonly [name: string]: string };
}

/** All about an evaluation but its arguments. */
export interface Start {
  readonly node: string;
  readonly nodeargs: readonly string[];
  readonly runPath: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface Spares {
  /** A process on its way with these arguments; undefined if there is none, or if it was made for another start. */
  take(start: Start, around: Surroundings, args: readonly string[]): Taken | undefined;
  /** Ends the process that waits. */
  drop(): void;
}

export interface Taken {
  readonly child: ChildProcess;
  /** Whether the program was begun, known once the process has closed: if not, an ordinary start must follow. */
  begun(): boolean;
}

/** Where these are set, the order of loading could be noticed. */
const NOTICED = ["NODE_OPTIONS", "TRACEPARENT", "PULUMI_OTEL_EXPORTER_OTLP_ENDPOINT"] as const;
/** An evaluation for the preview, one for the update. */
const EVALUATIONS = 2;

/** One process at a time; the next one is started when the first is taken. */
export async function sparesFor({ cwd, env: given }: Expected): Promise<Spares> {
  const env = withoutOwnVariables({ ...given });
  const node = await programNode(env);
  const noticed = NOTICED.some((name) => (env[name] ?? "") !== "");
  const runPath = noticed ? undefined : await locateModule("@pulumi/pulumi/cmd/run", cwd, node, env);
  if (runPath === undefined) return { take: () => undefined, drop: () => undefined };
  let spare: Spare | undefined = spawnSpare({ node, runPath, env, cwd });
  let left = EVALUATIONS - 1;
  const drop = (): void => {
    left = 0;
    spare?.child.kill("SIGKILL");
    spare = undefined;
  };
  return {
    take: (start, around, args) => {
      const isMeant = start.node === node && start.runPath === runPath && start.nodeargs.length === 0;
      const taken = spare;
      if (!isMeant || around.cwd !== cwd || !sameEnvironment(env, start.env)) return void drop();
      spare = left-- > 0 ? spawnSpare({ node, runPath, env, cwd }) : undefined;
      return taken?.begin(start.env, around.pid, [runPath, ...args]);
    },
    drop,
  };
}

/** The engine adds variables of Pulumi's own, the shell PWD; of any other a process may make something when it starts. */
function sameEnvironment(before: NodeJS.ProcessEnv, now: NodeJS.ProcessEnv): boolean {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].every((name) => name === "PWD" || name.startsWith("PULUMI_") || before[name] === now[name]);
}

interface Spare {
  readonly child: ChildProcess;
  /** Undefined if it has ended. */
  begin(env: NodeJS.ProcessEnv, plugin: number, argv: readonly string[]): Taken | undefined;
}

function spawnSpare(how: { node: string; runPath: string; env: NodeJS.ProcessEnv; cwd: string }): Spare {
  const { node, runPath, env, cwd } = how;
  const preload = packageFile("dist", "executor", "language-host", "preload.cjs");
  const child = spawn(node, [preload, runPath], { env, cwd, stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const channel = child.stdio[3] as Duplex;
  channel.on("error", () => undefined); // it has ended, unbegun
  let begun = false;
  let ended = false;
  channel.once("data", () => {
    begun = true;
  });
  for (const end of ["error", "exit"])
    child.once(end, () => {
      ended = true;
    });
  return {
    child,
    begin: (all, plugin, argv) => {
      if (ended) return undefined;
      const output = [1, 2].map((fd) => `/proc/${plugin}/fd/${fd}`);
      channel.end(JSON.stringify({ argv, env: all, output }));
      return { child, begun: () => begun };
    },
  };
}
