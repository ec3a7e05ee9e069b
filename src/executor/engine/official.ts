/** The official install, with limits: short where the network leads nowhere, long enough for a slow download. */
import { spawn } from "node:child_process";
import { packageFile } from "../../package-root.js";
import type { Prepared } from "./prepare.js";
import { every } from "./progress.js";

const SOURCE = "https://get.pulumi.com/install.sh";
/** Milliseconds until the official site must have answered. */
const CONNECT = 10_000;
/** Milliseconds for the download of about 100 MB. */
const DOWNLOAD = 600_000;

/** Installs into `<directory>/bin`. Never throws: what went wrong is the reason. */
export async function officialInstall(
  directory: string,
  version: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<Prepared> {
  const unreachable = await probe();
  if (unreachable !== undefined) return { ok: false, reason: unreachable };
  const done = every(10_000, (seconds) => say(`engine: official install of ${version}: ${seconds} s`));
  try {
    return await install(directory, version, env);
  } finally {
    done();
  }
}

async function probe(): Promise<string | undefined> {
  try {
    const response = await fetch(SOURCE, { method: "HEAD", signal: AbortSignal.timeout(CONNECT) });
    return response.ok ? undefined : `${new URL(SOURCE).host} answered ${response.status}`;
  } catch (error) {
    const timedOut = (error as Error).name === "TimeoutError";
    return `${new URL(SOURCE).host} ${timedOut ? `did not answer within ${CONNECT / 1000} s` : "can't be reached"}`;
  }
}

/** In a process group of its own: the script's own children must end with it. */
function install(directory: string, version: string, env: NodeJS.ProcessEnv): Promise<Prepared> {
  const script = packageFile("dist", "executor", "engine", "official-install.js");
  const child = spawn(process.execPath, [script, directory, version], {
    env,
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const end = () => killGroup(child.pid);
  let complaint = "";
  child.stderr.on("data", (bytes: Buffer) => {
    complaint = (complaint + bytes).slice(-2_000);
  });
  return new Promise((resolve) => {
    const timer = setTimeout(end, DOWNLOAD);
    process.once("exit", end);
    child.once("error", (error) => settle({ ok: false, reason: error.message }));
    child.once("close", (code) => settle(code === 0 ? { ok: true } : { ok: false, reason: lastLine(complaint, code) }));
    function settle(result: Prepared): void {
      clearTimeout(timer);
      process.removeListener("exit", end);
      resolve(result);
    }
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // it has ended meanwhile
  }
}

function lastLine(complaint: string, code: number | null): string {
  const line = complaint.split("\n").find((text) => /error/i.test(text));
  return line?.trim() ?? (code === null ? "it took too long" : `the installer ended with ${code}`);
}
