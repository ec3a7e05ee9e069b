/**
 * The built command line as an operator meets it: `evo` as a process, in a directory of its own with an EVO_HOME, a file
 * backend, a PULUMI_HOME and a TMPDIR. Tiny projects and sequences are written into it. Closing it proves that no process
 * is left, the embedded Postgres included, and removes everything.
 */
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findPlace } from "../../src/ledger/embedded/place.js";
import { type Bench, type CliResult, openBench } from "./engine.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAIN = join(ROOT, "dist", "cli", "main.js");
/** Milliseconds in which the last process must have gone. */
const FAREWELL = 15_000;
/** Milliseconds in which a process must have said what a test waits for. */
const PATIENCE = 60_000;

/** Variables of the machine that would change what evo does; a test says itself which ones it wants. */
const STRANGE = /^(EVO_|PULUMI_|AWS_|AZURE_|ARM_|GOOGLE_|GCLOUD_|CLOUDSDK_|KUBE|GITHUB_|npm_|NODE_|VITEST|CI$)/;

export interface Evo {
  /** Absolute; everything lies below it. */
  readonly directory: string;
  readonly home: string;
  readonly tmp: string;
  /** The plain CLI on the same backend. */
  readonly bench: Bench;
  readonly env: { readonly [name: string]: string };
  /** Writes a JavaScript project below `projects/<name>`, with lines for its `Pulumi.yaml`; answers its folder. */
  project(name: string, program: string, settings?: string): string;
  /** Copies the project whose program is switched by the environment (test/fixtures/operation/switch). */
  switchProject(name: string): string;
  /** Makes a stack with the plain CLI, as its owner would have. */
  init(project: string, stack: string): Promise<void>;
  /** Writes `sequences/<name>.ts`: this text from line 2 on, after an import of everything that evo exports. */
  sequence(name: string, text: string): string;
  /** Runs a command to its end. */
  run(args: readonly string[], options?: RunOptions): Promise<CliResult>;
  /** Starts a command in a process group of its own, as a shell would. */
  start(args: readonly string[], options?: RunOptions): Running;
  /** Processes that have to do with this directory and live: pid and command line. */
  processes(): readonly string[];
  close(): Promise<void>;
}

export interface RunOptions {
  readonly cwd?: string;
  /** The command line of another build. */
  readonly main?: string;
  /** On top of the bench's own; undefined takes a variable away. */
  readonly env?: { readonly [name: string]: string | undefined };
}

export interface Running {
  readonly pid: number;
  /** What it has said so far, on both streams. */
  said(): string;
  /** Resolves once `said` matches; throws what was said when it ends, or a minute passes, without. */
  until(pattern: RegExp): Promise<void>;
  /** Sends a signal to the whole process group, as a terminal does. */
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<CliResult>;
}

export async function openEvo(): Promise<Evo> {
  const bench = await openBench();
  const { directory, home } = bench;
  // As root, the embedded Postgres runs as another user, who must be able to pass.
  chmodSync(directory, 0o711);
  const tmp = join(directory, "tmp");
  for (const name of ["projects", "sequences"]) mkdirSync(join(directory, name));
  const machine = Object.entries(process.env).filter(([name]) => !STRANGE.test(name));
  const own = ["EVO_TEST_BENCH", "PULUMI_HOME", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"];
  const env = {
    ...(Object.fromEntries(machine) as { [name: string]: string }),
    ...Object.fromEntries(own.map((name) => [name, bench.env[name] ?? ""])),
    EVO_HOME: home,
    EVO_PULUMI: bench.engine.path,
    EVO_ACTOR: "operator@test",
    TMPDIR: tmp,
  };
  const children: ChildProcess[] = [];
  const start = (args: readonly string[], options: RunOptions = {}): Running => {
    const child = spawn(process.execPath, [options.main ?? MAIN, ...args], {
      cwd: options.cwd ?? directory,
      env: { ...env, ...options.env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.push(child);
    return running(child);
  };
  return {
    directory,
    home,
    tmp,
    bench,
    env,
    project: (name, program, settings = "") => writeProject(join(directory, "projects", name), program, settings),
    switchProject: (name) => copySwitch(join(directory, "projects", name)),
    init: async (project, stack) => {
      const { code, stderr } = await bench.pulumi(project, ["stack", "init", stack]);
      if (code !== 0) throw new Error(stderr);
    },
    sequence: (name, text) => writeSequence(join(directory, "sequences", `${name}.ts`), text),
    start,
    run: (args, options) => start(args, options).ended,
    processes: () => processesOf(directory),
    close: () => close(bench, children),
  };
}

// ------------------------------------------------------------------------------------------------------- projects

/** A program that registers a component only: an engine call on it takes hardly longer than an empty one. */
export const COMPONENT = `const pulumi = require("@pulumi/pulumi");
new pulumi.ComponentResource("test:index:Thing", "thing");
exports.greeting = "hello";
`;

function writeProject(directory: string, program: string, settings: string): string {
  linkPulumi(directory);
  writeFileSync(join(directory, "Pulumi.yaml"), `name: ${basename(directory)}\nruntime: nodejs\n${settings}`);
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name: basename(directory), main: "index.js" }));
  writeFileSync(join(directory, "index.js"), program);
  return directory;
}

function copySwitch(directory: string): string {
  cpSync(join(ROOT, "test", "fixtures", "operation", "switch"), directory, { recursive: true });
  linkPulumi(directory);
  return directory;
}

/** A test that is tried again finds its project there. */
function linkPulumi(directory: string): void {
  const link = join(directory, "node_modules", "@pulumi", "pulumi");
  mkdirSync(dirname(link), { recursive: true });
  if (!existsSync(link)) symlinkSync(join(ROOT, "node_modules", "@pulumi", "pulumi"), link);
}

const EXPORTS =
  "acknowledged, approved, command, custom, defineSequence, destroy, env, gate, http, independent, lockstep, output, refresh, serial, settled, stackOutput, text, up";

function writeSequence(file: string, text: string): string {
  writeFileSync(file, `import { ${EXPORTS} } from "evo";\n${text}\n`);
  return file;
}

// ------------------------------------------------------------------------------------------------------ processes

function running(child: ChildProcess): Running {
  const result = { stdout: "", stderr: "" };
  let all = "";
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      result[name] += text;
      all += text;
      child.emit("said");
    });
  }
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...result }));
  });
  return {
    pid: child.pid ?? 0,
    said: () => all,
    until: (pattern) => until(child, pattern, () => all),
    signal: (name) => process.kill(-(child.pid ?? 0), name),
    ended,
  };
}

function until(child: ChildProcess, pattern: RegExp, said: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => pattern.test(said()) && settle();
    const fail = () => settle(new Error(`waited in vain for ${pattern} in:\n${said()}`));
    const timer = setTimeout(fail, PATIENCE);
    const settle = (error?: Error) => {
      clearTimeout(timer);
      child.off("said", look).off("close", fail);
      if (error === undefined) resolve();
      else reject(error);
    };
    child.on("said", look).on("close", fail);
    look();
  });
}

/**
 * Linux only; elsewhere nothing is found, and so nothing proven. evo's own helpers get no environment to be known by: a
 * process belongs here when its environment, its command line, its folder or an open file of its names the directory.
 */
function processesOf(directory: string): readonly string[] {
  const all = readable(() => readdirSync("/proc"), []).filter((name) => /^\d+$/.test(name));
  return all
    .filter((pid) => Number(pid) !== process.pid && belongs(`/proc/${pid}`, directory))
    .map((pid) => `${pid} ${textOf(`/proc/${pid}/cmdline`).trim()}`);
}

function belongs(place: string, directory: string): boolean {
  const texts = ["environ", "cmdline"].map((name) => textOf(`${place}/${name}`));
  const files = readable(() => readdirSync(`${place}/fd`), []).map((fd) => `fd/${fd}`);
  const links = ["cwd", ...files].map((name) => readable(() => readlinkSync(`${place}/${name}`), ""));
  return [...texts, ...links].some((text) => text.includes(directory));
}

function textOf(file: string): string {
  return readable(() => readFileSync(file, "utf8").replaceAll("\0", " "), "");
}

/** A process may end, or belong to somebody else, while it is looked at. */
function readable<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

async function close(bench: Bench, children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  const deadline = Date.now() + FAREWELL;
  while (processesOf(bench.directory).length > 0 && Date.now() < deadline) await sleep(50);
  const left = processesOf(bench.directory);
  for (const line of left) readable(() => process.kill(Number.parseInt(line, 10), "SIGKILL"), false);
  const { base, socket } = findPlace(bench.home);
  for (const folder of [base, socket]) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  await bench.close();
  if (left.length > 0) throw new Error(`processes were left behind:\n${left.join("\n")}`);
}
