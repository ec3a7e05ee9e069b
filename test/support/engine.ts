/**
 * A bench for tests on the real engine: a directory of its own with a file backend, a PULUMI_HOME and copies of fixture
 * projects; the plain CLI, made complete by evo's language host. Closing it proves that no process was left behind.
 */
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Engine, findEngine } from "../../src/executor/engine/index.js";
import { languageHostPath } from "../../src/executor/language-host/install.js";
import { fixture, PASSPHRASE } from "./projects.js";
import { installedModules } from "./setup.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Marks every process that a bench starts, and all their children. */
const MARK = "EVO_TEST_BENCH";
/** Milliseconds in which the last process must have gone. */
const FAREWELL = 10_000;

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Bench {
  /** Absolute; everything lies below it. */
  readonly directory: string;
  readonly engine: Engine;
  /** evo's home for this bench. */
  readonly home: string;
  /** URL of the file backend. */
  readonly backend: string;
  /** Environment of a plain CLI that is complete: backend, passphrase, plugins on the PATH; a TMPDIR of the bench. */
  readonly env: NodeJS.ProcessEnv;
  /** Copies a fixture project, with its `node_modules`, to a folder of its own (or the one named); returns its path. */
  copy(project: string, as?: string): string;
  /** Runs the plain CLI. */
  pulumi(cwd: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<CliResult>;
  /** Ids of the processes that this bench has started and that live. */
  processes(): number[];
  /** Waits for the last process, then removes the directory; throws if one stays (and kills it). */
  close(): Promise<void>;
}

/** The engine for tests, found (and where there is none, made) as for a user: EVO_PULUMI, PATH, EVO_HOME. */
export function testEngine(): Promise<Engine> {
  return findEngine({
    explicit: process.env.EVO_PULUMI,
    home: process.env.EVO_HOME ?? join(homedir(), ".evo"),
    path: process.env.PATH ?? "",
    env: process.env,
    install: true,
    say: () => undefined,
  });
}

export async function openBench(): Promise<Bench> {
  const engine = await testEngine();
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "evo-bench-")));
  const home = join(directory, "evo-home");
  const backend = `file://${join(directory, "backend")}`;
  for (const name of ["backend", "pulumi-home", "tmp"]) mkdirSync(join(directory, name));
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    [MARK]: directory,
    TMPDIR: join(directory, "tmp"),
    PATH: `${languageHostPath(home, engine.path)}:${dirname(engine.path)}:${process.env.PATH}`,
    PULUMI_HOME: join(directory, "pulumi-home"),
    PULUMI_BACKEND_URL: backend,
    PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
  return {
    directory,
    engine,
    home,
    backend,
    env,
    copy: (project, as = project) => copyProject(project, join(directory, "projects", as)),
    pulumi: (cwd, args, more = {}) => runCli(engine.path, cwd, args, { ...env, ...more }),
    processes: () => marked(directory),
    close: () => close(directory),
  };
}

function copyProject(name: string, to: string): string {
  cpSync(join(ROOT, "test", "fixtures", "projects", name), to, { recursive: true });
  const own = installedModules(name);
  if (own !== undefined && !existsSync(own)) throw new Error("run `node test/support/setup.mjs` first");
  if (own !== undefined) symlinkSync(own, join(to, "node_modules"));
  for (const dependency of fixture(name).packages) {
    const link = join(to, "node_modules", dependency);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", dependency), link);
  }
  return to;
}

function runCli(engine: string, cwd: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<CliResult> {
  const child = spawn(engine, [...args, "--non-interactive"], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const result = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    result.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    result.stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...result }));
  });
}

/** Linux only; elsewhere nothing is found, and so nothing proven. */
function marked(directory: string): number[] {
  if (!existsSync("/proc")) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => environmentOf(pid).includes(`${MARK}=${directory}`))
    .map(Number);
}

function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return []; // it has ended, or it is another user's
  }
}

async function close(directory: string): Promise<void> {
  const deadline = Date.now() + FAREWELL;
  while (marked(directory).length > 0 && Date.now() < deadline) await sleep(50);
  const left = marked(directory).map((pid) => ({ pid, command: commandOf(pid) }));
  for (const { pid } of left) kill(pid);
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  if (left.length > 0) throw new Error(`processes were left behind: ${left.map(({ command }) => command).join("; ")}`);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return String(pid);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended meanwhile
  }
}
