/**
 * `npm run chaos -- --minutes M --seed N`: random sequences on real stacks while random processes of theirs are killed.
 * An operator who knows nothing but what evo says resumes, or gives a run up where evo asks for a person. Every effect of
 * a stack is a line in a file, so that one that is repeated shows. Exit 0 only if nothing was doubled, out of order or lost.
 */
import { spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { engineHere } from "../support/engine-here.mjs";

const option = (name, fallback) => Number(process.argv[process.argv.indexOf(`--${name}`) + 1] || fallback) || fallback;
const minutes = option("minutes", 10);
const seed = option("seed", Math.floor(Math.random() * 1e6));
const random = generator(seed);
const root = fileURLToPath(new URL("../..", import.meta.url));
/** Arenas side by side, each with its ledger, its backend and an operator who knows only its own runs. */
const ARENAS = 3;
/** Milliseconds between looks for a victim; how likely one is struck at a look, in the middle of an update and else. */
const LOOK = 150;
const STRIKE = { inside: 0.16, outside: 0.05 };

/** Who may be killed, and how often one is chosen. */
const VICTIMS = [
  { name: "evo", weight: 10, is: ({ command }) => /cli\/main\.js (up|resume)/.test(command) },
  { name: "operation host", weight: 4, is: ({ command }) => /operation\/host\.js/.test(command) },
  { name: "standby", weight: 2, is: ({ command }) => /language-host\/standby\.js/.test(command) },
  { name: "program", weight: 1, is: ({ command }) => /cmd\/run\/index\.js/.test(command) },
  { name: "engine", weight: 2, is: ({ command }) => /pulumi up /.test(command) },
  { name: "provider", weight: 1, is: ({ command }) => /\/dynamic-provider\b/.test(command) },
];
const count = {
  runs: 0,
  completed: 0,
  kills: 0,
  inside: 0,
  doubled: 0,
  disorder: 0,
  lost: 0,
  unresolved: 0,
  unexplained: 0,
  givenUp: 0,
};
const killed = Object.fromEntries(VICTIMS.map(({ name }) => [name, 0]));
const found = await engineHere();
const everywhere = mkdtempSync(join(tmpdir(), "evo-chaos-"));
chmodSync(everywhere, 0o711);

try {
  console.error(`seed ${seed}, ${minutes} minutes, ${ARENAS} arenas in ${everywhere}`);
  const end = Date.now() + minutes * 60_000;
  await Promise.all(Array.from({ length: ARENAS }, (_, at) => arena(join(everywhere, `a${at + 1}`), end)));
  report();
  process.exitCode = count.doubled + count.disorder + count.lost + count.unexplained === 0 ? 0 : 1;
} finally {
  for (const { pid } of processesOf(everywhere)) quietly(() => process.kill(pid, "SIGKILL"));
  await sleep(500);
  rmSync(everywhere, { recursive: true, force: true, maxRetries: 5 });
}

/** Runs, one after another, until `end`; at last the whole record is verified. */
async function arena(place, end) {
  const home = join(place, "home");
  const env = {
    PATH: process.env.PATH,
    HOME: place,
    TS_NODE_CACHE_DIRECTORY: join(place, "transpiled"),
    EVO_HOME: home,
    EVO_PULUMI: found.path,
    PULUMI_HOME: join(place, "pulumi"),
    PULUMI_BACKEND_URL: `file://${place}/backend`,
    PULUMI_CONFIG_PASSPHRASE: "chaos",
    EVO_ACTOR: "chaos@test",
  };
  prepare();
  for (let runs = 1; Date.now() < end; runs += 1) await oneRun(`c${runs}`, end);
  if ((await evo("ledger", "verify")).code !== 0) count.lost += 1;

  // ----------------------------------------------------------------------------------------------------------- one run

  async function oneRun(name, end) {
    count.runs += 1;
    const steps = declare(name);
    let seen = 0;
    for (let tries = 0; tries < 40; tries += 1) {
      const calm = Date.now() > end || tries >= 30;
      const run = await runOf(name);
      if (run?.status === "completed") break;
      const args = run === undefined ? ["up", name] : ["resume", run.run, "--reason", "chaos"];
      const child = start(args);
      const ended = new Promise((resolve) => child.once("close", (code) => resolve(code)));
      while (!calm && !(await Promise.race([ended.then(() => true), sleep(LOOK).then(() => false)]))) {
        if (random() > (updating() ? STRIKE.inside : STRIKE.outside)) continue;
        if (strike() === "evo") break;
      }
      await ended;
      seen = await audit(name, steps, seen);
      const now = await runOf(name);
      if (now?.status !== "halted") continue;
      const status = JSON.parse((await evo("status", now.run, "--json")).stdout);
      const told = (await evo("status", now.run)).stdout;
      // A lock whose engine died before anybody knew its pid is taken away by a person.
      const locked = status.halt.cause === "stack-locked" && /pulumi cancel/.test(told);
      // Whatever else evo says has failed it may try again: had it an effect that nobody knows of, the effect would show twice.
      if (status.halt.cause !== "operation-unresolved" && !locked) continue;
      count.unresolved += 1;
      if (status.halt.reason === "" || !(locked || /evo settle/.test(told))) count.unexplained += 1;
      count.givenUp += 1;
      await giveUp(now.run);
      break;
    }
    const last = await runOf(name);
    if (last?.status === "completed") count.completed += 1;
    else if (last?.status !== "aborted") {
      count.unexplained += 1;
      console.error(`${name} did not come to an end: ${(await evo("status", last?.run)).stdout}`);
    }
    await audit(name, steps, seen);
  }

  /** Another member's operation may still be open: a resume follows it to its end, and then the run can be ended. */
  async function giveUp(run) {
    while ((await evo("abort", run, "--reason", "only a person can know")).code === 3)
      await evo("resume", run, "--reason", "to follow what is open");
  }

  /** A chain of one to three entries, some of them groups of two. */
  function declare(name) {
    const entries = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, at) => {
      const kind = random();
      return { at, kind: kind < 0.5 ? "step" : kind < 0.75 ? "independent" : "lockstep" };
    });
    const gate = `gate("there", { targets: ["here"], probe: command(["true"]), interval: "100ms", consecutiveSuccessLimit: 3 })`;
    const step = (id, more = "") =>
      `up("${id}", { dir: "../projects/s", stack: "${name}-${id}", createStack: true, env: { EFFECTS: ${JSON.stringify(effectsFile(name, id))}, SLOW: "700" }${more} })`;
    const texts = entries.map(({ at, kind }) =>
      kind === "step"
        ? step(`s${at}`, `, convergedWhen: [${gate}]`)
        : `${kind}("g${at}", { members: [${step(`s${at}a`)}, ${step(`s${at}b`)}], convergedWhen: [${gate}] })`,
    );
    writeFileSync(
      join(place, "sequences", `${name}.ts`),
      `import { command, defineSequence, gate, independent, lockstep, up } from "evo";\nexport default defineSequence({ name: "${name}", steps: [${texts.join(", ")}] });\n`,
    );
    return entries.map(({ at, kind }) => (kind === "step" ? [`s${at}`] : [`s${at}a`, `s${at}b`]));
  }

  /** Effects at most once, order kept, nothing that was recorded is gone; answers how many entries there are. */
  async function audit(name, steps, before) {
    for (const id of steps.flat()) {
      const lines = effects(name, id).filter((line) => line.startsWith("begin"));
      if (new Set(lines).size !== lines.length) {
        count.doubled += 1;
        console.error(`${name}: effects of ${id} doubled: ${lines.join(", ")}`);
      }
    }
    const entries = JSON.parse((await evo("ledger", "log", "--sequence", name, "--json")).stdout || "[]");
    if (entries.length < before) count.lost += 1;
    const opened = (id) =>
      entries.find((entry) => entry.type === "boundary.opened" && [id, `g${id.slice(1, 2)}`].includes(entry.step))
        ?.number ?? Infinity;
    for (const [at, ids] of steps.entries()) {
      const intended = entries.filter((entry) => entry.type === "operation.intended" && ids.includes(entry.step));
      const ahead = at === 0 ? 0 : Math.max(...steps[at - 1].map(opened));
      if (intended.some(({ number }) => number < ahead)) {
        count.disorder += 1;
        console.error(`${name}: ${ids} started before ${steps[at - 1]} had converged`);
      }
    }
    return entries.length;
  }

  // ------------------------------------------------------------------------------------------------------------- kills

  function strike() {
    const living = VICTIMS.map((victim) => ({
      ...victim,
      pids: processesOf(place)
        .filter((one) => victim.is(one))
        .map(({ pid }) => pid),
    })).filter(({ pids }) => pids.length > 0);
    let at = random() * living.reduce((sum, { weight }) => sum + weight, 0);
    const victim = living.find(({ weight }) => {
      at -= weight;
      return at < 0;
    });
    if (victim === undefined) return undefined;
    const inside = updating();
    const pid = victim.pids[Math.floor(random() * victim.pids.length)];
    if (!quietly(() => process.kill(pid, "SIGKILL"))) return undefined;
    count.kills += 1;
    killed[victim.name] += 1;
    if (inside) count.inside += 1;
    return victim.name;
  }

  /** Whether an update has been let through whose outcome no journal knows. */
  function updating() {
    const folder = join(home, "operations");
    return (quietly(() => readdirSync(folder)) || []).some((operation) => {
      const journal = quietly(() => readFileSync(join(folder, operation, "journal.ndjson"), "utf8")) || "";
      return journal.includes('"line":"accepted"') && !journal.includes('"line":"outcome"');
    });
  }

  // --------------------------------------------------------------------------------------------------------------- evo

  function prepare() {
    for (const name of ["sequences", "projects", "backend"]) mkdirSync(join(place, name), { recursive: true });
    const project = join(place, "projects", "s");
    cpSync(join(root, "test/fixtures/operation/switch"), project, { recursive: true });
    mkdirSync(join(project, "node_modules/@pulumi"), { recursive: true });
    symlinkSync(join(root, "node_modules/@pulumi/pulumi"), join(project, "node_modules/@pulumi/pulumi"));
  }

  function start(args) {
    return spawn(process.execPath, [join(root, "dist/cli/main.js"), ...args], {
      cwd: place,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  function evo(...args) {
    return new Promise((resolve) => {
      const child = start(args);
      let stdout = "";
      child.stdout.on("data", (bytes) => (stdout += bytes));
      child.stderr.resume();
      child.once("close", (code) => resolve({ code, stdout }));
    });
  }

  async function runOf(name) {
    return JSON.parse((await evo("runs", "--sequence", name, "--json")).stdout || "[]")[0];
  }

  function effectsFile(name, id) {
    return join(place, `${name}-${id}.effects`);
  }

  function effects(name, id) {
    const file = effectsFile(name, id);
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }
}

// --------------------------------------------------------------------------------------------------------- processes

/** Processes whose environment, command line, folder or open files name a place. */
function processesOf(place) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => ({ pid: Number(pid), command: text(`/proc/${pid}/cmdline`) }))
    .filter(({ pid, command }) => /node|pulumi|postgres/.test(command) && belongs(pid, command, place));
}

function belongs(pid, command, place) {
  if (command.includes(place) || text(`/proc/${pid}/environ`).includes(place)) return true;
  const links = (quietly(() => readdirSync(`/proc/${pid}/fd`)) || []).map((fd) => `fd/${fd}`);
  if (["cwd", ...links].some((name) => (quietly(() => readlinkSync(`/proc/${pid}/${name}`)) || "").includes(place)))
    return true;
  // evo's helpers get no environment to be known by: theirs is their parent's.
  const parent = text(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ")[1];
  return /operation\/host|language-host\/standby/.test(command) && text(`/proc/${parent}/environ`).includes(place);
}

function text(file) {
  return quietly(() => readFileSync(file, "utf8").replaceAll("\0", " ")) || "";
}

function quietly(work) {
  try {
    return work() ?? true;
  } catch {
    return false;
  }
}

/** mulberry32: small, seeded, good enough to choose victims with. */
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function report() {
  const rows = [
    ["runs", count.runs],
    ["completed", count.completed],
    ["given up for a person", count.givenUp],
    ["kills", count.kills],
    ["kills inside updates", count.inside],
    ...Object.entries(killed).map(([name, times]) => [`  of ${name}`, times]),
    ["effects doubled", count.doubled],
    ["order violations", count.disorder],
    ["lost entries", count.lost],
    ["unresolved halts", count.unresolved],
    ["not explained", count.unexplained],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(24)}${value}`);
}
