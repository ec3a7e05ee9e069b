/**
 * `npm run bench`: eight stacks in a row with instant gates, driven by evo, by a plain script on the Automation API
 * (preview and up of each folder), and by a loop of `pulumi up --yes`. All three use the same engine, the same language
 * host, the same simulated provider and transpile only; each round makes everything anew. Figures are ratios within one
 * run on one machine: the medians over `--rounds N` (default 3) rounds, in turn. At the end: how fast commands start.
 *
 * `npm run bench -- ledger`: the ledger alone (ledger.mjs). `npm run bench -- drift`: scans of many stacks (drift.mjs).
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { languageHostPath } from "../../dist/executor/language-host/install.js";
import { openWorld, rehearsalEnvironment } from "../../dist/world/index.js";
import { engineHere } from "../support/engine-here.mjs";
import { measure } from "./measure.mjs";
import { startup } from "./startup.mjs";

if (process.argv[2] === "ledger") {
  const { benchLedger } = await import("./ledger.mjs");
  await benchLedger(Number(process.argv[process.argv.indexOf("--entries") + 1]) || 1_000_000);
  process.exit();
}

if (process.argv[2] === "drift") {
  const { benchDrift } = await import("./drift.mjs");
  const numberAfter = (name, otherwise) => Number(process.argv[process.argv.indexOf(name) + 1]) || otherwise;
  process.exit((await benchDrift({ stacks: numberAfter("--stacks", 30), rounds: numberAfter("--rounds", 3) })) ? 0 : 1);
}

const STACKS = 8;
const rounds = Number(process.argv[process.argv.indexOf("--rounds") + 1] || 3) || 3;
const root = fileURLToPath(new URL("../..", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));
const place = mkdtempSync(join(tmpdir(), "evo-bench-"));
chmodSync(place, 0o711);
const home = join(place, "home");

try {
  const found = await engineHere();
  const engine = countingEngine(found.path);
  const names = Array.from({ length: STACKS }, (_, at) => `s${at + 1}`);
  for (const name of names) makeProject(name);
  makeSequence(names);
  symlinkSync(join(root, "node_modules"), join(place, "node_modules"));
  symlinkSync(join(root, "stacks/node_modules"), join(place, "stacks/node_modules"));
  await evo(engine, ["runs"]); // the embedded ledger is made once

  const rows = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const [who, run] of [
      ["evo", byEvo],
      ["script", byScript],
      ["cli", byCli],
    ]) {
      const figures = await run(engine, names);
      rows.push({ who, ...figures });
      console.error(`round ${round}  ${who.padEnd(6)}  ${describe(figures)}`);
    }
  }
  print(rows);
  await startup(home);
} finally {
  rmSync(place, { recursive: true, force: true });
}

// --------------------------------------------------------------------------------------------------- three drivers

async function byEvo(engine) {
  return counted(() => evo(engine, ["up", "bench", "--rehearse", "--fresh", "--parallel", "1"]));
}

async function byScript(engine, names) {
  return withWorld((env) =>
    counted(() => node([join(here, "script.mjs"), engine, place, ...names], peerEnvironment(env, engine))),
  );
}

async function byCli(engine, names) {
  return withWorld((env) =>
    counted(async () => {
      const usages = [];
      for (const name of names) {
        for (const args of [
          ["stack", "init", "dev"],
          ["up", "--yes", "--stack", "dev", "--non-interactive"],
        ])
          usages.push(
            await measure(engine, args, { cwd: join(place, "stacks", name), env: peerEnvironment(env, engine) }),
          );
      }
      return { memory: Math.max(...usages.map((usage) => usage.memory)) };
    }),
  );
}

function evo(engine, args) {
  return node([join(root, "dist/cli/main.js"), ...args], { ...process.env, EVO_HOME: home, EVO_PULUMI: engine }, place);
}

async function node(args, env, cwd = place) {
  return measure(process.execPath, args, { cwd, env });
}

async function withWorld(use) {
  const world = await openWorld({ home, module: join(place, "sequences/worlds/bench.ts"), name: "peers", fresh: true });
  try {
    const env = { ...rehearsalEnvironment(process.env), ...world.env };
    return await use(env);
  } finally {
    await world.close();
    for (const name of Array.from({ length: STACKS }, (_, at) => `s${at + 1}`))
      rmSync(join(place, "stacks", name, "Pulumi.dev.yaml"), { force: true });
  }
}

function peerEnvironment(env) {
  return { ...env, PATH: `${languageHostPath(home)}:${env.PATH}` };
}

/** Wall and CPU time of the whole machine meanwhile (every process counts, detached ones too), and engine processes. */
async function counted(work) {
  const before = { wall: performance.now(), cpu: machineCpu(), engines: engineCount() };
  const { memory } = await work();
  return {
    wall: (performance.now() - before.wall) / 1000,
    cpu: machineCpu() - before.cpu,
    memory,
    engines: engineCount() - before.engines,
  };
}

/** Seconds of CPU time since boot, by /proc/stat. */
function machineCpu() {
  const [user, nice, system] = readFileSync("/proc/stat", "utf8").split("\n")[0].split(/\s+/).slice(1).map(Number);
  return (user + nice + system) / 100;
}

// ----------------------------------------------------------------------------------------------------- what is driven

function countingEngine(path) {
  const wrapper = join(place, "bin", "pulumi");
  mkdirSync(join(place, "bin"));
  writeFileSync(join(place, "engines"), "");
  writeFileSync(wrapper, `#!/bin/sh\n[ "$1" = version ] || echo x >> ${join(place, "engines")}\nexec ${path} "$@"\n`);
  chmodSync(wrapper, 0o755);
  return wrapper;
}

function engineCount() {
  return readFileSync(join(place, "engines"), "utf8").length / 2;
}

function makeProject(name) {
  const folder = join(place, "stacks", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "Pulumi.yaml"), `name: ${name}\nruntime: nodejs\n`);
  writeFileSync(
    join(folder, "tsconfig.json"),
    '{"compilerOptions":{"module":"NodeNext","moduleResolution":"NodeNext","target":"es2022","strict":true,"skipLibCheck":true}}',
  );
  writeFileSync(
    join(folder, "index.ts"),
    'import * as aws from "@pulumi/aws";\nconst topic = new aws.sns.Topic("topic", { displayName: "bench" });\nexport const arn = topic.arn;\n',
  );
}

function makeSequence(names) {
  mkdirSync(join(place, "sequences/worlds"), { recursive: true });
  const steps = names.map(
    (name) =>
      `up("${name}", { dir: "../stacks/${name}", stack: "dev", convergedWhen: [gate("made", { targets: ["arn"], probe: stackOutput({ path: "arn", exists: true }), interval: "100ms" })] })`,
  );
  writeFileSync(
    join(place, "sequences/bench.ts"),
    `import { defineSequence, gate, stackOutput, up } from "evo";\nexport default defineSequence({ name: "bench", world: "./worlds/bench.ts", steps: [\n${steps.join(",\n")}\n] });\n`,
  );
  writeFileSync(
    join(place, "sequences/worlds/bench.ts"),
    'import { defineWorld } from "evo";\nexport default defineWorld({ name: "bench", regions: { here: { edges: 5 } }, propagation: [], endpoint: () => ({ status: 200, body: {} }) });\n',
  );
}

// ------------------------------------------------------------------------------------------------------------ table

function describe({ wall, cpu, memory, engines }) {
  return `${wall.toFixed(1)} s wall  ${cpu.toFixed(1)} s CPU  ${Math.round(memory / 1e6)} MB peak  ${engines} engine processes`;
}

function print(rows) {
  const median = (who, key) => {
    const values = rows
      .filter((row) => row.who === who)
      .map((row) => row[key])
      .sort((a, b) => a - b);
    return values[Math.floor(values.length / 2)];
  };
  console.log(`${STACKS} stacks in a row, ${rounds} rounds, medians; node ${process.version}`);
  for (const who of ["evo", "script", "cli"]) {
    const figures = Object.fromEntries(["wall", "cpu", "memory", "engines"].map((key) => [key, median(who, key)]));
    console.log(`${who.padEnd(6)}  ${describe(figures)}`);
  }
  for (const peer of ["script", "cli"])
    console.log(
      `evo / ${peer}:  wall ${(median("evo", "wall") / median(peer, "wall")).toFixed(2)}  CPU ${(median("evo", "cpu") / median(peer, "cpu")).toFixed(2)}`,
    );
}
