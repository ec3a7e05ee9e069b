/**
 * A language host on standby beside the operation host: a process of its own (an operation host may be killed, a program
 * must not be), told ahead of need which program comes (language-host/standby.ts). Only ever faster, never needed: a
 * plugin that finds no standby serves the engine by itself.
 */
import { spawn } from "node:child_process";
import { packageFile } from "../../package-root.js";
import type { Expected } from "../language-host/spares.js";

export interface Standby {
  /** What will be evaluated next; undefined: nothing any more. */
  expect(program: Expected | undefined): void;
}

/** Starts one; it ends with this process, or when its last program has. */
export function startStandby(): Standby {
  if (process.platform !== "linux") return { expect: () => undefined };
  const child = spawn(process.execPath, [packageFile("dist", "executor", "language-host", "standby.js")], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.unref();
  (child.stdin as unknown as { unref?(): void }).unref?.();
  child.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  return { expect: (program) => void child.stdin.write(`${JSON.stringify(program ?? null)}\n`) };
}
