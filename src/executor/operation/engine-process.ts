/**
 * The engine's process: in a session of its own, so that neither a Ctrl-C nor its starter's death reaches it, with
 * nothing on its standard streams that can break (a pipe without a reader kills it) or stay on disk (invariant 11).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { accessSync, closeSync, constants, fstatSync, openSync, readSync, unlinkSync } from "node:fs";
import { join } from "node:path";

export interface EngineCall {
  /** Absolute path of the CLI. */
  readonly engine: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Complete: nothing is inherited. */
  readonly env: { readonly [name: string]: string };
  /** Where a file without a name may lie when there is no memory file system. */
  readonly scratch: string;
}

export interface EngineExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last of what it wrote to its standard error, at most 64 KB; not redacted. */
  readonly stderr: string;
}

export interface EngineProcess {
  readonly pid: number;
  readonly exited: Promise<EngineExit>;
  /** One SIGINT: the engine finishes what it is doing and stops. A second one would make it give up at once. */
  interrupt(): void;
}

const MEMORY = "/dev/shm";
const LONGEST = 65_536;

/** A file that has no name any more, in memory where the system has such a place. */
function namelessFile(scratch: string): number {
  const directory = isWritable(MEMORY) ? MEMORY : scratch;
  const path = join(directory, `evo-${randomUUID()}`);
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return fd;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function readAll(fd: number): string {
  const { size } = fstatSync(fd);
  const from = Math.max(0, size - LONGEST);
  const buffer = Buffer.alloc(size - from);
  return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, from)).toString("utf8");
}

/** Starts the engine. Throws when the program can't be started at all. */
export async function startEngine(call: EngineCall): Promise<EngineProcess> {
  const errors = namelessFile(call.scratch);
  const child = spawn(call.engine, call.args, {
    cwd: call.cwd,
    env: call.env,
    detached: true,
    stdio: ["ignore", "ignore", errors],
  });
  const exited = exitOf(child, errors);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  return { pid: child.pid as number, exited, interrupt: () => void child.kill("SIGINT") };
}

function exitOf(child: ChildProcess, errors: number): Promise<EngineExit> {
  return new Promise((resolve) => {
    child.once("error", () => closeSync(errors));
    child.once("exit", (code, signal) => {
      const stderr = readAll(errors);
      closeSync(errors);
      resolve({ code, signal, stderr });
    });
  });
}

export interface CliAnswer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a short CLI command that changes no resource, and returns what it printed; in memory only. */
export function askEngine(call: Omit<EngineCall, "scratch">, input?: string, signal?: AbortSignal): Promise<CliAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn(call.engine, call.args, {
      cwd: call.cwd,
      env: call.env,
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      ...(signal === undefined ? {} : { signal, killSignal: "SIGINT" }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
    child.once("error", reject);
    child.once("close", (code) =>
      resolve({ code, stdout: Buffer.concat(out).toString("utf8"), stderr: Buffer.concat(err).toString("utf8") }),
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}
