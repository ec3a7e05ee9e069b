/** `evo validate` as a process: misspelt names in each kind of sequence, and type errors. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { folderWith } from "../sequence/folder.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface How {
  /** Where evo is installed. */
  readonly evo?: string;
  /** As in the environment; the projects' own where there is none. */
  readonly backend?: string | undefined;
}

function validate(cwd: string, args: readonly string[] = [], how: How = {}): Promise<Said> {
  const { evo = ROOT, backend } = { backend: `file://${join(cwd, "backend")}`, ...how };
  const env = { PATH: process.env.PATH, HOME: cwd, EVO_HOME: join(cwd, "home"), PULUMI_BACKEND_URL: backend };
  const line = [join(evo, "dist/cli/main.js"), "validate", "s", ...args];
  return new Promise((done) => {
    execFile(process.execPath, line, { cwd, env }, (error, stdout, stderr) =>
      done({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

const PROJECTS = {
  "net/Pulumi.yaml": "name: net\nruntime: nodejs\n",
  "app/Pulumi.yaml": "name: app\nruntime: nodejs\n",
  "backend/.pulumi/meta.yaml": "version: 1\n",
  "backend/.pulumi/stacks/net/prod.json": "{}",
  "backend/.pulumi/stacks/app/prod.json": "{}",
};

/** Valid; each of the three words is misspelt in turn. */
const MODULE = `import { defineSequence, gate, settled, up } from "evo";

export default defineSequence({
  name: "s",
  steps: [
    up("net", {
      dir: "../net",
      stack: "prod",
      convergedWhen: [
        gate("steady", { targets: ["net"], interval: "5s", probe: settled("net") }),
      ],
    }),
    up("app", { dir: "../app", stack: "prod" }),
  ],
});
`;
const JSON_TEXT = `{
  "version": 1,
  "name": "s",
  "steps": [
    {
      "kind": "up",
      "name": "net",
      "dir": "../net",
      "stack": "prod",
      "convergedWhen": [
        {
          "name": "steady",
          "interval": "5s",
          "targets": [{ "name": "net", "probe": { "type": "settled", "step": "net" } }]
        }
      ]
    },
    { "kind": "up", "name": "app", "dir": "../app", "stack": "prod" }
  ]
}
`;

const SLIPS = [
  { what: "step", module: ['settled("net")', 'settled("nett")'], json: ['"step": "net"', '"step": "nett"'] },
  { what: "gate field", module: ["interval:", "intervall:"], json: ['"interval"', '"intervall"'] },
  {
    what: "stack",
    module: ['"../app", stack: "prod"', '"../app", stack: "prdo"'],
    json: ['"../app", "stack": "prod"', '"../app", "stack": "prdo"'],
  },
] as const;
const MEANT = { step: "net", "gate field": "interval", stack: "prod" };
/** Where the author has to look. */
const SPOT = {
  module: { step: '"nett"', "gate field": "intervall", stack: 'stack: "prdo"' },
  json: { step: '"nett"', "gate field": '"intervall"', stack: '"stack": "prdo"' },
};

function placeOf(text: string, spot: string): string {
  const before = text.slice(0, text.indexOf(spot)).split("\n");
  return `${before.length}:${(before.at(-1) ?? "").length + 1}`;
}

describe.each(["ts", "js", "json"])("a .%s sequence", (end) => {
  const kind = end === "json" ? "json" : "module";
  const text = end === "json" ? JSON_TEXT : MODULE;

  it("is valid as it stands", async () => {
    const { code, stdout, stderr } = await validate(folderWith({ ...PROJECTS, [`sequences/s.${end}`]: text }));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^s is valid: 2 steps, 1 gate/);
  });

  it.each(SLIPS)("with a misspelt $what: its place, what was meant, what to do, exit 2", async (slip) => {
    const [right, wrong] = slip[kind];
    const slipped = text.replace(right, wrong);
    const root = folderWith({ ...PROJECTS, [`sequences/s.${end}`]: slipped });
    const { code, stdout, stderr } = await validate(root);
    const [message, at, remedy] = stderr.trimEnd().split("\n");
    expect({ code, stdout, at }).toEqual({
      code: 2,
      stdout: "",
      at: `  at sequences/s.${end}:${placeOf(slipped, SPOT[kind][slip.what])}`,
    });
    expect(message).toContain(`Did you mean "${MEANT[slip.what]}"?`);
    expect(remedy).toMatch(/^ {2}→ [A-Z].*\.$/);
  });
});

describe("a stack that is not there", () => {
  const withStack = (stack: string) => ({
    ...PROJECTS,
    "sequences/s.ts": MODULE.replaceAll('stack: "prod"', `stack: "${stack}"`),
  });

  it("is no mistake as long as no other one has its name but for a number, or none is near", async () => {
    const family = await validate(
      folderWith({ ...withStack("prod-2"), "backend/.pulumi/stacks/app/prod-1.json": "{}" }),
    );
    expect(family.code).toBe(0);
    expect(family.stderr).toMatch(
      /^not yet in file:\/\/\S+: net \(prod-2\), app \(prod-2\); before evo up: pulumi stack init/,
    );
  });

  it("is only doubted where the backend was not looked at", async () => {
    const root = folderWith({
      ...withStack("prdo"),
      "net/Pulumi.yaml": "name: net\nruntime: nodejs\nbackend:\n  url: https://example.org\n",
      "app/Pulumi.yaml": "name: app\nruntime: nodejs\nbackend:\n  url: https://example.org\n",
      "app/Pulumi.prod.yaml": "config: {}\n",
    });
    const { code, stderr } = await validate(root, [], { backend: undefined });
    expect(code).toBe(0);
    expect(stderr).toBe(
      'sequences/s.ts:13:32: Step "app" names the stack "prdo", and there is no Pulumi.prdo.yaml. Did you mean "prod"?\n',
    );
  });
});

describe("--types", () => {
  const wrong = `${MODULE}const count: number = "three";\nexport const more = gate("g", { targets: ["x"], probe: settled(), intervall: "5s" });\n`;

  it("finds nothing wrong with what is right", async () => {
    const { code, stdout } = await validate(folderWith({ ...PROJECTS, "sequences/s.ts": MODULE }), ["--types"]);
    expect({ code, types: stdout.split("\n")[1] }).toEqual({
      code: 0,
      types: expect.stringMatching(/^types: no errors \(typescript \d+\.\d+/),
    });
  });

  it("shows every type error with its place, exit 2; without it the module is valid", async () => {
    const root = folderWith({ ...PROJECTS, "sequences/s.ts": wrong });
    const { code, stdout, stderr } = await validate(root, ["--types"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/sequences\/s\.ts:16:7: Type 'string' is not assignable to type 'number'\. \(TS2322\)/);
    expect(stderr).toMatch(/sequences\/s\.ts:17:\d+: .*'intervall' does not exist.*\(TS2561\)/);
    expect((await validate(root)).code).toBe(0);
  });

  it("knows the types of a custom probe's input, and of its world", async () => {
    const probe =
      'const p = custom("p", { input: z.object({ most: z.number() }), look: async ({ most }, { signal }) => ({ verdict: "pass", observed: most, expected: signal.aborted }) });\n';
    const text = `${MODULE.replace("defineSequence, ", "custom, defineSequence, z, ").replace('name: "s",', 'name: "s",\n  world: "./w.ts",')}${probe}export const g = gate("g", { targets: ["x"], probe: p({ most: "1" }) });\n`;
    const world = "export default {};\nexport const regions: string = 3;\n";
    const root = folderWith({ ...PROJECTS, "sequences/s.ts": text, "sequences/w.ts": world });
    const { stderr } = await validate(root, ["--types"]);
    expect(stderr).toMatch(/s\.ts:18:\d+: Type 'string' is not assignable to type 'number'/);
    expect(stderr).toMatch(/w\.ts:2:14: Type 'number' is not assignable to type 'string'/);
    expect(stderr).toMatch(/^evo: 2 problems/);
  });

  it("says so where there is no compiler, or nothing that has types", async () => {
    const root = folderWith({ ...PROJECTS, "sequences/s.ts": wrong, "evo/package.json": '{"type":"module"}' });
    const evo = join(root, "evo");
    cpSync(join(ROOT, "dist"), join(evo, "dist"), { recursive: true });
    mkdirSync(join(evo, "node_modules"));
    for (const name of ["ajv", "canonicalize", "commander", "jiti", "js-yaml", "pg", "semver", "zod"])
      symlinkSync(join(ROOT, "node_modules", name), join(evo, "node_modules", name));
    const without = await validate(root, ["--types"], { evo });
    expect(without).toMatchObject({
      code: 0,
      stderr:
        "types: not checked: there is no typescript beside the sequence or its programs; npm install --save-dev typescript\n",
    });
    const json = await validate(folderWith({ ...PROJECTS, "sequences/s.json": JSON_TEXT }), ["--types"]);
    expect(json).toMatchObject({ code: 0, stderr: "types: not checked: .json has no types\n" });
  });
});
