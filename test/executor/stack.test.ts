import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { locateStack, stackIdentity } from "../../src/executor/stack/backend.js";
import { identifyStack } from "../../src/executor/stack/identity.js";
import { readProject } from "../../src/executor/stack/project.js";
import { sourceDigest } from "../../src/executor/stack/sources.js";
import type { StepNode } from "../../src/plan/model.js";

let root: string;
let env: { [name: string]: string };
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "evo-stack-")));
  write("app/Pulumi.yaml", "name: shop\nruntime: nodejs\n");
  write("app/index.js", "1");
  const backend = `file://${root}/state`;
  env = { HOME: root, PULUMI_HOME: join(root, "ph"), PULUMI_BACKEND_URL: backend, PULUMI_CONFIG_PASSPHRASE: "" };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function node(dir = "app", stack = "dev", options = {}): StepNode {
  const common = { ready: [], converged: [], window: 0, boundary: "s", onFailure: "halt" as const };
  return { kind: "step", id: "s", verb: "up", stack: { dir, stack }, options, ...common };
}

function git(...args: string[]): void {
  const who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
  execFileSync("git", [...who, ...args], { cwd: root, stdio: "ignore" });
}

describe("identifyStack", () => {
  test("names the stack by backend and full name, without an engine", async () => {
    write("state/.pulumi/meta.yaml", "version: 1\n");
    write("state/.pulumi/stacks/shop/dev.json", "{}");
    const identity = await identifyStack(node(), root, env);
    expect(identity.stack).toBe(`file://${root}/state#organization/shop/dev`);
    expect(identity.source).toMatchObject({ path: "app", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  test.each([
    ["stack.no-folder", () => identifyStack(node("nowhere"), root, env)],
    ["stack.no-project", () => identifyStack(node("."), root, env)],
    ["stack.missing", () => identifyStack(node(), root, env)],
    ["stack.not-logged-in", () => identifyStack(node(), root, { HOME: root, PULUMI_HOME: join(root, "ph") })],
    ["stack.no-token", () => identifyStack(node(), root, { ...env, PULUMI_BACKEND_URL: "https://api.pulumi.com" })],
    [
      "stack.no-passphrase",
      () => {
        const { PULUMI_CONFIG_PASSPHRASE: _, ...without } = env;
        return identifyStack(node(), root, without);
      },
    ],
  ])("%s says what to do", async (code, identify) => {
    await expect(identify()).rejects.toMatchObject({ code, remedy: expect.any(String) });
  });

  test("a missing stack is told with the one of a near name", async () => {
    write("state/.pulumi/meta.yaml", "version: 1\n");
    write("state/.pulumi/stacks/shop/dve.json", "{}");
    await expect(identifyStack(node(), root, env)).rejects.toThrow(
      /no stack organization\/shop\/dev in .*Did you mean "dve"\?/,
    );
  });

  test("a broken Pulumi.yaml is told with its place", async () => {
    write("app/Pulumi.yaml", "name: shop\nruntime: [\n");
    const file = join(root, "app", "Pulumi.yaml");
    await expect(identifyStack(node(), root, env)).rejects.toMatchObject({
      code: "stack.bad-yaml",
      at: { file, line: 3 },
    });
  });

  test("a stack that is to be made need not be there", async () => {
    await expect(identifyStack(node("app", "dev", { createStack: true }), root, env)).resolves.toBeDefined();
  });
});

describe("locateStack", () => {
  const identity = (stack: string, more: object): string => {
    const project = readProject(node(), root);
    return stackIdentity(locateStack(project, stack, { ...env, ...more }));
  };

  test("prefers PULUMI_BACKEND_URL, then the project, then the login", () => {
    expect(identity("dev", { PULUMI_BACKEND_URL: "s3://bucket?region=x" })).toBe("s3://bucket#organization/shop/dev");
    write("app/Pulumi.yaml", "name: shop\nruntime: nodejs\nbackend:\n  url: file://./here\n");
    expect(identity("dev", { PULUMI_BACKEND_URL: "" })).toBe(`file://${root}/app/here#organization/shop/dev`);
    write("app/Pulumi.yaml", "name: shop\nruntime: nodejs\n");
    write("ph/credentials.json", '{"current":"file://~"}');
    // As the CLI: the home of the user, whatever HOME says.
    expect(identity("dev", { PULUMI_BACKEND_URL: "" })).toBe(`file://${userInfo().homedir}#organization/shop/dev`);
  });

  test("knows full names, old layouts and Pulumi Cloud's default organization", () => {
    expect(identity("organization/shop/dev", {})).toBe(`file://${root}/state#organization/shop/dev`);
    write("state/.pulumi/stacks/dev.json", "{}");
    expect(identity("dev", {})).toBe(`file://${root}/state#dev`);
    write("ph/credentials.json", '{"accounts":{"https://api.pulumi.com":{"username":"ann"}}}');
    expect(identity("dev", { PULUMI_BACKEND_URL: "https://api.pulumi.com" })).toBe(
      "https://api.pulumi.com#ann/shop/dev",
    );
    expect(identity("acme/dev", { PULUMI_BACKEND_URL: "https://api.pulumi.com" })).toBe(
      "https://api.pulumi.com#acme/shop/dev",
    );
  });
});

describe("sourceDigest", () => {
  const digestOf = async () => sourceDigest(readProject(node(), root), "app");

  test("changes with content, and neither with installed packages nor with a new stack's salt", async () => {
    const first = await digestOf();
    write("app/node_modules/x/index.js", "2");
    write("app/Pulumi.dev.yaml", "encryptionsalt: v1:abc\n");
    expect(await digestOf()).toEqual(first);
    write("app/Pulumi.dev.yaml", "encryptionsalt: v1:abc\nconfig:\n  shop:a: b\n");
    expect((await digestOf()).sha256).not.toBe(first.sha256);
  });

  test("a lockfile above the folder counts", async () => {
    const first = await digestOf();
    write("package-lock.json", "{}");
    expect((await digestOf()).sha256).not.toBe(first.sha256);
  });

  test("in git it names the commit and sees untracked files, but no ignored ones", async () => {
    git("init");
    write(".gitignore", "ignored\n");
    git("add", ".");
    git("commit", "-m", "one");
    const first = await digestOf();
    expect(first).toMatchObject({ commit: expect.stringMatching(/^[0-9a-f]{40}$/), dirty: false });
    write("app/ignored", "x");
    expect(await digestOf()).toEqual(first);
    write("app/new.js", "x");
    const second = await digestOf();
    expect(second).toMatchObject({ commit: first.commit, dirty: true });
    expect(second.sha256).not.toBe(first.sha256);
  });

  test("a salt that the engine adds to settings, or makes them of, is no difference from the commit", async () => {
    git("init");
    write("app/Pulumi.prod.yaml", "config:\n  shop:a: 1\n");
    git("add", ".");
    git("commit", "-m", "one");
    write("app/Pulumi.prod.yaml", 'encryptionsalt: v1:abc\nconfig:\n  shop:a: "1"\n');
    write("app/Pulumi.dev.yaml", "encryptionsalt: v1:def\n");
    expect(await digestOf()).toMatchObject({ dirty: false });
    write("app/Pulumi.dev.yaml", "encryptionsalt: v1:def\nconfig:\n  shop:a: b\n");
    expect(await digestOf()).toMatchObject({ dirty: true });
  });
});
