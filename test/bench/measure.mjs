/** Runs a command and watches the memory of everything that comes of it, detached processes too. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const EVERY = 200;

/** Peak of the sum of proportional set sizes (bytes) of all processes that were not there before. Throws on failure. */
export async function measure(command, args, { cwd, env }) {
  const before = new Set(pids());
  let memory = 0;
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk) => (said = (said + chunk).slice(-4000)));
  const timer = setInterval(() => (memory = Math.max(memory, total(before))), EVERY);
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}\n${said}`);
  return { memory };
}

function pids() {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
}

function total(before) {
  return pids()
    .filter((pid) => !before.has(pid))
    .reduce((sum, pid) => sum + proportional(pid), 0);
}

function proportional(pid) {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
