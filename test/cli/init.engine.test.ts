/** `evo init` in folders with ordinary Pulumi projects: what it writes, and that it runs as written. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Evo, openEvo } from "../support/evo.js";

let evo: Evo;

beforeAll(async () => {
  evo = await openEvo();
});

afterAll(() => evo.close());

const NETWORK = `const pulumi = require("@pulumi/pulumi");
const config = new pulumi.Config();
new pulumi.ComponentResource("test:index:Network", "main");
exports.cidr = config.get("cidr") || "10.0.0.0/16";
`;
const reader = (kind: string) => `const pulumi = require("@pulumi/pulumi");
const network = new pulumi.StackReference(\`\${pulumi.getOrganization()}/network/\${pulumi.getStack()}\`);
new pulumi.ComponentResource("test:index:${kind}", "main", { cidr: network.requireOutput("cidr") });
exports.cidr = network.requireOutput("cidr");
`;

describe("three projects, two of which refer to the third", () => {
  it("get a sequence that validate, lint and plan accept and that evo up runs without an edit, twice", async () => {
    const cwd = join(evo.directory, "projects");
    for (const [name, program] of [
      ["api", reader("Api")],
      ["database", reader("Database")],
      ["network", NETWORK],
    ] as const)
      await evo.init(evo.project(name, program), "dev");
    const run = (...args: string[]) => evo.run(args, { cwd });

    const made = await run("init");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout).toContain("sequences/rollout.ts: 3 stacks of 3 projects");
    const text = readFileSync(join(cwd, "sequences/rollout.ts"), "utf8");
    expect([...text.matchAll(/^ *(up|independent)\("([^"]+)"/gm)].map((found) => found[2])).toEqual([
      "network",
      "tier-1",
      "api",
      "database",
    ]);

    expect(await run("validate", "rollout", "--types")).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringContaining("types: no errors"),
    });
    expect(await run("lint", "rollout")).toMatchObject({ code: 0, stdout: "rollout: nothing found\n" });
    expect((await run("plan", "rollout")).code).toBe(0);

    const plan = await run("plan", "rollout", "--diff");
    expect(plan.code).toBe(0);
    expect(plan.stdout).toMatch(
      /up network .*\n +preview: 2 to create\n +create pulumi:pulumi:Stack network-dev\n +create test:index:Network main\n/,
    );
    expect(plan.stdout.match(/preview: unknown until network has run \(it reads outputs of network/g)).toHaveLength(2);

    expect(await run("up", "rollout")).toMatchObject({ code: 0 });
    const { stdout: ledger } = await run("ledger", "log", "--json");
    const entries: { type: string; step?: string; body: { node?: string } }[] = JSON.parse(ledger);
    const order = entries.flatMap(({ type, step, body }) =>
      type === "operation.intended"
        ? [`start ${step}`]
        : type === "boundary.opened"
          ? [`open ${step ?? body.node}`]
          : [],
    );
    expect(order.slice(0, 2)).toEqual(["start network", "open network"]);
    expect(order.filter((one) => /start (api|database)/.test(one))).toHaveLength(2);

    const again = await run("up", "rollout", "--json");
    expect(again.code).toBe(0);
    const settled = await run("plan", "rollout", "--diff");
    expect(settled.stdout.match(/preview: no change\n/g)).toHaveLength(3);
    const { stdout } = await run("ledger", "log", "--json", "--type", "operation.succeeded");
    const counts = JSON.parse(stdout).map(({ body }: { body: { changes: { counts: object } } }) => body.changes.counts);
    expect(counts.slice(3).every((count: object) => Object.keys(count).join() === "same")).toBe(true);
    expect(counts).toHaveLength(6);
  });
});

describe("a repository", () => {
  const folder = (name: string, files: { readonly [path: string]: string }) => {
    const cwd = join(evo.directory, name);
    mkdirSync(cwd, { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(cwd, path)), { recursive: true });
      writeFileSync(join(cwd, path), text);
    }
    return { cwd, init: (...args: string[]) => evo.run(["init", ...args], { cwd }) };
  };
  const project = (name: string, program = "", stacks: readonly string[] = ["dev"]) => ({
    [`${name}/Pulumi.yaml`]: `name: ${name}\nruntime: nodejs\n`,
    [`${name}/index.js`]: program,
    ...Object.fromEntries(stacks.map((stack) => [`${name}/Pulumi.${stack}.yaml`, "config: {}\n"])),
  });

  it("without a project: says where it looked, exit 2, and writes nothing", async () => {
    const { cwd, init } = folder("none", { "src/index.ts": "" });
    const { code, stderr } = await init();
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `evo: there is no Pulumi.yaml in ${cwd} or below it  [init.no-projects]\n  → name the folder that holds your Pulumi projects: evo init <folder>\n`,
    });
  });

  it("whose projects' stacks differ: takes the common one, says which others it took or left out", async () => {
    const { cwd, init } = folder("differ", {
      ...project("app"),
      ...project("web", "", ["dev", "prod"]),
      ...project("old", "", ["prod"]),
      ...project("lab", "", ["x", "y"]),
    });
    const { code, stderr } = await init();
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        "Project lab is left out: none of its stacks (x, y) is dev.\nProject old has no stack dev; its only one, prod, is taken.\n",
    });
    const text = readFileSync(join(cwd, "sequences/rollout.ts"), "utf8");
    expect([...text.matchAll(/stack: "(\w+)"/g)].map((found) => found[1])).toEqual(["dev", "prod", "dev"]);
    expect((await init("--stack", "prod", "--name", "release")).stderr).toContain("Project app has no stack prod");
  });

  it("that has the sequence already: leaves it as it is, unless --force says otherwise", async () => {
    const { cwd, init } = folder("exists", { ...project("app"), "sequences/rollout.ts": "mine\n" });
    const refused = await init();
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/there is a sequence sequences\/rollout\.ts already.*\[init\.exists\]/);
    expect(refused.stderr).toContain("--force");
    expect(readFileSync(join(cwd, "sequences/rollout.ts"), "utf8")).toBe("mine\n");
    expect((await init("--json-sequence", "--force")).code).toBe(2);
    expect((await init("--force")).code).toBe(0);
    expect(readFileSync(join(cwd, "sequences/rollout.ts"), "utf8")).toContain("defineSequence");
  });

  it("whose projects refer to each other in a circle: says that no order serves them, and so does lint", async () => {
    const refer = (to: string) => `new pulumi.StackReference(\`\${org}/${to}/\${pulumi.getStack()}\`);`;
    const { cwd, init } = folder("circle", { ...project("a", refer("b")), ...project("b", refer("a")) });
    const { code, stderr } = await init();
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "These refer to each other, so no order serves all: a, b.\n",
    });
    const { code: findings, stdout } = await evo.run(["lint", "rollout"], { cwd });
    expect(findings).toBe(7);
    expect(stdout.match(/order-missing/g)).toHaveLength(4);
  });

  it("with a reference whose name is computed: says that it can't tell, and where", async () => {
    const { init } = folder("computed", {
      ...project("app", "const x = 1;\nnew pulumi.StackReference(nameOf(x));\n"),
      ...project("net"),
    });
    const { code, stderr } = await init();
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        "Not known before it runs: app refers to the stack nameOf(x) (app/index.js:2). Put it where it belongs.\n",
    });
  });
});
