import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EvoError } from "../../src/errors.js";
import { loadSequence } from "../../src/sequence/load.js";
import type { SequenceError } from "../../src/sequence/problems.js";
import { folderWith } from "./folder.js";

const IMPORTS =
  'import * as evo from "evo"; const { custom, defineSequence, gate, http, independent, lockstep, output, serial, settled, stackOutput, up, z } = evo;\n';
const STACKS = Object.fromEntries(["a", "b"].map((name) => [`stacks/${name}/Pulumi.yaml`, `name: ${name}\n`]));

async function errorOf(text: string, file = "sequences/s.ts"): Promise<EvoError> {
  const root = folderWith({ ...STACKS, [file]: text });
  return await loadSequence(join(root, file), root).then(
    () => {
      throw new Error("it was loaded");
    },
    (error: EvoError) => error,
  );
}

/** `line:column code message` of every problem in a module whose fourth line is the first of `body`. */
async function problemsOf(body: string): Promise<string[]> {
  const error = (await errorOf(
    `${IMPORTS}export default defineSequence({\nname: "s",\n${body}\n} as never);\n`,
  )) as SequenceError;
  expect({ code: error.code, exit: error.exit, source: error.source }).toEqual({
    code: "sequence.invalid",
    exit: 2,
    source: "user",
  });
  for (const problem of error.problems) expect(problem.remedy).toMatch(/^[A-Z].*\.$/s);
  return error.problems.map(({ at, code, message }) => `${at?.line}:${at?.column} ${code} ${message}`);
}

const A = 'dir: "../stacks/a", stack: "dev"';
const B = 'dir: "../stacks/b", stack: "dev"';

describe("a module that does not load", () => {
  it.each([
    ["a syntax error", "export default {\n  a: [1,,},\n};\n", "sequence.syntax", 2, 10],
    ["a file that is not there", 'import { x } from "./nope.js";\nexport default x;\n', "sequence.import", 1, 19],
    [
      "a package that is not there",
      '\nimport x from "no-such-package";\nexport default x;\n',
      "sequence.import",
      2,
      15,
    ],
    [
      "an export that evo does not have",
      'import { upp } from "evo";\nexport default upp("a");\n',
      "sequence.import",
      2,
      undefined,
    ],
    ["no default export", "export const a = 1;\n", "sequence.no-default", 1, 1],
    ["a default export that is nothing", "export default undefined;\n", "sequence.invalid", undefined, undefined],
    ["a default export that is a text", 'export default "s";\n', "sequence.invalid", undefined, undefined],
    [
      "a call without what it needs",
      '\nimport { gate } from "evo";\nexport default gate("g");\n',
      "sequence.threw",
      3,
      undefined,
    ],
    ["a throw", 'const x = 1;\nthrow new Error("no");\n', "sequence.threw", 2, undefined],
  ])("%s", async (_, text, code, line, column) => {
    const error = await errorOf(text);
    expect(error).toMatchObject({
      code,
      exit: 2,
      source: "user",
      at: { file: expect.stringMatching(/sequences\/s\.ts$/), ...(line === undefined ? {} : { line }) },
    });
    if (column !== undefined) expect(error.at?.column).toBe(column);
    expect(error.remedy).toBeTruthy();
  });

  it("names the imported file that is wrong", async () => {
    const root = folderWith({
      "sequences/s.ts": 'import "./lib";\nexport default 1;\n',
      "sequences/lib.ts": "\nlet = ;\n",
    });
    await expect(loadSequence("s", root)).rejects.toMatchObject({
      code: "sequence.syntax",
      at: { file: join(root, "sequences/lib.ts"), line: 2 },
    });
  });
});

describe("a wrong shape", () => {
  it("names unknown keys and what was meant", async () => {
    expect(
      await problemsOf(
        `owner: "x",\nsteps: [\n  up("a", { ${A},\n    intervall: 5,\n    convergedwhen: [] }),\n],\ndescripton: "x",`,
      ),
    ).toEqual([
      expect.stringMatching(/^7:5 sequence\.unknown-key Step "a" has an unknown key "intervall"\.$/),
      '8:5 sequence.unknown-key Step "a" has an unknown key "convergedwhen". Did you mean "convergedWhen"?',
      '10:1 sequence.unknown-key The sequence has an unknown key "descripton". Did you mean "description"?',
    ]);
  });

  it("names what is missing, at the call that misses it", async () => {
    expect(await problemsOf(`steps: [\n  up("a", { dir: "../stacks/a" }),\n  up("b", ${`{ ${B} }`}),\n],`)).toEqual([
      '5:3 sequence.missing-key Step "a" has no stack: expected string, received undefined.',
    ]);
  });

  it("refuses empty lists", async () => {
    expect(await problemsOf('steps: [\n  independent("g", { members: [] }),\n],')).toEqual([
      expect.stringMatching(/^5:22 sequence\.empty-list Independent "g" › members: expected at least one member/),
    ]);
    expect(await problemsOf("steps: [],")).toEqual([
      expect.stringMatching(/^4:1 sequence\.empty-list .*at least one step/),
    ]);
  });

  it("refuses a gate without a target, wrong durations, wrong URLs, and conditions that are none", async () => {
    const gates = `[
    gate("none", { targets: [], probe: settled() }),
    gate("slow", { targets: ["x"], interval: "5 sec", probe: settled() }),
    gate("page", { targets: ["x"], probe: http({ url: "example.org" }) }),
    gate("known", { targets: ["eu", "us"], probe: (region) => http({ url: { eu: "https://eu.example" }[region] }) }),
    gate("out", { targets: ["x"], probe: stackOutput({ path: "a" }) }),
  ]`;
    expect(await problemsOf(`steps: [up("a", { ${A}, convergedWhen: ${gates} })],`)).toEqual([
      expect.stringMatching(
        /^5:20 sequence\.gate-without-target Step "a" › gate "none" › targets: expected at least one target/,
      ),
      expect.stringMatching(/^6:36 sequence\.wrong-value Step "a" › gate "slow" › interval: expected a duration/),
      expect.stringMatching(/^7:50 sequence\.wrong-value .*› target "x" › probe › url: expected a URL/),
      expect.stringMatching(/^8:\d+ sequence\.missing-key .*gate "known" › target "us" › probe has no url/),
      expect.stringMatching(/^9:\d+ sequence\.wrong-value .*expected exactly one of equals, oneOf/),
    ]);
  });
});

describe("a wrong whole", () => {
  it("refuses names that are taken", async () => {
    const steps = `steps: [\n  up("a", { ${A} }),\n  serial("g", { members: [up("a", { ${B} })] }),\n  up("sequence", { ${A} }),\n],`;
    expect(await problemsOf(steps)).toEqual([
      expect.stringMatching(/^6:30 sequence\.duplicate-name Step "a" has a name/),
      expect.stringMatching(/^7:6 sequence\.reserved-name /),
    ]);
  });

  it("refuses two gates of one name, and a target named twice", async () => {
    const gates = `[\n  gate("g", { targets: ["x"], probe: settled() }),\n  gate("g", { targets: ["x", "x"], probe: settled() }),\n]`;
    expect(await problemsOf(`steps: [up("a", { ${A}, convergedWhen: ${gates} })],`)).toEqual([
      expect.stringMatching(/^6:8 sequence\.duplicate-gate Step "a" has two gates with the name "g" in convergedWhen/),
      expect.stringMatching(/^6:25 sequence\.duplicate-target .* "x" twice/),
    ]);
  });

  it.each([
    ["quorum: 2", "quorum", "it needs 2 targets and has 1"],
    ['requestTimeout: "3s", timeout: "2s"', "requestTimeout", "one look may take 3s, the gate times out after 2s"],
    ['consecutiveSuccessLimit: 10, interval: "2s", timeout: "10s"', "consecutiveSuccessLimit", "at least 18s"],
    ['stableFor: "20s", timeout: "10s"', "stableFor", "at least 20s, it times out after 10s"],
    ['initialDelay: "10s", timeout: "10s"', "initialDelay", "at least 10s"],
  ])("refuses a gate that can never pass: %s", async (policy, word, why) => {
    const body = `steps: [up("a", { ${A}, convergedWhen: [\ngate("g", { targets: ["x"], probe: settled(), ${policy} })] })],`;
    const [problem, ...others] = await problemsOf(body);
    const column = `gate("g", { targets: ["x"], probe: settled(), ${policy} })`.indexOf(word) + 1;
    expect(others).toEqual([]);
    expect(problem).toContain(`5:${column} sequence.impossible-gate Gate "g" of step "a" can never pass: `);
    expect(problem).toContain(why);
  });

  it.each(["failureLimit: 0", "consecutiveSuccessLimit: 0", "quorum: 0", "interval: 0", "timeout: 0", "quorum: 1.5"])(
    "refuses an inert number: %s",
    async (policy) => {
      const body = `steps: [up("a", { ${A}, convergedWhen: [gate("g", { targets: ["x"], probe: settled(), ${policy} })] })],`;
      expect(await problemsOf(body)).toEqual([expect.stringMatching(/^4:\d+ sequence\.wrong-value /)]);
    },
  );

  it("allows continue inside independent only", async () => {
    const gate = (name: string) => `gate("${name}", { targets: ["x"], probe: settled("a"), onTimeout: "continue" })`;
    const steps = `onFailure: "continue",
steps: [
  up("a", { ${A}, onFailure: "continue", convergedWhen: [${gate("g")}] }),
  independent("i", { members: [serial({ members: [up("b", { ${B}, onFailure: "continue", readyWhen: [${gate("h")}] })] })] }),
],
consistentWhen: [${gate("end")}],`;
    const problems = await problemsOf(steps);
    expect(problems.map((problem) => problem.replace(/^(\d+):\d+ (\S+) .*$/, "$1 $2"))).toEqual(
      [4, 6, 6, 9].map((line) => `${line} sequence.continue-outside-independent`),
    );
  });

  it("refuses a retry of nothing", async () => {
    const gate = 'gate("g", { targets: ["x"], probe: settled("a"), onFailure: "retry" })';
    expect(
      await problemsOf(
        `steps: [up("a", { ${A},\nreadyWhen: [${gate}],\nconvergedWhen: [${gate}] })],\nconsistentWhen: [${gate}],`,
      ),
    ).toEqual([
      expect.stringMatching(/^5:\d+ sequence\.nothing-to-retry .*before a step has started/),
      expect.stringMatching(/^6:\d+ sequence\.nothing-to-retry .*step "a" has no rule/),
      expect.stringMatching(/^7:\d+ sequence\.nothing-to-retry .*at the end of a run/),
    ]);
  });

  it("refuses recoveries that name what is not there, and the word recover without any", async () => {
    expect(
      await problemsOf(
        `steps: [\n  up("a", { ${A} }),\n],\nrecovery: [\n  { name: "back", when: { at: ["aa"], applied: ["b"] }, sequence: "./s.ts" },\n  { name: "back", sequence: "./gone.ts" },\n],`,
      ),
    ).toEqual([
      expect.stringMatching(/sequence\.duplicate-name Two recovery rules have the name "back"\.$/),
      expect.stringMatching(/sequence\.unknown-step Recovery "back" names the step or group "aa" in at.*mean "a"\?$/),
      expect.stringMatching(/sequence\.unknown-step Recovery "back" names the step "b" in applied, and there is none/),
      expect.stringMatching(
        /sequence\.missing-recovery Recovery "back" names the sequence "\.\/gone\.ts", which is not/,
      ),
    ]);
    expect(await problemsOf(`onFailure: "recover",\nsteps: [\n  up("a", { ${A} }),\n],`)).toEqual([
      expect.stringMatching(/^4:1 sequence\.nothing-to-recover-with A rule says "recover", and the sequence names no/),
    ]);
  });

  it("refuses outputs of steps that are unknown or come later, wherever they are read", async () => {
    const gateOn = (name: string, step: string) =>
      `gate("${name}", { targets: ["x", "y"], probe: http({ url: output("${step}", "url") }) })`;
    const steps = `steps: [
  up("a", { ${A}, config: { own: output("a", "x") }, readyWhen: [${gateOn("r", "a")}], convergedWhen: [${gateOn("c", "a")}] }),
  independent("i", { members: [
    up("b", { ${B}, env: { B: output("c", "x") } }),
    up("c", { dir: "../stacks/b", stack: "c", secretConfig: { fine: output("a", "x") } }),
  ], convergedWhen: [${gateOn("fine", "c")}, ${gateOn("typo", "cc")}] }),
],
consistentWhen: [${gateOn("fine", "c")}],`;
    const problems = await problemsOf(steps);
    expect(problems.map((problem) => problem.replace(/^(\d+):\d+ /, "$1 "))).toEqual([
      expect.stringMatching(/^5 sequence\.output-too-early Step "a" reads an output of step "a"/),
      expect.stringMatching(/^5 sequence\.output-too-early Gate "r" of step "a"/),
      expect.stringMatching(/^7 sequence\.output-too-early Step "b" reads an output of step "c"/),
      expect.stringMatching(/^9 sequence\.unknown-step Gate "typo" of independent "i" .*"cc" in output/),
    ]);
  });

  it("refuses settled and stackOutput of no step", async () => {
    const gates =
      '[\n  gate("s", { targets: ["x"], probe: settled("aa") }),\n  gate("o", { targets: ["x"], probe: stackOutput({ path: "url", exists: true }) }),\n]';
    expect(await problemsOf(`steps: [up("a", { ${A} })],\nconsistentWhen: ${gates},`)).toEqual([
      '6:46 sequence.unknown-step Gate "s" of the sequence (target "x") names step "aa" in settled(...), and no step has that name. Did you mean "a"?',
      '7:38 sequence.missing-step Gate "o" of the sequence uses stackOutput(...) without a step, and is not declared on one.',
    ]);
  });

  it("refuses stack folders, projects and worlds that are not there", async () => {
    expect(
      await problemsOf(
        `world: "./w.ts",\nsteps: [\n  up("a", { dir: "../stacks/nope", stack: "dev" }),\n  up("b", { dir: "..", stack: "dev" }),\n],`,
      ),
    ).toEqual([
      expect.stringMatching(/^4:1 sequence\.missing-world /),
      expect.stringMatching(/^6:13 sequence\.missing-stack Step "a" .*"\.\.\/stacks\/nope"/),
      expect.stringMatching(/^7:13 sequence\.missing-stack Step "b" .*no Pulumi\.yaml/),
    ]);
  });

  it("refuses one stack in two members that run beside each other, and a window that judges nothing", async () => {
    const inner = `lockstep("in", { window: "5s", members: [up("b", { ${A} })] })`;
    expect(await problemsOf(`steps: [lockstep("out", { members: [\nup("a", { ${A} }),\n${inner},\n] })],`)).toEqual([
      expect.stringMatching(/^6:18 sequence\.inert-window /),
      expect.stringMatching(/^6:\d+ sequence\.shared-stack Step "b" /),
    ]);
  });

  it("refuses custom probes of one name, and inputs that their schema refuses", async () => {
    const probes = `const one = custom("c", () => ({ verdict: "pass", observed: 1, expected: 1 }));
const two = custom("c", { input: z.object({ min: z.number() }), look: () => ({ verdict: "pass", observed: 1, expected: 1 }) });
`;
    const error =
      (await errorOf(`${IMPORTS}${probes}export default defineSequence({ name: "s", steps: [up("a", { ${A}, convergedWhen: [
gate("one", { targets: ["x"], probe: one }),
gate("two", { targets: ["x"], probe: two({ min: "3" } as never) }),
] })] });`)) as SequenceError;
    expect(error.problems.map(({ code }) => code)).toEqual(["sequence.duplicate-custom", "sequence.custom-input"]);
  });
});

describe("SequenceError", () => {
  it("lists every problem with its place and remedy", async () => {
    const error = await errorOf(
      `${IMPORTS}export default defineSequence({ name: "s", steps: [\nup("a", { dir: "x", stack: "dev" }),\nup("a", { ${A} }),\n] });`,
    );
    expect(error.message).toMatch(
      /^2 problems in the sequence:\n {2}\S+s\.ts:3:11: .*\n {2}\S+s\.ts:4:4: .* Give it another name\.$/s,
    );
    expect(error.at?.line).toBe(3);
  });
});

describe("a JSON sequence", () => {
  it("is refused with the line of what is wrong", async () => {
    const text = JSON.stringify(
      {
        version: 1,
        name: "s",
        steps: [
          { kind: "up", name: "a", dir: "../stacks/a", stack: "dev" },
          { kind: "serial", members: [{ kind: "up", name: "b", dri: "x", dir: "../stacks/a", stack: "b" }] },
        ],
      },
      null,
      2,
    );
    const error = (await errorOf(text, "sequences/s.json")) as SequenceError;
    const line = text.split("\n").findIndex((one) => one.includes('"dri"')) + 1;
    expect(error.problems).toMatchObject([{ code: "sequence.unknown-key", at: { line, column: 11 } }]);
  });

  it("is refused at the place of a syntax error", async () => {
    expect(await errorOf('{\n  "version": 1,\n  "name" "s"\n}', "sequences/s.json")).toMatchObject({
      code: "sequence.syntax",
      at: { line: 3, column: 10 },
    });
  });

  it("has no code for custom probes", async () => {
    const gate = { name: "g", targets: [{ name: "x", probe: { type: "custom", name: "c" } }] };
    const text = JSON.stringify({
      version: 1,
      name: "s",
      steps: [{ kind: "up", name: "a", dir: "../stacks/a", stack: "dev", convergedWhen: [gate] }],
    });
    expect(((await errorOf(text, "sequences/s.json")) as SequenceError).problems).toMatchObject([
      { code: "sequence.custom-without-code" },
    ]);
  });
});
