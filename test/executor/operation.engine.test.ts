/** Operations on the real engine: one process, holds, refusals, deaths, identity, secrets, locks. */
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256 } from "../../src/canonical.js";
import { type Bench, openBench } from "../support/engine.js";
import { follow, operate, type Playground, playground } from "./operation-support.js";

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

/** Resolves when the file holds the text. */
function written(file: string, text: string): Promise<void> {
  return new Promise((resolve) => {
    const holds = (): boolean => existsSync(file) && readFileSync(file, "utf8").includes(text);
    const watcher = watch(join(file, ".."), look);
    const timer = setInterval(look, 100);
    look();
    function look(): void {
      if (!holds()) return;
      clearInterval(timer);
      watcher.close();
      resolve();
    }
  });
}

function hostOf(play: Playground, request: Parameters<Playground["journal"]>[0]): number {
  const line = play.journal(request).findLast((one) => one.line === "hosted");
  return line?.line === "hosted" ? line.host.pid : 0;
}

describe("an attempt", () => {
  test("is one engine process for preview and update, and is found again in the engine's history", async () => {
    const calls = join(bench.directory, "calls");
    const counting = join(bench.directory, "counting-engine");
    writeFileSync(counting, `#!/bin/sh\necho "$1 $2" >> '${calls}'\nexec '${bench.engine.path}' "$@"\n`);
    chmodSync(counting, 0o755);
    const play = playground(bench, "one", counting);
    const { outcome, previewed } = await operate(play, "r.app.1.up", play.node());
    expect(outcome).toMatchObject({ status: "succeeded", changes: { counts: { create: 3 } } });
    expect(previewed?.preview.counts).toEqual({ create: 3 });
    expect(previewed?.preview.resources.map((change) => change.op)).toContain("create");
    expect(readFileSync(calls, "utf8")).toBe("stack init\nup --yes\n");
    expect(play.effects()).toEqual(["begin a", "create a", "begin b", "create b"]);
    const [entry] = play.history();
    expect(entry?.environment).toMatchObject({
      "ci.system": "evo",
      "ci.build.id": "run-1",
      "ci.build.number": "r.app.1.up",
    });
    const checkpoint = join(play.root, "backend", ".pulumi", "stacks", "switch", "dev.json");
    expect(outcome).toMatchObject({ checkpoint: sha256(readFileSync(checkpoint)) });
    const again = await operate(play, "r.app.2.up", play.node());
    expect(again.outcome).toMatchObject({ status: "succeeded", changes: { counts: { same: 3 }, resources: [] } });
  });

  test("that is refused changes nothing", async () => {
    const play = playground(bench, "refused");
    const request = await play.request("r.app.1.up", play.node());
    await play.executor.start(request);
    const { outcome } = await follow(play.executor, request, () => play.executor.refuse("r.app.1.up", "not today"));
    expect(outcome).toMatchObject({ status: "refused", reason: "not today" });
    expect(play.effects()).toEqual([]);
    expect(readdirSync(play.directory(request))).toEqual(["journal.ndjson"]);
  });

  test("that fails in its preview says why; an error message alone is no failure", async () => {
    const play = playground(bench, "fails");
    const { outcome, previewed } = await operate(play, "r.app.1.up", play.node({ env: { MODE: "fails" } }));
    expect(outcome).toMatchObject({ status: "failed", reason: expect.stringContaining("it fails on purpose") });
    expect(previewed).toBeUndefined();
    const complains = await operate(play, "r.app.2.up", play.node({ env: { MODE: "complains" } }));
    expect(complains.outcome).toMatchObject({ status: "succeeded" });
    expect(JSON.stringify(complains.previewed)).toContain("it only complains");
  });

  test("is never begun twice", async () => {
    const play = playground(bench, "twice");
    const request = await play.request("r.app.1.up", play.node());
    await play.executor.start(request);
    await expect(play.executor.start(request)).rejects.toMatchObject({ code: "operation.begun" });
    await follow(play.executor, request, () => play.executor.refuse("r.app.1.up", "enough"));
  });
});

describe("invariant 10", () => {
  test("a program that registers nothing is refused, one that drops a resource in its update too", async () => {
    const play = playground(bench, "surprises");
    await operate(play, "r.app.1.up", play.node());
    const before = play.effects();

    const empty = await operate(play, "r.app.2.up", play.node({ env: { MODE: "empty" } }));
    expect(empty.outcome).toMatchObject({
      status: "refused",
      reason: expect.stringContaining("registered no resource"),
    });
    expect(empty.previewed?.refusal).toContain("registered no resource");

    const drops = await operate(play, "r.app.3.up", play.node({ env: { MODE: "drops" } }));
    expect(drops.outcome).toMatchObject({ status: "refused", reason: expect.stringContaining("::b") });
    expect(drops.previewed?.refusal).toBeUndefined();

    const replaces = await operate(play, "r.app.4.up", play.node({ env: { MODE: "replaces" } }));
    expect(replaces.outcome).toMatchObject({
      status: "refused",
      reason: expect.stringContaining("preview showed same"),
    });

    expect(play.effects().filter((effect) => effect.startsWith("delete"))).toEqual([]);
    expect(play.effects().slice(0, before.length)).toEqual(before);
    const kept = JSON.stringify(await play.executor.outputs(play.node(), play.root));
    expect(kept).toBe('{"plain":{"value":{"value":"1"},"secret":false}}');
  });
});

describe("deaths", () => {
  test("an operation host that is killed in mid-update is replaced, and the outcome is told", async () => {
    const play = playground(bench, "killed");
    const gate = join(play.root, "gate");
    const request = await play.request("r.app.1.up", play.node({ env: { GATE: gate } }));
    await play.executor.start(request);
    const first = follow(play.executor, request);
    await written(play.effectsFile, "begin a");
    process.kill(hostOf(play, request), "SIGKILL");
    const second = follow(play.another(), request);
    writeFileSync(gate, "");
    const outcomes = await Promise.all([first, second]);
    for (const { outcome } of outcomes) {
      expect(outcome).toMatchObject({ status: "succeeded", changes: { counts: { create: 3 } } });
    }
    expect(play.journal(request).filter((line) => line.line === "hosted")).toHaveLength(2);
    expect(play.effects()).toEqual(["begin a", "create a", "begin b", "create b"]);
  });

  test("an engine that is killed in mid-update leaves an operation unresolved, with facts; nothing is repeated", async () => {
    const play = playground(bench, "engine-killed");
    const gate = join(play.root, "gate");
    const request = await play.request("r.app.1.up", play.node({ env: { GATE: gate } }));
    await play.executor.start(request);
    const followed = follow(play.executor, request);
    await written(play.effectsFile, "begin a");
    const spawned = play.journal(request).find((line) => line.line === "spawned");
    process.kill(spawned?.line === "spawned" ? spawned.engine.pid : 0, "SIGKILL");
    const { outcome } = await followed;
    writeFileSync(gate, "");
    expect(outcome.status).toBe("unresolved");
    const facts = outcome.status === "unresolved" ? outcome.facts.join("\n") : "";
    expect(facts).toContain("no entry of r.app.1.up");
    expect(facts).toContain("pending operation: creating");
    expect(facts).toContain("the stack is locked by");
    expect(facts).toContain("a process of the engine still runs");
    for (const [, pid] of facts.matchAll(/still runs \(pid (\d+)\)/g)) process.kill(Number(pid), "SIGTERM");
  });

  test("an operation of which nothing was ever started is absent", async () => {
    const play = playground(bench, "absent");
    const request = await play.request("r.app.1.up", play.node());
    const { outcome } = await follow(play.executor, request);
    expect(outcome).toMatchObject({ status: "absent", reason: expect.stringContaining("no engine was ever started") });
  });

  test("cancelling in mid-update lets the running create finish and starts no other", async () => {
    const play = playground(bench, "cancelled");
    const gate = join(play.root, "gate");
    const request = await play.request("r.app.1.up", play.node({ env: { GATE: gate } }));
    await play.executor.start(request);
    const followed = follow(play.executor, request);
    await written(play.effectsFile, "begin a");
    await play.executor.cancel("r.app.1.up");
    await written(join(play.directory(request), "journal.ndjson"), '"cancelled"');
    writeFileSync(gate, "");
    expect((await followed).outcome).toMatchObject({ status: "cancelled" });
    expect(play.effects()).toEqual(["begin a", "create a"]);
    expect(play.history().map((entry) => entry.result)).toEqual(["failed"]);
  });

  test("a stack that another process updates fails with the lock's holder", async () => {
    const play = playground(bench, "locked");
    const app = join(play.root, "app");
    const env = { PULUMI_BACKEND_URL: `file://${join(play.root, "backend")}`, EFFECTS: play.effectsFile };
    await bench.pulumi(app, ["stack", "init", "dev", "--no-select"], env);
    const gate = join(play.root, "gate");
    const foreign = bench.pulumi(app, ["up", "--yes", "--skip-preview", "--stack", "dev"], { ...env, GATE: gate });
    await written(play.effectsFile, "begin a");
    const { outcome } = await operate(play, "r.app.1.up", play.node());
    writeFileSync(gate, "");
    expect(outcome).toMatchObject({
      status: "locked",
      reason: expect.stringMatching(/^the stack is locked by .+ \(pid \d+\) since 2/),
    });
    expect((await foreign).code).toBe(0);
  });
});

describe("destroy and refresh", () => {
  test("preview in a process of their own, and then do it", async () => {
    const play = playground(bench, "destroyed");
    await operate(play, "r.app.1.up", play.node());
    const refresh = await operate(play, "r.app.2.refresh", play.node({}, "refresh"));
    expect(refresh.outcome).toMatchObject({ status: "succeeded", changes: { counts: { same: 3 } } });
    const drift = await play.executor.refreshPreview(play.node(), play.root, new AbortController().signal);
    expect(drift).toMatchObject({ counts: { same: 3 }, resources: [], diagnostics: [] });
    const destroy = await operate(play, "r.app.3.destroy", play.node({}, "destroy"));
    expect(destroy.previewed?.preview.counts).toEqual({ delete: 3 });
    expect(destroy.outcome).toMatchObject({ status: "succeeded", changes: { counts: { delete: 3 } } });
    expect(play.effects().slice(-2)).toEqual(["delete b", "delete a"]);
  });
});

describe("an up that refreshes first", () => {
  test("takes two processes, so that nothing changes before its preview is judged", async () => {
    const play = playground(bench, "refreshing");
    const first = await operate(play, "r.app.1.up", play.node({ refresh: true }));
    expect(first.outcome).toMatchObject({ status: "succeeded", changes: { counts: { create: 3 } } });
    const request = await play.request("r.app.2.up", play.node({ refresh: true, env: { VALUE: "2" } }));
    const calls = play.journal({ ...request, intent: { ...request.intent, operation: "r.app.1.up" } });
    expect(calls.flatMap((line) => (line.line === "spawning" ? [line.call] : []))).toEqual(["preview", "update"]);
    await play.executor.start(request);
    const { outcome } = await follow(play.executor, request, () => play.executor.refuse("r.app.2.up", "no"));
    expect(outcome).toMatchObject({ status: "refused", reason: "no" });
    expect(readdirSync(play.directory(request))).toEqual(["journal.ndjson"]);
    expect(play.history()).toHaveLength(1);
  });

  test("expectNoChanges is judged before anything has changed", async () => {
    const play = playground(bench, "expecting");
    const { outcome } = await operate(play, "r.app.1.up", play.node({ expectNoChanges: true }));
    expect(outcome).toMatchObject({ status: "refused", reason: expect.stringContaining("create 3") });
    expect(play.effects()).toEqual([]);
  });
});

describe("secrets (invariant 11)", () => {
  const CANARY = 'ca"nary-7f3e9b21d4';
  const forms = [
    CANARY,
    JSON.stringify(CANARY).slice(1, -1),
    Buffer.from(CANARY).toString("base64").replace(/=+$/, ""),
  ];

  test("are nowhere in the operation's directory, while it runs and after; project files stay as they are", async () => {
    const play = playground(bench, "secrets");
    const node = play.node({
      secretConfig: { token: { $env: "CANARY_CONFIG" } },
      config: { colour: "blue" },
      env: { MODE: "talks", CANARY: { $env: "CANARY_CONFIG" } },
    });
    const withSecret = play.another({ CANARY_CONFIG: CANARY });
    const request = await play.request("r.app.1.up", node);
    await withSecret.start(request);
    let whileHeld = "";
    const { outcome, previewed } = await follow(withSecret, request, async () => {
      await written(join(play.directory(request), "journal.ndjson"), '"previewed"');
      whileHeld = everything(play.directory(request));
      await withSecret.accept("r.app.1.up");
    });
    expect(outcome.status).toBe("succeeded");
    expect(JSON.stringify(previewed)).toContain("the environment says [secret]");
    const told = JSON.stringify([previewed, outcome]);
    for (const form of forms) {
      for (const text of [told, whileHeld, everything(play.directory(request))]) expect(text).not.toContain(form);
    }
    expect(readFileSync(join(play.root, "app", "Pulumi.dev.yaml"), "utf8")).toMatch(/^encryptionsalt: \S+\n$/);
    const outputs = await withSecret.outputs(node, play.root);
    expect(outputs["hidden"]).toEqual({ value: { nested: CANARY }, secret: true });
  });

  /** The text of all regular files below a folder. */
  function everything(directory: string): string {
    return readdirSync(directory, { recursive: true, encoding: "utf8" })
      .map((name) => join(directory, name))
      .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
      .map((path) => (existsSync(path) ? readFileSync(path, "utf8") : ""))
      .join("\n");
  }
});
