/**
 * Rehearsals of the role rollout as its users live through them: a world with constant traffic on all regions, and in it
 * either `evo` as a real process or a plain engine in the order that nobody holds back. Closing proves that no process,
 * server or directory is left.
 */
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { languageHostPath } from "../../src/executor/language-host/install.js";
import { type OpenLedger, openLedger } from "../../src/ledger/index.js";
import { compile } from "../../src/plan/compile.js";
import type { StepNode } from "../../src/plan/model.js";
import { stepsOf } from "../../src/run/edges.js";
import type { Entry } from "../../src/run/ports.js";
import { loadSequence } from "../../src/sequence/load.js";
import type { Sequence } from "../../src/sequence/model.js";
import { openWorld, rehearsalEnvironment, startTraffic, type Traffic, type World } from "../../src/world/index.js";
import { eventually } from "../world/scratch.js";
import { type Evo, openEvo, type Running } from "./evo.js";
import { bringStacks } from "./reference.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export const REGIONS = ["us-east-1", "ap-southeast-2", "eu-west-1"] as const;
export type Region = (typeof REGIONS)[number];

/** What users do: enough that each edge of a region is met about twice a second. */
const TRAFFIC = { path: "/orders", perSecond: 10, users: 7 } as const;
/** Rehearsals at a time: much of one is waiting for what propagates. */
const LANES = 2 * availableParallelism();
/** Milliseconds in which everything must have arrived everywhere, the slowest world considered. */
const PATIENCE = 120_000;

export interface Rehearsals {
  readonly evo: Evo;
  readonly ledger: OpenLedger;
  /**
   * A rehearsal in a world of its own, from its beginning to its end. Worlds with `day: "after-app"` begin once identity
   * and app are up, which doesn't depend on the seed: they are brought up once for all of them.
   */
  rehearse<T>(beginning: Beginning, act: (rehearsal: Rehearsal) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface Beginning {
  readonly seed: number;
  /** A factor for the world's delays: on a busy machine an update takes longer, and order must decide, not load. */
  readonly pace: number;
  readonly day?: "before" | "after-app";
}

export interface Rehearsal {
  readonly world: World;
  readonly traffic: Traffic;
  /** The folder of `sequences` and `stacks`; absolute. */
  readonly folder: string;
  /** Writes the JSON form of a sequence of this folder, changed; answers its file. */
  changed(name: string, change: (sequence: Sequence) => Sequence): Promise<string>;
  /** Starts `evo up --rehearse` in this world. */
  start(sequence?: string, options?: UpOptions): Running;
  /** The same to its end. */
  up(sequence?: string, options?: UpOptions): Promise<Outcome>;
  /** Plain `pulumi up --yes` for these steps, each as soon as the one before has returned; with changed settings. */
  naively(steps: readonly StepNode[], settings?: (text: string) => string): Promise<void>;
  /** The rollout's steps in the plan's order. */
  steps(): Promise<readonly StepNode[]>;
  /** Resolves once everything that was changed has arrived at every edge, and users have met every edge since. */
  arrived(): Promise<void>;
  /** Resolves once users were refused in a region, or nothing that was changed is on its way any more. */
  refusedOrArrived(region: Region): Promise<void>;
  /** How many requests of users were not served, by region. */
  refused(): Refused;
}

export interface UpOptions {
  /** The command line of another build. */
  readonly main?: string;
  readonly args?: readonly string[];
}

export interface Outcome {
  readonly code: number | null;
  readonly run: string;
  readonly entries: readonly Entry[];
  readonly stderr: string;
}

export type Refused = { readonly [region in Region]: number };

export async function openRehearsals(): Promise<Rehearsals> {
  const evo = await openEvo();
  bringStacks(evo.directory);
  symlinkSync(join(ROOT, "node_modules"), join(evo.directory, "node_modules"));
  // Held all the time, so that the ledger's server doesn't end and start with each command.
  const ledger = await openLedger({ home: evo.home, claimed: "the proof", say: () => {} });
  const bench: Bench = { evo, ledger, plugins: languageHostPath(evo.home, evo.bench.engine.path) };
  const inLane = lanes(LANES);
  let afterApp: Promise<string> | undefined;
  return {
    evo,
    ledger,
    async rehearse({ day = "before", ...chances }, act) {
      if (day === "before") return inLane(() => within(bench, chances, act));
      afterApp ??= bringUpApp(bench);
      const from = await afterApp;
      return inLane(() => within(bench, { ...chances, from }, act));
    },
    async close() {
      await ledger.close();
      const left = readdirSync(evo.tmp);
      await evo.close();
      if (left.length > 0) throw new Error(`rehearsals left in the temporary directory: ${left.join(", ")}`);
    },
  };
}

/** Lets so many work at a time. */
function lanes(free: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

interface Bench {
  readonly evo: Evo;
  readonly ledger: OpenLedger;
  readonly plugins: string;
}

interface Chances {
  readonly seed: number;
  readonly pace: number;
  readonly from?: string;
}

async function within<T>(bench: Bench, chances: Chances, act: (rehearsal: Rehearsal) => Promise<T>): Promise<T> {
  const folder = makeFolder(bench);
  const world = await openWorld({ home: bench.evo.home, module: worldOf(folder), ...chances });
  const targets = Object.fromEntries(world.regions.map((region) => [region, world.origin(region)]));
  const traffic = startTraffic({ targets, ...TRAFFIC });
  try {
    return await act(rehearsalOf(bench, folder, world, traffic));
  } finally {
    await traffic.stop();
    await world.close();
  }
}

/** A checkout of its own, so that every world has its own name: the sequences, beside a link to the stacks. */
function makeFolder({ evo }: Bench): string {
  const all = join(evo.directory, "rehearsals");
  mkdirSync(all, { recursive: true });
  const folder = mkdtempSync(join(all, "r"));
  cpSync(join(ROOT, "sequences"), join(folder, "sequences"), { recursive: true });
  symlinkSync(join(evo.directory, "stacks"), join(folder, "stacks"));
  return folder;
}

function worldOf(folder: string): string {
  return join(folder, "sequences", "worlds", "reference.ts");
}

function rehearsalOf(bench: Bench, folder: string, world: World, traffic: Traffic): Rehearsal {
  const { evo } = bench;
  const start = (sequence = "role-rollout", { main, args = [] }: UpOptions = {}) =>
    evo.start(["up", sequence, "--rehearse", "--json", ...args], {
      cwd: folder,
      ...(main === undefined ? {} : { main }),
    });
  return {
    world,
    traffic,
    folder,
    start,
    changed: async (name, change) => {
      const { sequence } = await loadSequence(name, folder);
      const file = join(folder, `${name}.json`);
      writeFileSync(file, JSON.stringify(change(sequence), null, 2));
      return file;
    },
    up: async (sequence, options) => {
      const { code, stdout, stderr } = await start(sequence, options).ended;
      const run = runIn(stdout, stderr);
      return { code, run, stderr, entries: await bench.ledger.load(run) };
    },
    steps: async () => stepsOf(compile((await loadSequence("role-rollout", folder)).sequence)),
    naively: async (steps, settings) => {
      for (const step of steps) {
        const config = settings === undefined ? [] : ["--config-file", settingsFor(folder, step, settings)];
        await plainly(bench, world, folder, step, ["up", "--yes", "--skip-preview", ...config]);
      }
    },
    arrived: () => everywhere(world, traffic),
    refusedOrArrived: async (region) => {
      const { last } = await arrivals(world);
      while (refusedIn(traffic)[region] === 0 && Date.now() <= last) await sleep(100);
      if (refusedIn(traffic)[region] === 0) await everywhere(world, traffic);
    },
    refused: () => refusedIn(traffic),
  };
}

function runIn(stdout: string, stderr: string): string {
  try {
    return (JSON.parse(stdout) as { run: string }).run;
  } catch {
    throw new Error(`evo said no run:\n${stdout}\n${stderr}`);
  }
}

// ---------------------------------------------------------------------------------------------------- plain engine

/** A stack's settings, changed, in a file of their own: the stacks belong to all rehearsals. */
function settingsFor(folder: string, { id, stack }: StepNode, settings: (text: string) => string): string {
  const file = join(folder, `${id}.yaml`);
  writeFileSync(file, settings(readFileSync(join(folder, stack.dir, `Pulumi.${stack.stack}.yaml`), "utf8")));
  return file;
}

async function plainly({ evo, plugins }: Bench, world: World, folder: string, step: StepNode, args: readonly string[]) {
  const { directory, engine } = evo.bench;
  const base = rehearsalEnvironment(process.env);
  const path = [plugins, dirname(engine.path), base.PATH].join(delimiter);
  const env = { ...base, ...world.env, PATH: path, EVO_TEST_BENCH: directory };
  const all = [...args, "--stack", step.stack.stack, "--non-interactive"];
  const child = spawn(engine.path, all, { cwd: join(folder, step.stack.dir), env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code !== 0) throw new Error(`pulumi ${all.join(" ")} in ${step.stack.dir} ended with ${code}:\n${said}`);
}

/** Every stack made, identity and app up, with the plain engine. */
async function bringUpApp(bench: Bench): Promise<string> {
  const dir = await within(bench, { seed: 0, pace: 1 }, async ({ world, folder, steps, naively }) => {
    const all = await steps();
    for (const step of all) await plainly(bench, world, folder, step, ["stack", "init"]);
    await naively(all.filter(({ id }) => id === "identity" || id === "app"));
    return world.dir;
  });
  await eventually(() => !existsSync(join(dir, "host.json")));
  return dir;
}

// --------------------------------------------------------------------------------------------------------- traffic

function refusedIn({ answers }: Traffic): Refused {
  const of = (wanted: Region) => answers.filter(({ region, status }) => region === wanted && status !== 200).length;
  return { "us-east-1": of("us-east-1"), "ap-southeast-2": of("ap-southeast-2"), "eu-west-1": of("eu-west-1") };
}

/** Which edges something was changed for, and the last moment at which it arrives, by the world's own log. */
async function arrivals(world: World): Promise<{ readonly edges: Set<string>; readonly last: number }> {
  const changes = (await world.log()).flatMap((entry) => (entry.type === "change.taken" ? [entry] : []));
  const edges = new Set(changes.flatMap(({ due }) => Object.keys(due)));
  return { edges, last: Math.max(...changes.flatMap(({ due }) => Object.values(due))) };
}

async function everywhere(world: World, { answers }: Traffic): Promise<void> {
  const { edges, last } = await arrivals(world);
  const deadline = Date.now() + PATIENCE;
  for (let next = 0; edges.size > 0; ) {
    for (; next < answers.length; next++) if (answers[next]!.at > last) edges.delete(answers[next]!.edge ?? "");
    if (Date.now() > deadline) throw new Error(`users met not every edge: ${[...edges].join(", ")} are left`);
    await sleep(100);
  }
}
