/** The command probe: a program without a shell. Exit 0 passes, 1 fails, 75 is inconclusive, anything else is an error. */
import { type ChildProcess, spawn } from "node:child_process";
import { dirname, resolve as resolvePath } from "node:path";
import type { CommandProbe, Json, Look, Verdict } from "../model.js";
import { cannotLook, type Looking } from "./context.js";
import { collectTail, lastLine } from "./tail.js";
import { resolveAll } from "./values.js";

export const EXPECTED_COMMAND: Json = { exit: 0 };

const VERDICTS: { readonly [exit: number]: Verdict } = { 0: "pass", 1: "fail", 75: "inconclusive" };

/** How long, in milliseconds, output may still come after the program has ended: what holds the pipe then is none of it. */
const DRAIN = 250;

/** Runs the program once. Of its output only the last line becomes the look's message (redacted by the caller). */
export async function lookCommand(probe: CommandProbe, looking: Looking): Promise<Look> {
  const { exit, killedBy, message } = await run(probe, await resolveAll(probe.env ?? {}, looking), looking);
  if (exit === null) throw cannotLook(`the program was ended by ${killedBy}`);
  const verdict = VERDICTS[exit] ?? "error";
  const look = { verdict, observed: { exit }, expected: EXPECTED_COMMAND };
  return message === undefined ? look : { ...look, message };
}

interface Ended {
  readonly exit: number | null;
  readonly killedBy: NodeJS.Signals | null;
  readonly message?: string;
}

async function run(probe: CommandProbe, env: { readonly [name: string]: string }, looking: Looking): Promise<Ended> {
  const { context, signal } = looking;
  signal.throwIfAborted();
  const [program, ...args] = probe.command;
  const cwd = resolvePath(context.root, dirname(context.sequenceFile), probe.cwd ?? ".");
  // A group of its own, so that whatever it starts can be ended with it.
  const child = spawn(program, args, {
    cwd,
    env: { ...context.env, ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => killGroup(child);
  signal.addEventListener("abort", kill, { once: true });
  try {
    return await ending(child, program);
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

function ending(child: ChildProcess, program: string): Promise<Ended> {
  const out = collectTail(child.stdout);
  const err = collectTail(child.stderr);
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(startFailure(error, program)));
    child.once("exit", (exit, killedBy) => {
      killGroup(child);
      const finish = () => {
        clearTimeout(timer);
        child.stdout?.destroy();
        child.stderr?.destroy();
        const message = lastLine(err()) ?? lastLine(out());
        resolve({ exit, killedBy, ...(message === undefined ? {} : { message }) });
      };
      const timer = setTimeout(finish, DRAIN);
      child.once("close", finish);
    });
  });
}

/** Ends the program and all that it started and that stayed in its group. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in the group.
  }
}

function startFailure(error: Error, program: string): Error {
  const code = "code" in error ? String(error.code) : "";
  if (code === "ENOENT") return cannotLook(`the program ${program}, or its working directory, does not exist`, error);
  return cannotLook(`the program ${program} could not be started (${code})`, error);
}
