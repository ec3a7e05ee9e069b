/** A rehearsal started in an environment full of credentials hands none of them on (invariant 13). */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Evo, openEvo } from "../support/evo.js";

let evo: Evo;
beforeAll(async () => {
  evo = await openEvo();
});
afterAll(() => evo.close());

const REAL = {
  AWS_ACCESS_KEY_ID: "AKIAREALLOOKING00001",
  AWS_SECRET_ACCESS_KEY: "real-aws-secret",
  AWS_SESSION_TOKEN: "real-aws-session",
  AWS_PROFILE: "real-production",
  AWS_CONFIG_FILE: "/real/aws/config",
  AWS_WEB_IDENTITY_TOKEN_FILE: "/real/aws/token",
  GOOGLE_APPLICATION_CREDENTIALS: "/real/google.json",
  GOOGLE_OAUTH_ACCESS_TOKEN: "real-google-token",
  CLOUDSDK_CONFIG: "/real/gcloud",
  AZURE_CLIENT_SECRET: "real-azure-secret",
  ARM_CLIENT_SECRET: "real-arm-secret",
  KUBECONFIG: "/real/kubeconfig",
  KUBERNETES_SERVICE_HOST: "real.cluster.example",
  PULUMI_ACCESS_TOKEN: "pul-real0123456789",
  PULUMI_BACKEND_URL: "s3://real-production-state",
  PULUMI_CONFIG_PASSPHRASE: "real-passphrase",
  DATABASE_URL: "postgres://real:real-password@real.example/db",
  GITHUB_TOKEN: "real-github-token",
  VAULT_TOKEN: "real-vault-token",
  SSH_AUTH_SOCK: "/real/agent",
  NODE_OPTIONS: "--title=real-node-options",
  UNHEARD_OF_CREDENTIAL: "real-unheard-of",
};

/** A dynamic provider that stops in mid-create, so that every process of the update can be looked at. */
const PROGRAM = (directory: string) => `const pulumi = require("@pulumi/pulumi");
const provider = {
  create: async () => {
    const fs = require("node:fs");
    fs.writeFileSync(${JSON.stringify(join(directory, "creating"))}, "");
    while (!fs.existsSync(${JSON.stringify(join(directory, "go-on"))})) await new Promise((done) => setTimeout(done, 20));
    return { id: "a", outs: {} };
  },
};
class Thing extends pulumi.dynamic.Resource {
  constructor(name) { super(provider, name, {}); }
}
new Thing("a");
`;

const WORLD = `import { defineWorld } from "evo";
export default defineWorld({
  name: "small",
  regions: { here: { edges: 5 } },
  propagation: [],
  endpoint: () => ({ status: 200, body: {} }),
});
`;

const variables = (text: string) => new Set(text.split(/\0|\n/));

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return ""; // it has ended
  }
}

it("passes nothing on to engine, language host, program, providers and probes", async () => {
  evo.project("s", PROGRAM(evo.directory));
  writeFileSync(join(evo.directory, "sequences", "small.ts"), WORLD);
  const seen = join(evo.directory, "probe-environment");
  evo.sequence(
    "small-change",
    `export default defineSequence({ name: "small-change", world: "./small.ts", steps: [up("s", { dir: "../projects/s", stack: "prod", convergedWhen: [
  gate("looks", { targets: ["here"], probe: command(["sh", "-c", "env > ${seen}"]), interval: "100ms" }),
] })] });`,
  );
  const running = evo.start(["up", "small-change", "--rehearse"], { env: REAL });
  while (!existsSync(join(evo.directory, "creating")) && !/halted|evo: /.test(running.said())) await sleep(20);
  const processes = evo.processes().flatMap((line) => {
    const pid = Number.parseInt(line, 10);
    return pid === running.pid ? [] : [{ line, environment: environmentOf(pid) }];
  });
  writeFileSync(join(evo.directory, "go-on"), "");
  const { code, stderr } = await running.ended;
  expect(code, stderr).toBe(0);

  const lines = processes.map(({ line }) => line).join("\n");
  for (const kind of [/pulumi up /, /language-host\/main\.js|pulumi-language-nodejs/, /cmd\/run/, /dynamic-provider/])
    expect(lines).toMatch(kind);
  const everything = [...processes, { line: "probe", environment: readFileSync(seen, "utf8") }];
  const leaks = everything.flatMap(({ line, environment }) =>
    Object.entries(REAL).flatMap(([name, value]) =>
      variables(environment).has(`${name}=${value}`) ? [`${name} to ${line}`] : [],
    ),
  );
  expect(leaks).toEqual([]);
  expect(everything.filter(({ environment }) => /real[-.]|\/real\//.test(environment))).toEqual([]);
});

it("is marked in the ledger, and is no run of production", async () => {
  const [run] = JSON.parse((await evo.run(["runs", "--json"])).stdout);
  expect(run).toMatchObject({ sequence: "small-change", rehearsal: true, status: "completed" });
  expect((await evo.run(["status"])).stdout).toMatch(/rehearsal in world small/);
});

it("is what PULUMI_DEBUG_PROVIDERS is for: a normal run with it is refused, exit 2", async () => {
  const { code, stderr } = await evo.run(["up", "small-change"], { env: { PULUMI_DEBUG_PROVIDERS: "aws:4711" } });
  expect(code).toBe(2);
  expect(stderr).toContain("[environment.debug-providers]");
  expect(JSON.parse((await evo.run(["runs", "--json"])).stdout)).toHaveLength(1);
});
