/** Hosts that wait for an order end with what they were started for, not with the process: `evo serve` opens many sessions. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { createHostLauncher } from "../../src/executor/index.js";
import { there } from "../faults/support.js";

/** Operation hosts that this process has started. */
function hosts(): number {
  const children = readFileSync("/proc/thread-self/children", "utf8").trim().split(" ").filter(Boolean);
  return children.filter((pid) => commandLine(pid).includes("operation/host.js")).length;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

it("a host that waits ends when its launcher is closed", async () => {
  const launcher = createHostLauncher();
  const before = hosts();
  launcher.prepare(1);
  await there(() => hosts() === before + 1);
  await launcher.close();
  await there(() => hosts() === before);
  expect(hosts()).toBe(before);
});
