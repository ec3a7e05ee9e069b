/** The life of a world's process. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { openWorld, type World } from "../../src/world/index.js";
import { apply } from "./replay.js";
import { APP, IDENTITY } from "./rollout.js";
import { eventually, opened, REFERENCE, scratch } from "./scratch.js";

const pidOf = (world: World) => (JSON.parse(readFileSync(join(world.dir, "host.json"), "utf8")) as { pid: number }).pid;

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("life", () => {
  test("a second command adopts the living host; the last one to close ends it", async () => {
    const home = scratch();
    const first = await opened({ home });
    const pid = pidOf(first);
    const second = await opened({ home });
    expect(pidOf(second)).toBe(pid);
    await first.close();
    expect(lives(pid)).toBe(true);
    await second.close();
    await eventually(() => !lives(pid));
    expect(existsSync(join(first.dir, "host.json"))).toBe(false);
  });

  test("starts at the same time make one host", async () => {
    const home = scratch();
    const worlds = await Promise.all([1, 2, 3, 4].map(() => opened({ home })));
    expect(new Set(worlds.map(pidOf)).size).toBe(1);
    expect(new Set(worlds.map((world) => world.env.PULUMI_DEBUG_PROVIDERS)).size).toBe(1);
  });

  test("it outlives a client that was killed, and ends by itself when nobody comes back", async () => {
    const home = scratch();
    const script = `
      const { openWorld } = await import(${JSON.stringify(fileURLToPath(new URL("../../dist/world/index.js", import.meta.url)))});
      const world = await openWorld({ home: ${JSON.stringify(home)}, module: ${JSON.stringify(REFERENCE)}, name: "w", linger: 700 });
      console.log("open");
      setInterval(() => {}, 1000);`;
    const client = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void client.kill("SIGKILL"));
    await new Promise((resolve) => client.stdout.once("data", resolve));
    const { pid } = JSON.parse(readFileSync(join(home, "worlds/w/host.json"), "utf8")) as { pid: number };
    client.kill("SIGKILL");
    await new Promise((resolve) => client.once("exit", resolve));
    expect(lives(pid)).toBe(true);
    await eventually(() => !lives(pid));
    expect(readFileSync(join(home, "worlds/w/log.ndjson"), "utf8")).toContain("nobody holds it");
  });

  test("an engine that is connected keeps it alive after its last client has gone", async () => {
    const home = scratch();
    const world = await opened({ home });
    const pid = pidOf(world);
    const port = Number(/aws:(\d+)/.exec(world.env.PULUMI_DEBUG_PROVIDERS!)![1]);
    const { connect } = await import("node:net");
    const engine = connect(port, "127.0.0.1");
    await new Promise((resolve) => engine.once("data", resolve));
    await world.close();
    const again = await opened({ home });
    expect(pidOf(again)).toBe(pid);
    engine.destroy();
    await again.close();
    await eventually(() => !lives(pid));
  });
});

describe("memory", () => {
  test("a later command finds the same resources, addresses, seed and secrets", async () => {
    const home = scratch();
    const first = await opened({ home, seed: 42, pace: 0.1 });
    const made = await apply(first, IDENTITY);
    await first.close();
    const second = await opened({ home });
    expect(second.seed).toBe(42);
    expect(second.origin("eu-west-1")).toBe(first.origin("eu-west-1"));
    expect(second.env.PULUMI_CONFIG_PASSPHRASE).toBe(first.env.PULUMI_CONFIG_PASSPHRASE);
    const calls = (await second.log()).filter((entry) => entry.type === "provider.called");
    expect(calls.map((call) => call.op)).toEqual(["create", "create", "create"]);
    const secret = made.canary!.clientSecret as string;
    for (const file of ["cloud.ndjson", "log.ndjson", "host.log"]) {
      expect(readFileSync(join(second.dir, file), "utf8")).not.toContain(secret);
    }
  });

  test("fresh forgets, but never what somebody else holds", async () => {
    const home = scratch();
    const first = await opened({ home, seed: 42 });
    await apply(first, APP);
    await expect(openWorld({ home, module: REFERENCE, fresh: true })).rejects.toMatchObject({
      code: "world.in-use",
      exit: 6,
    });
    await first.close();
    const second = await opened({ home, fresh: true });
    expect(second.seed).toBe(1);
    expect((await second.log()).map(({ type }) => type)).toEqual(["world.started"]);
  });

  test("another seed than it began with is refused", async () => {
    const home = scratch();
    await (await opened({ home, seed: 1 })).close();
    await expect(openWorld({ home, module: REFERENCE, seed: 2 })).rejects.toMatchObject({ code: "world.other-seed" });
  });

  test("a changed declaration is served by a new host", async () => {
    const home = scratch();
    const module = join(home, "changing.ts");
    const declare = (status: number) =>
      writeFileSync(
        module,
        `import { defineWorld } from "evo";
         export default defineWorld({ name: "w", regions: { r: { edges: 5 } }, propagation: [],
           endpoint: () => ({ status: ${status} }) });`,
      );
    declare(201);
    const first = await opened({ home, module });
    expect((await fetch(first.origin("r"))).status).toBe(201);
    await first.close();
    declare(202);
    const second = await opened({ home, module });
    expect((await fetch(second.origin("r"))).status).toBe(202);
  });
});

describe("mistakes", () => {
  test.each([
    ["no such module", undefined, "world.missing"],
    ["a module without a world", "export default 1;", "world.missing"],
    [
      "an invalid world",
      `import { defineWorld } from "evo"; export default defineWorld({ name: "w" });`,
      "world.invalid",
    ],
  ])("%s", async (_name, text, code) => {
    const home = scratch();
    const module = join(home, "wrong.ts");
    if (text !== undefined) writeFileSync(module, text);
    await expect(openWorld({ home, module })).rejects.toMatchObject({ code });
  });

  test("an unknown region in a fault; the world is let go of", async () => {
    const home = scratch();
    const opening = openWorld({ home, name: "w", module: REFERENCE, faults: ["never-converges:moon"] });
    await expect(opening).rejects.toMatchObject({ code: "world.fault" });
    await eventually(() => !existsSync(join(home, "worlds/w/host.json")));
  });
});

describe("a beginning", () => {
  test("a world begins as another was left, with a seed and addresses of its own", async () => {
    const home = scratch();
    const first = await opened({ home, name: "first", seed: 1, pace: 0.1 });
    const made = await apply(first, APP);
    await expect(openWorld({ home, name: "early", module: REFERENCE, from: first.dir })).rejects.toMatchObject({
      code: "world.not-a-beginning",
    });
    await first.close();
    await eventually(() => !existsSync(join(first.dir, "host.json")));
    const second = await opened({ home, name: "second", seed: 2, from: first.dir });
    expect(second.seed).toBe(2);
    expect(second.origin("eu-west-1")).not.toBe(first.origin("eu-west-1"));
    expect(second.env.PULUMI_CONFIG_PASSPHRASE).toBe(first.env.PULUMI_CONFIG_PASSPHRASE);
    expect((await second.log()).map(({ type }) => type)).toEqual(["world.started"]);
    expect(Object.keys(await apply(second, APP))).toEqual(Object.keys(made));
    const numbers = (await second.log()).flatMap((entry) => (entry.type === "change.taken" ? [entry.number] : []));
    expect(new Set(numbers)).toEqual(new Set([2]));
  });
});
