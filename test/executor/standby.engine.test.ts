/** The language host on standby makes an operation faster; without it, or when it dies, the operation is as sound. */
import { chmodSync, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Bench, openBench } from "../support/engine.js";
import { follow, operate, type Playground, playground } from "./operation-support.js";

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

/** The command of the parent, and its process, of each program that runs in the playground's project. */
function parents(play: Playground): { pid: number; command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && programIn(name, join(play.root, "app")))
    .map((pid) => Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1]))
    .map((pid) => ({ pid, command: commandOf(String(pid)) }));
}

function programIn(pid: string, directory: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === directory && commandOf(pid).includes("cmd/run/index.js");
  } catch {
    return false; // it has ended, or it is another user's
  }
}

function commandOf(pid: string): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
}

/** An engine that finds what `script` makes of the standby's address, once that is there. */
function engineAfter(name: string, script: string): string {
  const file = join(bench.directory, name);
  const wait = 'if [ "$1" = up ]; then while [ ! -e "$EVO_OPERATION_DIR/standby" ]; do sleep 0.01; done';
  writeFileSync(file, `#!/bin/sh\n${wait}; ${script}; fi\nexec '${bench.engine.path}' "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

describe.runIf(process.platform === "linux")("a language host on standby", () => {
  test("has the program ready before the engine asks; no program is left when the operation ends", async () => {
    const play = playground(bench, "ready");
    const request = await play.request("r.app.1.up", play.node());
    await play.executor.start(request);
    let seen: ReturnType<typeof parents> = [];
    const { outcome } = await follow(play.executor, request, async () => {
      seen = parents(play);
      await play.executor.accept("r.app.1.up");
    });
    expect(outcome).toMatchObject({ status: "succeeded", changes: { counts: { create: 3 } } });
    expect(seen.map(({ command }) => command)).toEqual([expect.stringContaining("language-host/standby.js")]);
    expect(parents(play)).toEqual([]);
    expect(existsSync(join(play.directory(request), "standby"))).toBe(false);
  });

  test("that can't be reached is done without", async () => {
    const script = `echo '{"port":1,"token":"t"}' > "$EVO_OPERATION_DIR/standby"`;
    const play = playground(bench, "unreachable", engineAfter("unreachable-engine", script));
    const { outcome } = await operate(play, "r.app.1.up", play.node());
    expect(outcome).toMatchObject({ status: "succeeded", changes: { counts: { create: 3 } } });
    expect(play.effects()).toEqual(["begin a", "create a", "begin b", "create b"]);
  });

  test("that is asked with a wrong word doesn't answer: the plugin serves the engine itself", async () => {
    const script = `sed -i 's/"token":"[^"]*"/"token":"wrong"/' "$EVO_OPERATION_DIR/standby"`;
    const play = playground(bench, "wrong-word", engineAfter("wrong-word-engine", script));
    const { outcome } = await operate(play, "r.app.1.up", play.node());
    expect(outcome).toMatchObject({ status: "succeeded", changes: { counts: { create: 3 } } });
  });

  test("that is killed while the update is held ends the operation: it fails, and nothing was changed", async () => {
    const play = playground(bench, "killed");
    const request = await play.request("r.app.1.up", play.node());
    await play.executor.start(request);
    const { outcome } = await follow(play.executor, request, async () => {
      await vi.waitUntil(() => existsSync(join(play.directory(request), "held")), { timeout: 60_000 });
      for (const { pid } of parents(play)) process.kill(pid, "SIGKILL");
      await play.executor.accept("r.app.1.up");
    });
    expect(outcome).toMatchObject({ status: "failed" });
    expect(play.effects()).toEqual([]);
    const again = await operate(play, "r.app.2.up", play.node());
    expect(again.outcome).toMatchObject({ status: "succeeded", changes: { counts: { create: 3 } } });
  });
});
