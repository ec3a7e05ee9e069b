import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compareVersions, isTested, languageHostFor } from "../../src/executor/language-host/choose.js";
import { hold } from "../../src/executor/language-host/hold.js";
import { languageHostPath } from "../../src/executor/language-host/install.js";
import { packageManager } from "../../src/executor/language-host/package-manager.js";
import { requiredPlugins } from "../../src/executor/language-host/packages.js";
import {
  parseOptions,
  programArguments,
  programEnvironment,
  type RunRequest,
  splitWords,
} from "../../src/executor/language-host/program.js";
import { handOver, secretValues } from "../../src/executor/language-host/secrets.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evo-host-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const request: RunRequest = {
  monitor: "127.0.0.1:1",
  engine: "127.0.0.1:2",
  tracing: "",
  organization: "organization",
  project: "shop",
  stack: "dev",
  rootDirectory: "/shop",
  programDirectory: "/shop/infra",
  entryPoint: ".",
  args: [],
  dryRun: true,
  parallel: 4,
  config: new Map([["aws:region", "eu-west-1"]]),
  secretKeys: ["aws:region"],
  options: parseOptions({}),
};

describe("programArguments", () => {
  test("are those of the engine's own host", () => {
    expect(programArguments(request).join(" ")).toBe(
      "--monitor 127.0.0.1:1 --engine 127.0.0.1:2 --organization organization --project shop " +
        "--root-directory /shop --stack dev --pwd /shop/infra --dry-run --parallel 4 .",
    );
  });
});

describe("programEnvironment", () => {
  test("brings configuration, and nothing of evo's", () => {
    const base = {
      EVO_OPERATION_DIR: "/op",
      EVO_HOLD: "update",
      EVO_HOST_NODE_OPTIONS: "--trace-warnings",
      HOME: "/h",
    };
    expect(programEnvironment(request, base)).toEqual({
      HOME: "/h",
      NODE_OPTIONS: "--trace-warnings",
      PULUMI_CONFIG: '{"aws:config:region":"eu-west-1"}',
      PULUMI_CONFIG_SECRET_KEYS: '["aws:region"]',
      PULUMI_NODEJS_TYPESCRIPT: "true",
    });
  });
});

describe("parseOptions", () => {
  test.each([{ typescript: "no" }, { nodeargs: 3 }, { tsconfig: true }])("refuses %j", (options) => {
    expect(() => parseOptions(options)).toThrow(/option must be a/);
  });
});

describe("splitWords", () => {
  test.each([
    ["", []],
    [" --a  --b=1 ", ["--a", "--b=1"]],
    [`--title "a long" 'b c'd`, ["--title", "a long", "b cd"]],
    [String.raw`a\ b "c\"d" '\e'`, ["a b", 'c"d', String.raw`\e`]],
    ['"" x # rest', ["", "x"]],
  ])("%s", (line, words) => expect(splitWords(line)).toEqual(words));

  test("gives back what was quoted", () => {
    const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        expect(splitWords(words.map(quoted).join(" "))).toEqual(words);
      }),
    );
  });

  test("a quote left open", () => expect(() => splitWords("'a")).toThrow("closing '"));
});

describe("requiredPlugins", () => {
  function put(path: string, content: object): void {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), JSON.stringify(content));
  }

  test("packages that say so, nested ones and links too, but no policy packs", async () => {
    put("node_modules/@pulumi/aws/package.json", { name: "@pulumi/aws", version: "7.1.0", pulumi: { resource: true } });
    put("node_modules/left/package.json", { name: "left", version: "1.0.0" });
    put("node_modules/left/node_modules/ours/package.json", {
      name: "ours",
      version: "0.1.0",
      pulumi: { resource: true, name: "mine", version: "2.0.0", server: "https://example.org" },
    });
    put("node_modules/nameless/package.json", { name: "nameless", version: "1.0.0", pulumi: { resource: true } });
    put("policies/PulumiPolicy.yaml", {});
    put("policies/node_modules/p/package.json", { name: "@pulumi/p", version: "1.0.0", pulumi: { resource: true } });
    symlinkSync(directory, join(directory, "node_modules", "circle"));
    expect(await requiredPlugins(directory)).toEqual([
      { name: "aws", version: "v7.1.0", server: "" },
      { name: "mine", version: "v2.0.0", server: "https://example.org" },
    ]);
  });
});

describe("packageManager", () => {
  test("the named one, the one with a lock file, npm", () => {
    expect(packageManager("auto", directory)).toBe("npm");
    writeFileSync(join(directory, "pnpm-lock.yaml"), "");
    expect(packageManager("auto", directory)).toBe("pnpm");
    expect(packageManager("bun", directory)).toBe("bun");
  });
});

describe("hold", () => {
  const never = new AbortController().signal;

  test("waits for its go, and shows that it waits", async () => {
    const word = hold(directory, "held", never);
    writeFileSync(join(directory, "commit"), ""); // the word for the other point
    while (!existsSync(join(directory, "held"))) await new Promise(setImmediate);
    writeFileSync(join(directory, "accept"), "");
    expect(await word).toEqual({ go: true });
  });

  test("a refusal is stronger, whoever wrote it and when", async () => {
    writeFileSync(join(directory, "accept"), "");
    writeFileSync(join(directory, "refuse"), "too late\n");
    expect(await hold(directory, "held", never)).toEqual({ go: false, reason: "too late" });
  });

  test("an engine that stops is a refusal", async () => {
    const controller = new AbortController();
    const word = hold(directory, "evaluated", controller.signal);
    controller.abort();
    expect(await word).toEqual({ go: false, reason: "the engine has stopped" });
  });
});

describe("secrets", () => {
  const config = new Map([
    ["a:token", "hunter2"],
    ["a:db", '{"user":"u","passwords":["p1","p2"]}'],
    ["a:plain", "open"],
  ]);

  test("whole values and the texts inside them", () => {
    const values = secretValues(config, ["a:token", "a:db", "a:gone"]);
    expect(values).toEqual(["hunter2", config.get("a:db"), "u", "p1", "p2"]);
  });

  test("are never written to a regular file, and make none", () => {
    handOver(directory, ["hunter2"]);
    expect(readdirSync(directory)).toEqual([]);
    writeFileSync(join(directory, "secrets"), "as it was");
    handOver(directory, ["hunter2"]);
    expect(readdirSync(directory)).toEqual(["secrets"]);
  });
});

describe("languageHostFor", () => {
  const ask = (more: object) =>
    languageHostFor({ programDir: directory, runtime: "nodejs", engine: process.execPath, path: directory, ...more });

  function sdk(version: string): void {
    mkdirSync(join(directory, "node_modules/@pulumi/pulumi"), { recursive: true });
    writeFileSync(join(directory, "node_modules/@pulumi/pulumi/package.json"), JSON.stringify({ version }));
  }

  test("evo's own inside the tested range", () => {
    sdk("3.130.0");
    expect(ask({ programDir: join(directory, "infra") })).toMatchObject({ host: "own" });
  });

  test.each([
    ["3.99.0", {}, "outside the tested range"],
    ["3.270.1", {}, "outside the tested range"],
    ["3.130.0", { host: "engine" }, "the step asks"],
    ["3.130.0", { runtime: "python" }, "runtime is python"],
  ])("the engine's for %s %j", (version, more, reason) => {
    sdk(version);
    const name = `pulumi-language-${"runtime" in more ? more.runtime : "nodejs"}`;
    expect(() => ask(more)).toThrow(name);
    writeFileSync(join(directory, name), "");
    expect(ask(more)).toMatchObject({ host: "engine", reason: expect.stringContaining(reason) });
  });

  test("versions", () => {
    expect(compareVersions("v3.200.0", "3.99.1")).toBeGreaterThan(0);
    expect(compareVersions("3.200.0-alpha.1", "3.200.0")).toBe(0);
    expect([isTested("3.100.0"), isTested("3.248.9"), isTested("3.249.0")]).toEqual([true, true, false]);
  });
});

describe("languageHostPath", () => {
  test("is made once, whole, also in a home with blanks and quotes", () => {
    const home = join(directory, "it's my home");
    const path = languageHostPath(home);
    expect(languageHostPath(home)).toBe(path);
    expect(readdirSync(path).sort()).toEqual([
      "pulumi-analyzer-policy",
      "pulumi-language-nodejs",
      "pulumi-resource-pulumi-nodejs",
    ]);
    rmSync(join(path, "pulumi-language-nodejs"));
    expect(languageHostPath(home)).toBe(path);
    expect(existsSync(join(path, "pulumi-language-nodejs"))).toBe(true);
    expect(readdirSync(join(home, "plugins"))).toHaveLength(1);
  });

  test("leaves to an engine what it brings itself", () => {
    writeFileSync(join(directory, "pulumi"), "");
    writeFileSync(join(directory, "pulumi-resource-pulumi-nodejs"), "");
    const path = languageHostPath(join(directory, "home"), join(directory, "pulumi"));
    expect(readdirSync(path).sort()).toEqual(["pulumi-analyzer-policy", "pulumi-language-nodejs"]);
  });
});
