/**
 * Programs that would destroy what nobody asked to destroy, and their stories: refused, corrected, resumed; and what a
 * plain `pulumi up` of the same program does, which is the proof that it would have.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Evo } from "../support/evo.js";
import { type State, stateOf } from "./comparing.js";
import { type Drive, resume, up } from "./driving.js";

/** Every effect of its provider is a line in a file. */
const PROVIDER = `const pulumi = require("@pulumi/pulumi");

const provider = {
  diff: async (_id, olds, news) => ({ changes: olds.key !== news.key, replaces: olds.key === news.key ? [] : ["key"] }),
  create: async (inputs) => {
    require("node:fs").appendFileSync(inputs.effects, \`create \${inputs.name}\\n\`);
    return { id: \`\${inputs.name}-\${inputs.key}\`, outs: inputs };
  },
  delete: async (_id, { effects, name }) => require("node:fs").appendFileSync(effects, \`delete \${name}\\n\`),
};
class Thing extends pulumi.dynamic.Resource {
  constructor(name, key = 1) {
    super(provider, name, { name, key, effects: \`\${__dirname}.effects\` });
  }
}
const updating = !pulumi.runtime.isDryRun();
`;

const SOUND = 'new Thing("a");\nnew Thing("b");\n';

export interface Surprise {
  readonly name: string;
  readonly what: string;
  readonly program: string;
  readonly reason: RegExp;
  /** Refused when its preview was judged; else in its update. */
  readonly early: boolean;
  /** What it has done to the world when it is stopped. */
  readonly does: readonly string[];
}

export const SURPRISES: readonly Surprise[] = [
  {
    name: "nothing",
    what: "registers nothing",
    program: "",
    reason: /registered no resource, so the update would delete all 2 of the stack /,
    early: true,
    does: [],
  },
  {
    name: "vanishes",
    what: "registers nothing in its update",
    program: `if (!updating) {\n${SOUND}}\n`,
    reason: /did not register 2 resource\(s\) that its preview showed as kept, /,
    early: false,
    does: [],
  },
  {
    name: "drops",
    what: "drops in its update what its preview kept",
    program: 'new Thing("a");\nif (!updating) new Thing("b");\n',
    reason: /did not register 1 resource\(s\) that its preview showed as kept, .*::b/,
    early: false,
    does: [],
  },
  {
    name: "replaces",
    what: "replaces in its update what its preview kept",
    program: 'new Thing("a");\nnew Thing("b", updating ? 2 : 1);\n',
    reason: /began to .*replace.*::b, for which its preview showed same/,
    early: false,
    does: ["create b"],
  },
];

/** A stack's state, and what its provider has newly done to the world. */
export interface Effect {
  readonly state: State;
  readonly effects: readonly string[];
}

export interface Story {
  readonly before: State;
  readonly refused: Drive;
  /** After the refusal. */
  readonly kept: Effect;
  /** Resumed with the program corrected, and nobody had signed for that. */
  readonly unsigned: Drive;
  readonly resumed: Drive;
  readonly corrected: Effect;
  /** Effects of a plain `pulumi up` of the same program on the corrected stack. */
  readonly plain: readonly string[];
}

/** Brings every project up as it should be, in one run. */
export async function make(evo: Evo): Promise<Drive> {
  const sequence = (name: string, steps: string) =>
    evo.sequence(name, `export default defineSequence({ name: "${name}", steps: [${steps}] });`);
  for (const { name } of SURPRISES) {
    evo.project(name, PROVIDER + SOUND);
    sequence(name, step(name));
  }
  sequence("all", `independent("all", { members: [${SURPRISES.map(({ name }) => step(name)).join(", ")}] })`);
  return up(evo, "all");
}

const step = (name: string) => `up("${name}", { dir: "../projects/${name}", stack: "dev", createStack: true })`;

/** Lets a surprise happen to its stack. */
export async function tell(evo: Evo, { name, program }: Surprise): Promise<Story> {
  const folder = join(evo.directory, "projects", name);
  const write = (text: string) => writeFileSync(join(folder, "index.js"), PROVIDER + text);
  const news = newsOf(`${folder}.effects`);
  const before = await stateNow(evo, folder);
  write(program);
  const refused = await up(evo, name);
  const kept = { state: await stateNow(evo, folder), effects: news() };
  write(SOUND);
  const unsigned = await resume(evo, refused.run);
  const resumed = await resume(evo, refused.run, ["--accept-changed-code", "--reason", "the program is corrected"]);
  const corrected = { state: await stateNow(evo, folder), effects: news() };
  write(program);
  await evo.bench.pulumi(folder, ["up", "--yes", "--skip-preview", "--stack", "dev"]);
  return { before, refused, kept, unsigned, resumed, corrected, plain: news() };
}

/** Lines that have come since it was asked last; those that are there already are none. */
function newsOf(file: string): () => readonly string[] {
  const lines = () => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []);
  let seen = lines().length;
  return () => {
    const all = lines();
    const fresh = all.slice(seen);
    seen = all.length;
    return fresh;
  };
}

async function stateNow(evo: Evo, folder: string): Promise<State> {
  const args = ["stack", "export", "--show-secrets", "--stack", "dev"];
  return stateOf((await evo.bench.pulumi(folder, args)).stdout, folder);
}
