/** Hosts that wait for an order end with what they were started for, not with the process: `evo serve` opens many sessions. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { createHostLauncher } from "../../src/executor/index.js";
import { there } from "../faults/support.js";
import { openBench } from "../support/engine.js";
import { follow, operate, playground } from "./operation-support.js";

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

it("others load only when an operation has been done, as many as may work side by side", async () => {
  const bench = await openBench();
  const launcher = createHostLauncher();
  try {
    const before = hosts();
    launcher.prepare(2);
    await there(() => hosts() === before + 1);
    const play = playground(bench, "side-by-side", bench.engine.path, launcher);
    const request = await play.request("r.app.1.up", play.node());
    await play.executor.start(request);
    expect(hosts()).toBe(before + 1);
    await follow(play.executor, request);
    await there(() => hosts() === before + 2);
    await operate(play, "r.app.2.up", play.node());
    expect(hosts()).toBe(before + 2);
    await launcher.close();
    await there(() => hosts() === before);
  } finally {
    await launcher.close();
    await bench.close();
  }
});
