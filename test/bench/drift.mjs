/**
 * `npm run bench -- drift`: the drift of thirty stacks (`--stacks N`), by `evo drift scan` and by a plain script that
 * calls `previewRefresh` on one after the other. Both look at the same stacks in the same world with the same engine; one
 * live resource was changed by hand, and both must find it there and nowhere else. The world is held open by this
 * process: neither pays for its start. Figures are medians over `--rounds N` (default 3), in turn; the goal is a ratio of
 * the wall times of at most 1.0. What the ratio doesn't show: the script takes each stack's lock and blocks deployments.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { languageHostPath } from "../../dist/executor/language-host/install.js";
import { joinServer } from "../../dist/ledger/embedded/server.js";
import { openWorld, rehearsalEnvironment } from "../../dist/world/index.js";
import { engineHere } from "../support/engine-here.mjs";
import { measure } from "./measure.mjs";

const GOAL = 1.0;
const root = fileURLToPath(new URL("../..", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));
const MAIN = join(root, "dist/cli/main.js");

/** Prints both sides and answers whether the goal is met. */
export async function benchDrift({ stacks, rounds }) {
  const place = mkdtempSync(join(tmpdir(), "evo-bench-drift-"));
  chmodSync(place, 0o711);
  const home = join(place, "home");
  const names = Array.from({ length: stacks }, (_, at) => `s${at + 1}`);
  try {
    const engine = (await engineHere()).path;
    makeRepository(place, names);
    const env = { ...process.env, EVO_HOME: home, EVO_PULUMI: engine };
    evo(env, place, ["up", "bench", "--rehearse"]);
    evo(env, place, ["world", "change", "bench", urnOf(names[0]), "--set", "displayName=by-hand"]);
    const world = await openWorld({ home, module: join(place, "sequences/worlds/bench.ts"), fresh: false });
    // Held for as long as it is measured, as evo serve would: no scan starts or stops the ledger's server.
    const server = await joinServer({ home, say: () => {} });
    try {
      return await compare({ place, env, engine, names, world, home, rounds });
    } finally {
      await server.leave();
      await world.close();
    }
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function compare({ place, env, engine, names, world, home, rounds }) {
  const peers = { ...rehearsalEnvironment(process.env), ...world.env };
  const script = { ...peers, PATH: `${languageHostPath(home)}:${peers.PATH}` };
  const out = join(place, "found.json");
  const sides = {
    evo: async () => ({
      ...(await timed([MAIN, "drift", "scan", "bench", "--rehearse"], { cwd: place, env })),
      found: boardOf(env, place),
    }),
    script: async () => ({
      ...(await timed([join(here, "drift-script.mjs"), engine, place, out, ...names], { cwd: place, env: script })),
      found: JSON.parse(readFileSync(out, "utf8")),
    }),
  };
  const rows = { evo: [], script: [] };
  for (let round = 1; round <= rounds; round += 1)
    for (const [who, look] of Object.entries(sides)) {
      const row = await look();
      rows[who].push(row);
      console.error(`round ${round}  ${who.padEnd(6)}  ${describe(row)}  drifted: ${row.found.join(" ") || "nothing"}`);
    }
  return verdict(rows, names);
}

async function timed(args, where) {
  const began = performance.now();
  const { memory } = await measure(process.execPath, args, where);
  return { wall: (performance.now() - began) / 1000, memory };
}

function verdict(rows, names) {
  const wrong = Object.values(rows)
    .flat()
    .filter(({ found }) => found.join() !== names[0]);
  if (wrong.length > 0) throw new Error(`${wrong.length} scans did not find ${names[0]} drifted, and nothing else`);
  console.log(`${names.length} stacks, ${rows.evo.length} rounds, medians; node ${process.version}; the same result`);
  for (const who of ["evo", "script"])
    console.log(
      `${who.padEnd(6)}  ${describe({ wall: median(rows[who], "wall"), memory: median(rows[who], "memory") })}`,
    );
  const ratio = median(rows.evo, "wall") / median(rows.script, "wall");
  const met = ratio <= GOAL;
  console.log(`evo / script:  wall ${ratio.toFixed(2)} (goal ${GOAL.toFixed(1)}: ${met ? "met" : "not met"})`);
  return met;
}

function median(rows, key) {
  const values = rows.map((row) => row[key]).sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)];
}

function describe({ wall, memory }) {
  return `${wall.toFixed(1)} s wall  ${Math.round(memory / 1e6)} MB peak`;
}

/** Stacks that are drifted on evo's board, as short names. */
function boardOf(env, place) {
  const rows = JSON.parse(evo(env, place, ["drift", "list", "--json"]));
  return rows.filter(({ state }) => state === "drifted").map(({ stack }) => stack.split("/").at(-2));
}

function evo(env, cwd, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { env, cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`evo ${args.join(" ")} ended with ${status}\n${stderr.slice(-2000)}`);
  return stdout;
}

function urnOf(name) {
  return `urn:pulumi:dev::${name}::aws:sns/topic:Topic::topic`;
}

function makeRepository(place, names) {
  for (const folder of ["sequences/worlds", "stacks"]) mkdirSync(join(place, folder), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(place, "node_modules"));
  symlinkSync(join(root, "stacks/node_modules"), join(place, "stacks/node_modules"));
  for (const name of names) {
    const folder = join(place, "stacks", name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "Pulumi.yaml"), `name: ${name}\nruntime: nodejs\n`);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name, main: "index.js" }));
    writeFileSync(
      join(folder, "index.js"),
      'const aws = require("@pulumi/aws");\nexports.arn = new aws.sns.Topic("topic", { displayName: "bench" }).arn;\n',
    );
  }
  const members = names.map((name) => `up("${name}", { dir: "../stacks/${name}", stack: "dev" })`);
  writeFileSync(
    join(place, "sequences/bench.ts"),
    `import { defineSequence, independent, up } from "evo";\nexport default defineSequence({ name: "bench", world: "./worlds/bench.ts", steps: [independent("all", { members: [\n${members.join(",\n")}\n] })] });\n`,
  );
  writeFileSync(
    join(place, "sequences/worlds/bench.ts"),
    'import { defineWorld } from "evo";\nexport default defineWorld({ name: "bench", regions: { here: { edges: 5 } }, propagation: [], endpoint: () => ({ status: 200, body: {} }) });\n',
  );
}
