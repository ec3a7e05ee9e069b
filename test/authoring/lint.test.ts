import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { historyOf } from "../../src/authoring/history.js";
import { lint } from "../../src/authoring/lint.js";
import { loadSequence } from "../../src/sequence/load.js";
import { folderWith } from "../sequence/folder.js";

const PROJECTS = {
  "network/Pulumi.yaml": "name: network\nruntime: nodejs\n",
  "network/index.ts": "export const id = 1;\n",
  "app/Pulumi.yaml": "name: app\nruntime: nodejs\n",
  "app/index.ts": "const network = new pulumi.StackReference(`${org}/network/${pulumi.getStack()}`);\n",
  "docs/Pulumi.yaml": "name: docs\nruntime: nodejs\n",
  "docs/index.ts": "export const url = 1;\n",
  "guess/Pulumi.yaml": "name: guess\nruntime: nodejs\n",
  "guess/index.ts": "new pulumi.StackReference(await ask());\n",
};

const IMPORTS =
  'import { command, defineSequence, destroy, gate, http, independent, lockstep, output, serial, settled, stackOutput, up } from "evo";\n';
const HELPERS = `const stack = (name) => ({ dir: "../" + name, stack: "dev" });
const gated = (name) => ({ ...stack(name), convergedWhen: [gate("settled", { targets: [name], probe: settled(name) })] });
`;

/** `line code message` of each finding, and what was accepted or unknown. */
async function lintOf(body: string, history = {}, answers?: boolean) {
  const root = folderWith({
    ...PROJECTS,
    "sequences/s.ts": `${IMPORTS}${HELPERS}export default defineSequence({ name: "s",\n${body} } as never);\n`,
  });
  const { sequence, locate } = await loadSequence(join(root, "sequences/s.ts"), root);
  const found = lint(sequence, root, new Map(Object.entries(history)) as never, answers);
  return {
    findings: found.findings.map(({ code, path, word }) => `${locate(path, word).line} ${code} ${word ?? ""}`.trim()),
    messages: found.findings.map(({ message, remedy }) => `${message} ${remedy}`),
    accepted: found.accepted.map(({ code, reason }) => `${code}: ${reason}`),
    unknown: found.unknown.map(({ step, written }) => `${step}: ${written.text}`),
  };
}

describe("the order", () => {
  it("is quiet where it is the one that the references need", async () => {
    const { findings } = await lintOf('steps: [up("network", gated("network")), up("app", gated("app"))]');
    expect(findings).toEqual([]);
  });

  it("is too narrow: what refers to a stack may start before it has converged", async () => {
    const beside = await lintOf(
      'steps: [independent("all", { members: [\nup("network", gated("network")),\nup("app", gated("app"))] })]',
    );
    expect(beside.findings).toEqual(["7 order-missing app"]);
    expect(beside.messages[0]).toMatch(
      /Step "app" may start before step "network" has converged.*\(line 1: StackReference.*Put "app" behind "network", or accept it: accept: \{ "order-missing": "why" \} on "app"\.$/,
    );
    const reversed = await lintOf('steps: [\nup("app", gated("app")),\nup("network", gated("network"))]');
    expect(reversed.findings).toEqual(["6 order-missing app"]);
    const lockstep = await lintOf(
      'steps: [lockstep("l", { members: [up("network", gated("network")), up("app", gated("app"))] })]',
    );
    expect(lockstep.findings).toEqual(["5 order-missing app"]);
  });

  it("is too narrow the other way round where stacks are destroyed", async () => {
    const wrong = await lintOf('steps: [\ndestroy("network", gated("network")),\ndestroy("app", gated("app"))]');
    expect(wrong.findings).toEqual(["6 order-missing network"]);
    const right = await lintOf('steps: [destroy("app", gated("app")), destroy("network", gated("network"))]');
    expect(right.findings).toEqual([]);
  });

  it("is served by any earlier step on the stack that is read", async () => {
    const { findings } = await lintOf(
      'steps: [up("expand", gated("network")), up("app", gated("app")), up("contract", { ...gated("network"), })]'.replaceAll(
        'gated("network")',
        '{ ...stack("network"), convergedWhen: [gate("g", { targets: ["x"], probe: settled("app") })] }',
      ),
    );
    expect(findings).toEqual([]);
  });

  it("is too broad: nothing in the later one reads anything of the earlier one", async () => {
    const { findings, messages } = await lintOf(
      'steps: [\nup("network", gated("network")),\nup("docs", gated("docs"))]',
    );
    expect(findings).toEqual(["7 order-unneeded docs"]);
    expect(messages[0]).toMatch(/^Step "docs" waits for step "network" to converge, and nothing in it reads/);
    const nested = await lintOf(
      'steps: [independent("i", { members: [serial({ members: [up("network", gated("network")), up("docs", gated("docs"))] }), up("app", gated("app"))] })]',
    );
    expect(nested.findings.map((finding) => finding.replace(/^\d+ /, ""))).toEqual([
      "order-missing app",
      "order-unneeded docs",
    ]);
  });

  it("is needed where a gate or a value reads the earlier step, and not judged where a reference is unknown", async () => {
    const read = 'gate("g", { targets: ["x"], probe: http({ url: output("network", "url") }) })';
    const byGate = await lintOf(
      `steps: [up("network", gated("network")), up("docs", { ...stack("docs"), convergedWhen: [${read}] })]`,
    );
    expect(byGate.findings).toEqual([]);
    const byValue = await lintOf(
      'steps: [up("network", gated("network")), up("docs", { ...stack("docs"), config: { id: output("network", "id") } })]',
    );
    expect(byValue.findings).toEqual([]);
    const unknown = await lintOf('steps: [up("network", gated("network")), up("guess", stack("guess"))]');
    expect(unknown).toMatchObject({ findings: [], unknown: ["guess: await ask()"] });
  });
});

describe("a boundary", () => {
  it("without a gate holds nothing back, where something waits for it", async () => {
    const { findings } = await lintOf('steps: [\nup("network", stack("network")),\nup("app", stack("app"))]');
    expect(findings).toEqual(["6 no-gate network"]);
  });

  it("of a group has the gates of its members, or its own", async () => {
    const members = '[up("network", stack("network")), up("docs", gated("docs"))]';
    const app = 'up("app", gated("app"))';
    expect((await lintOf(`steps: [independent("i", { members: ${members} }), ${app}]`)).findings).toEqual([
      "5 no-gate network",
    ]);
    expect((await lintOf(`steps: [lockstep("i", { members: ${members} }), ${app}]`)).findings).toEqual([]);
    const own = 'convergedWhen: [gate("g", { targets: ["x"], probe: settled("network") })]';
    expect((await lintOf(`steps: [independent("i", { members: ${members}, ${own} }), ${app}]`)).findings).toEqual([]);
    const dry = own.replace("probe", "dryRun: true, probe");
    expect((await lintOf(`steps: [independent("i", { members: ${members}, ${dry} }), ${app}]`)).findings).toEqual([
      "5 no-gate network",
    ]);
  });
});

describe("a gate", () => {
  it.each([
    ["any of several targets", 'quorum: "any", targets: ["x", "y"], probe: (t) => http({ url: "https://" + t })'],
    ["targets at one place", 'targets: ["x", "y"], probe: http({ url: "https://x.example" })'],
    ["a command that never fails", 'targets: ["x"], probe: command(["/bin/true"])'],
    ["a pattern that takes anything", 'targets: ["x"], probe: stackOutput({ path: "url", matches: ".*" })'],
    [
      "an empty pattern",
      'targets: ["x"], probe: http({ url: "https://x", expect: { json: [{ path: "a", matches: "" }] } })',
    ],
    ["errors taken for answers", 'targets: ["x"], probe: http({ url: "https://x", expect: { status: [200, 503] } })'],
  ])("is inert: %s", async (_, gate) => {
    const { findings } = await lintOf(
      `steps: [up("network", { ...stack("network"), convergedWhen: [\ngate("g", { ${gate} })] })]`,
    );
    expect(findings.map((one) => one.split(" ").slice(0, 2).join(" "))).toEqual(["6 inert-gate"]);
  });

  it("that can fail is not", async () => {
    const good = [
      'gate("a", { targets: ["x", "y"], quorum: 2, probe: (t) => http({ url: "https://" + t }) })',
      'gate("b", { targets: ["x"], quorum: "any", probe: stackOutput({ path: "url", matches: "^https" }) })',
      'gate("c", { targets: ["x"], probe: command(["curl", "-f", "x"]) })',
    ];
    expect(
      (await lintOf(`steps: [up("network", { ...stack("network"), convergedWhen: [${good}] })]`)).findings,
    ).toEqual([]);
  });

  it("has less time than it has needed before", async () => {
    const body =
      'steps: [up("network", { ...stack("network"), convergedWhen: [\ngate("g", { timeout: "2m", targets: ["x"], probe: settled() })] })]';
    const { findings, messages } = await lintOf(body, { "network/g": { needed: 150_300, run: "s-1" } });
    expect(findings).toEqual(["6 timeout-too-short timeout"]);
    expect(messages[0]).toContain("times out after 2m; in run s-1 it needed 2m31s");
    expect((await lintOf(body, { "network/g": { needed: 119_000, run: "s-1" } })).findings).toEqual([]);
  });

  it("looks too seldom for its lockstep window", async () => {
    const { findings } = await lintOf(
      'steps: [lockstep("l", {\nwindow: "2s", members: [up("network", gated("network"))] })]',
    );
    expect(findings).toEqual(["6 window-below-interval window"]);
  });
});

describe("accept", () => {
  it("takes a reason on the step, the group, the gate or the whole sequence", async () => {
    const order =
      'up("network", gated("network")), up("docs", { ...gated("docs"), accept: { "order-unneeded": "readers first" } })';
    expect(await lintOf(`steps: [${order}]`)).toMatchObject({
      findings: [],
      accepted: ["order-unneeded: readers first"],
    });
    const plain = 'up("network", stack("network")), up("app", stack("app"))';
    expect(await lintOf(`accept: { "no-gate": "a sandbox" }, steps: [${plain}]`)).toMatchObject({
      findings: [],
      accepted: ["no-gate: a sandbox"],
    });
    const other = await lintOf(`accept: { "inert-gate": "a sandbox" }, steps: [${plain}]`);
    expect(other.findings).toEqual(["5 no-gate network"]);
  });

  it("is refused without a reason, and for what lint does not know", async () => {
    const refused = (accept: string) => lintOf(`accept: ${accept}, steps: [up("network", stack("network"))]`);
    await expect(refused('{ "no-gate": "" }')).rejects.toMatchObject({ code: "sequence.invalid" });
    await expect(refused('{ "no-gat": "x" }')).rejects.toThrow('unknown key "no-gat". Did you mean "no-gate"?');
  });
});

describe("historyOf", () => {
  it("takes the longest time from the update's end, and none in which the run stood still", () => {
    const done = (operation: string, at: number) => ({ type: "operation.succeeded", operation, at }) as never;
    const passed = (gate: string, at: number) => ({ type: "gate.passed", gate, operations: ["o"], at }) as never;
    const history = historyOf([
      { run: "r1", events: [done("o", 100), passed("a/g", 400)] },
      { run: "r2", events: [done("o", 100), passed("a/g", 900)] },
      { run: "r3", events: [done("o", 100), { type: "run.resumed", at: 9_000 } as never, passed("a/g", 9_100)] },
      { run: "r4", events: [done("o", 100), { type: "run.adopted", at: 9_000 } as never, passed("a/g", 9_100)] },
    ]);
    expect([...history]).toEqual([["a/g", { needed: 800, run: "r2" }]]);
  });
});

describe("a step that is put to the state before a run", () => {
  const body = 'steps: [\nup("app", { ...gated("app"), asOf: "before-run" })]';

  it.each([
    [false, ["6 nobodys-recovery asOf"]],
    [true, []],
    [undefined, []],
  ])("in a sequence that answers one: %s", async (answers, expected) => {
    const { findings, messages } = await lintOf(body, {}, answers);
    expect(findings).toEqual(expected);
    if (answers === false) expect(messages[0]).toMatch(/evo up refuses it.*accept: \{ "nobodys-recovery": "why" \}\.$/);
  });

  it("is found by no other word", async () => {
    const other = await lintOf(body.replace("before-run", "a.app.1.up"), {}, false);
    expect(other.findings).toEqual([]);
  });
});

describe("our own sequences", () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const names = readdirSync(join(root, "sequences")).flatMap((file) => /^(.+)\.(?:ts|json)$/.exec(file)?.[1] ?? []);

  it.each(names)("%s: nothing is found", async (name) => {
    const { sequence, root: folder } = await loadSequence(name, root);
    expect(lint(sequence, folder).findings).toEqual([]);
  });
});
