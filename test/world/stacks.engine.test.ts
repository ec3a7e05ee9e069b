/** The reference stacks through the real engine and our language host: what they make, and that they settle. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { languageHostPath } from "../../src/executor/language-host/install.js";
import { rehearsalEnvironment, startTraffic, type World } from "../../src/world/index.js";
import { testEngine } from "../support/engine.js";
import { bringStacks } from "../support/reference.js";
import { APP, type Change, FLAGS, gateway, IDENTITY, REGIONS, urnOf } from "./rollout.js";
import { opened, scratch } from "./scratch.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ENGINE = (await testEngine()).path;

interface Bench {
  readonly world: World;
  pulumi(dir: string, ...args: readonly string[]): Promise<string>;
}

/** A copy of the stacks, because `stack init` writes to the project's folder, and a plain CLI in the world. */
async function bench(pace: number): Promise<Bench> {
  const home = scratch();
  const world = await opened({ home, pace });
  bringStacks(home);
  const base = rehearsalEnvironment({
    ...process.env,
    AWS_ACCESS_KEY_ID: "AKIACANARY",
    AWS_SECRET_ACCESS_KEY: "canary",
    KUBECONFIG: "/root/.kube/config",
  });
  const env = { ...base, ...world.env, PATH: `${languageHostPath(home)}:${base.PATH}` };
  const pulumi = (dir: string, ...args: readonly string[]) => run(join(home, "stacks", dir), env, args);
  return { world, pulumi };
}

function run(cwd: string, env: NodeJS.ProcessEnv, args: readonly string[]): Promise<string> {
  const child = spawn(ENGINE, [...args, "--non-interactive"], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve(output) : reject(new Error(`pulumi ${args[0]}: ${output}`))));
  });
}

const STEPS: readonly (readonly [dir: string, stack: string, change: Change])[] = [
  ["identity", "prod", IDENTITY],
  ["app", "prod", APP],
  ...REGIONS.map((region) => ["gateway", `prod-${region}`, gateway(region)] as const),
  ["flags", "prod", FLAGS],
];

test("the naive order: every update succeeds, and users of eu-west are refused", async () => {
  // So slow that eu-west's edges are behind when the flag arrives, however busy this machine is.
  const { world, pulumi } = await bench(20);
  const targets = Object.fromEntries(world.regions.map((region) => [region, world.origin(region)]));
  const traffic = startTraffic({ targets, path: "/orders", perSecond: 10, users: 5 });
  for (const [dir, stack] of STEPS) {
    await pulumi(dir, "stack", "init", "--no-select", stack);
    await pulumi(dir, "up", "--yes", "--skip-preview", "--stack", stack);
  }
  await expect.poll(() => traffic.counts()["eu-west-1"]?.["403"] ?? 0, { timeout: 60_000 }).toBeGreaterThan(0);
  await traffic.stop();

  const log = await world.log();
  const calls = log.filter((entry) => entry.type === "provider.called");
  // What simulations take for granted (rollout.ts) is what the stacks really make.
  const made = new Set(calls.map(({ urn }) => urn));
  for (const [, , change] of STEPS) for (const each of change.made) expect(made).toContain(urnOf(change, each));
  expect(new Set(calls.filter(({ urn }) => urn?.includes("::gateway::")).map(({ region }) => region))).toEqual(
    new Set(REGIONS),
  );
  // Nothing changes when nothing was changed, and what is live is what was declared.
  for (const [dir, stack] of [STEPS[2]!, STEPS[5]!]) {
    expect(await pulumi(dir, "up", "--yes", "--stack", stack, "--expect-no-changes")).not.toContain("error");
    await pulumi(dir, "refresh", "--preview-only", "--expect-no-changes", "--stack", stack);
  }
  const outputs = JSON.parse(await pulumi("gateway", "stack", "output", "--json", "--stack", "prod-eu-west-1"));
  expect(outputs.url).toBe(world.origin("eu-west-1"));
  const shown = await pulumi("identity", "stack", "output", "--json", "--stack", "prod");
  expect(JSON.parse(shown).canarySecret).toBe("[secret]");
  expect(existsSync(join(ROOT, "stacks/identity/.pulumi"))).toBe(false);
});

test("a preview says what would change and what must be replaced; destroy leaves nothing", async () => {
  const { world, pulumi } = await bench(0.01);
  await pulumi("flags", "stack", "init", "--no-select", "prod");
  await pulumi("flags", "up", "--yes", "--skip-preview", "--stack", "prod");
  await pulumi("flags", "config", "set", "policyVersion", "3", "--stack", "prod");
  const preview = JSON.parse(await pulumi("flags", "preview", "--json", "--stack", "prod"));
  expect(preview.changeSummary).toMatchObject({ replace: 2, same: 5 });
  await pulumi("flags", "up", "--yes", "--skip-preview", "--stack", "prod");
  await pulumi("flags", "refresh", "--preview-only", "--expect-no-changes", "--stack", "prod");
  await pulumi("flags", "destroy", "--yes", "--skip-preview", "--stack", "prod");
  const response = await fetch(`${world.origin("us-east-1")}/orders`);
  expect(await response.json()).toMatchObject({ policy: 1 });
});
