/** Twenty wrong sequences: each is refused at its line, with a remedy, exit 2, and a suggestion where one is near. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EvoError } from "../../src/errors.js";
import { loadSequence } from "../../src/sequence/load.js";
import { folderWith } from "../sequence/folder.js";

const HEAD =
  'import { command, custom, defineSequence, gate, http, independent, lockstep, output, serial, settled, stackOutput, up, z } from "evo";\n';
const FILES = { "stacks/app/Pulumi.yaml": "name: app\n", "stacks/net/Pulumi.yaml": "name: net\n" };
const NET = 'up("net", { dir: "../stacks/net", stack: "dev" })';
const on = (gate: string) => `up("net", { dir: "../stacks/net", stack: "dev", convergedWhen: [\n${gate}] })`;

/** Line 1 imports, line 2 opens the sequence, line 3 opens its steps: the given text begins on line 4. */
const steps = (text: string) =>
  `${HEAD}export default defineSequence({ name: "s",\nsteps: [\n${text}\n] } as never);\n`;

type Wrong = readonly [what: string, text: string, line: number, says: RegExp];

const TABLE: readonly Wrong[] = [
  [
    "a misspelt step in output(...)",
    steps(`${NET},\nup("app", { dir: "../stacks/app", stack: "dev", config: { id: output("nte", "id") } })`),
    5,
    /Did you mean "net"\?/,
  ],
  [
    "a misspelt step in settled(...)",
    steps(on('gate("g", { targets: ["x"], probe: settled("nett") })')),
    5,
    /Did you mean "net"\?/,
  ],
  [
    "a misspelt gate field",
    steps(on('gate("g", { targets: ["x"], probe: settled(), intervall: "5s" })')),
    5,
    /Did you mean "interval"\?/,
  ],
  [
    "a misspelt step field",
    steps('up("net", { dir: "../stacks/net",\nstakc: "dev" })'),
    4,
    /Did you mean "stack"\?|has no stack/,
  ],
  [
    "a misspelt stack folder",
    steps('up("net", {\ndir: "../stacks/ntt", stack: "dev" })'),
    5,
    /no Pulumi\.yaml in .*Did you mean "net"\?/,
  ],
  [
    "a misspelt lint code",
    steps('up("net", { dir: "../stacks/net", stack: "dev",\naccept: { "no-gat": "x" } })'),
    5,
    /Did you mean "no-gate"\?/,
  ],
  [
    "a misspelt builder",
    `${HEAD.replace("lockstep", "lockstepp")}export default lockstepp("x", { members: [] });\n`,
    2,
    /Did you mean "lockstep"\?/,
  ],
  ["no stack", steps('up("net", { dir: "../stacks/net" })'), 4, /has no stack/],
  ["no targets", steps(on('gate("g", { targets: [], probe: settled() })')), 5, /cannot pass/],
  [
    "a wrong duration",
    steps(on('gate("g", { targets: ["x"], probe: settled(), timeout: "5 minutes" })')),
    5,
    /a duration such as/,
  ],
  ["a wrong URL", steps(on('gate("g", { targets: ["x"], probe: http({ url: "example.org" }) })')), 5, /expected a URL/],
  [
    "two conditions in one",
    steps(on('gate("g", { targets: ["x"], probe: stackOutput({ path: "a", equals: 1, atLeast: 1 }) })')),
    5,
    /exactly one of/,
  ],
  [
    "a gate that can't pass in time",
    steps(on('gate("g", { targets: ["x"], probe: settled(), stableFor: "2h" })')),
    5,
    /can never pass/,
  ],
  [
    "a quorum of more than there is",
    steps(on('gate("g", { targets: ["x"], probe: settled(), quorum: 2 })')),
    5,
    /needs 2 targets and has 1/,
  ],
  ["two steps of one name", steps(`${NET},\n${NET}`), 5, /names are unique/],
  ["an empty group", steps('independent("all", { members: [] })'), 4, /at least one member/],
  [
    "continue where it has no meaning",
    steps('up("net", { dir: "../stacks/net", stack: "dev", onFailure: "continue" })'),
    4,
    /only inside independent/,
  ],
  [
    "one stack twice at once",
    steps(`lockstep("l", { members: [\n${NET},\nup("b", { dir: "../stacks/net", stack: "dev" })] })`),
    6,
    /at the same time/,
  ],
  [
    "an input that a probe refuses",
    `${HEAD}const p = custom("p", { input: z.object({ most: z.number() }), look: () => ({ verdict: "pass", observed: 1, expected: 1 }) });\nexport default defineSequence({ name: "s", steps: [\n${on('gate("g", { targets: ["x"], probe: p({ most: "1" } as never) })')}] });\n`,
    5,
    /refuses input\.most/,
  ],
  ["a name with a slash", steps('up("net/a", { dir: "../stacks/net", stack: "dev" })'), 4, /letters, digits/],
  ["no default export", `${HEAD}export const s = 1;\n`, 1, /no default export/],
  ["a syntax error", steps('up("net", { dir: }'), 4, /Syntax error/],
];

async function refused(text: string): Promise<EvoError> {
  const root = folderWith({ ...FILES, "sequences/s.ts": text });
  const loading = loadSequence(join(root, "sequences/s.ts"), root);
  return loading.then(
    () => Promise.reject(new Error("it was accepted")),
    (error: unknown) => (error instanceof EvoError ? error : Promise.reject(error)),
  );
}

describe("a wrong sequence", () => {
  it.each(TABLE)("%s", async (_, text, line, says) => {
    const error = await refused(text);
    expect({ line: error.at?.line, exit: error.exit, source: error.source }).toEqual({ line, exit: 2, source: "user" });
    expect(error.message).toMatch(says);
    expect(error.remedy).toMatch(/^[A-Z].*\.$/s);
  });

  it("twenty of them", () => {
    expect(TABLE.length).toBeGreaterThanOrEqual(20);
  });
});
