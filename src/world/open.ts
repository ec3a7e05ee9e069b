/**
 * `openWorld`: starts a world's host process or adopts the living one, and holds it until `close`. Its folder is its
 * memory: a later command finds the same world.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { resolve as absolute, basename, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { sha256 } from "../canonical.js";
import { EvoError, EXIT } from "../errors.js";
import { packageFile } from "../package-root.js";
import { type LockOptions, withLock } from "../process-lock.js";
import type { WorldChange } from "./change.js";
import { type Client, connectTo } from "./client.js";
import { rehearsalEnvironment } from "./environment.js";
import { parseFault } from "./fault.js";
import type { HostMessage } from "./host.js";
import type { WorldEntry } from "./log.js";
import type { Fault, StandIns } from "./model.js";
import { readLines } from "./ndjson.js";
import { bringOutside, stackFile, stackFiles } from "./outside.js";
import {
  type Fixed,
  type HostState,
  type Places,
  placesOf,
  readJson,
  type Settings,
  type WorldModule,
  writeJson,
} from "./settings.js";
import type { TrafficSpec } from "./traffic.js";

export interface OpenWorld {
  /** evo's own directory; the world lives in `worlds/<name>` below it. */
  readonly home: string;
  /** Absolute path of the module whose default export declares the world, or file and export. */
  readonly module: string | WorldModule;
  /** Default: the module's file name, and a few digits that tell checkouts apart. */
  readonly name?: string;
  /** Default: the one it began with, else its declaration's. */
  readonly seed?: number;
  /** A factor for all propagation delays. Default: the one it began with, else 1. */
  readonly pace?: number;
  /** Packages that programs use: served besides those of the declaration. */
  readonly packages?: readonly string[];
  /** Forget what it was and start anew. Refused while somebody else holds it. */
  readonly fresh?: boolean;
  /**
   * A world that doesn't exist yet begins as the one in this folder was left: the same resources and stacks, with a seed
   * and addresses of its own. Nobody may hold that one, and no resource of it may carry its addresses.
   */
  readonly from?: string;
  /** Faults from now on; in text as `parseFault` takes them: `never-converges:eu-west-1`, or an edge of it, `…/3`. */
  readonly faults?: readonly (string | Fault)[];
  /** Milliseconds without client and engine after which it ends by itself. Default 10 s. */
  readonly linger?: number;
  /** One line for a person. */
  readonly say?: (line: string) => void;
}

export interface World {
  readonly name: string;
  readonly dir: string;
  readonly seed: number;
  /** What engines need in their environment, on top of `rehearsalEnvironment`. */
  readonly env: Readonly<Record<string, string>>;
  readonly regions: readonly string[];
  /** Base URL of a region's address. */
  origin(region: string): string;
  /** What its users do, for `startTraffic`. */
  readonly traffic: TrafficSpec;
  /** What its author declared for what is out of a rehearsal's reach. */
  readonly standIns: StandIns;
  /** Whether its backend holds this stack of a project; without a name, any of it. */
  has(project: string, stack?: string): boolean;
  /** The world's own log so far. */
  log(): Promise<readonly WorldEntry[]>;
  /** Makes something go wrong from now on. */
  fault(fault: Fault): Promise<void>;
  /** Ends all faults. */
  lift(): Promise<void>;
  /** Changes a live resource past every engine, as a person in a console would. Errors: `world.change`. */
  change(change: WorldChange): Promise<void>;
  /** Lets go of it. It ends once nobody holds it; this returns when it has, or when others still do. */
  close(): Promise<void>;
}

/**
 * Opens a world. Errors: `world.in-use` (exit 6) when somebody else holds it and it would have to change,
 * `world.other-seed`, `world.not-a-beginning`, `world.port-taken`, `world.missing`, `world.invalid`, `world.failed`.
 */
export async function openWorld(options: OpenWorld): Promise<World> {
  const worlds = join(absolute(options.home), "worlds");
  mkdirSync(worlds, { recursive: true, mode: 0o700 });
  const module = typeof options.module === "string" ? { file: options.module } : options.module;
  const name = options.name ?? nameOf(module.file);
  const places = placesOf(join(worlds, name));
  const opening = { ...options, name, module: { ...module, file: absolute(module.file) } };
  const world = await withLock(join(worlds, `.${name}.lock`), locking(name), () => startOrAdopt(places, opening));
  try {
    for (const fault of options.faults ?? []) await world.fault(typeof fault === "string" ? parseFault(fault) : fault);
    return world;
  } catch (error) {
    await world.close();
    throw error;
  }
}

/** Longer than a host takes to start on a slow machine. */
function locking(name: string): LockOptions {
  return {
    patience: 45_000,
    refuse: (holder, file) =>
      new EvoError("world.locked", `${holder} has been starting world ${name} for 45 s.`, {
        exit: EXIT.locked,
        remedy: `If it is surely gone, delete ${file}.`,
      }),
  };
}

type Opening = OpenWorld & { readonly name: string; readonly module: WorldModule };

function nameOf(file: string): string {
  return `${basename(file, extname(file))}-${sha256(absolute(file)).slice(0, 6)}`;
}

async function startOrAdopt(places: Places, options: Opening): Promise<World> {
  if (options.fresh) await forget(places);
  if (options.from !== undefined && !existsSync(places.settings)) beginAs(placesOf(absolute(options.from)), places);
  mkdirSync(places.dir, { recursive: true, mode: 0o700 });
  const settings = settle(places, options);
  const adopted = await adopt(places, settings);
  const held = adopted ?? (await start(places, settings));
  const { seed, pace, standIns } = held.state;
  bringOutside(places, standIns.stacks ?? {});
  const how = adopted ? "adopted" : "started";
  options.say?.(`world ${options.name}: ${how}, seed ${seed}${pace === 1 ? "" : `, pace ${pace}`}, in ${places.dir}`);
  return worldOf(options.name, places, settings, held);
}

/** Its log and its chances are its own: what was made there has long arrived, here too. */
function beginAs(from: Places, places: Places): void {
  const { seed: _, ...settings } = readJson<Settings>(from.settings) ?? notABeginning(from, "has no world");
  if (existsSync(from.host)) notABeginning(from, "is in use");
  const addresses = Object.values(readJson<Fixed>(from.fixed)?.ports ?? {}).map((port) => `http://127.0.0.1:${port}`);
  const cloud = existsSync(from.cloud) ? readFileSync(from.cloud, "utf8") : "";
  if (addresses.some((address) => cloud.includes(address))) notABeginning(from, "has resources with its own addresses");
  cpSync(from.dir, places.dir, { recursive: true });
  for (const own of [places.fixed, places.log, places.hostLog]) rmSync(own, { force: true });
  writeJson(places.settings, settings);
}

function notABeginning({ dir }: Places, why: string): never {
  throw new EvoError("world.not-a-beginning", `No world can begin as the one in ${dir}: it ${why}.`, {
    remedy: "Name the folder of a world that nobody holds and whose gateways are not made yet.",
  });
}

interface Held {
  readonly client: Client;
  readonly state: HostState;
}

/** The settings that a host is to have: those of the last one, but for what is asked for now. */
function settle(places: Places, options: Opening): Settings {
  const before = readJson<Settings>(places.settings);
  const fixed = readJson<Fixed>(places.fixed);
  if (fixed !== undefined && options.seed !== undefined && options.seed !== fixed.seed) {
    throw new EvoError(
      "world.other-seed",
      `World ${options.name} began with seed ${fixed.seed}, not ${options.seed}.`,
      {
        remedy: "Start it anew with --fresh, or leave the seed out.",
      },
    );
  }
  const seed = options.seed ?? before?.seed;
  const settings: Settings = {
    name: options.name,
    module: options.module,
    declaration: sha256(readModule(options.module.file)),
    ...(seed === undefined ? {} : { seed }),
    pace: options.pace ?? before?.pace ?? 1,
    packages: [...new Set([...(before?.packages ?? []), ...(options.packages ?? [])])].sort(),
    linger: options.linger ?? 10_000,
    passphrase: before?.passphrase ?? randomBytes(16).toString("hex"),
    key: before?.key ?? randomBytes(32).toString("hex"),
  };
  writeJson(places.settings, settings);
  return settings;
}

function readModule(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new EvoError("world.missing", `There is no world at ${file}.`, {
      at: { file },
      remedy: "Correct `world` in the sequence: the path is relative to the sequence file.",
      cause,
    });
  }
}

/** The living host, if there is one and it serves what is asked for. One that doesn't, and is nobody's, is ended. */
async function adopt(places: Places, settings: Settings): Promise<Held | undefined> {
  const state = readJson<HostState>(places.host);
  const client = state && (await connectTo(state));
  if (state === undefined || client === undefined) return undefined;
  const same = state.declaration === settings.declaration && state.pace === settings.pace;
  if (same && settings.packages.every((name) => name in state.providers)) return { client, state };
  await endOrRefuse(client, settings.name, "with another declaration, pace or packages");
  return undefined;
}

async function endOrRefuse(client: Client, name: string, how: string): Promise<void> {
  const { others, engines } = await client.ask({ op: "flush" });
  await client.close();
  if (others === 0 && engines === 0) return;
  throw new EvoError(
    "world.in-use",
    `World ${name} is in use ${how}: ${others} other commands, ${engines} engine connections.`,
    {
      exit: EXIT.locked,
      remedy: "Wait until they have ended, then repeat the command.",
    },
  );
}

async function forget(places: Places): Promise<void> {
  const state = readJson<HostState>(places.host);
  const client = state && (await connectTo(state));
  if (client) await endOrRefuse(client, readJson<Settings>(places.settings)!.name, "and can't start anew");
  rmSync(places.dir, { recursive: true, force: true });
}

async function start(places: Places, settings: Settings): Promise<Held> {
  for (const dir of [places.backend, places.pulumiHome, places.home]) mkdirSync(dir, { recursive: true, mode: 0o700 });
  rmSync(places.host, { force: true });
  const message = await launch(places);
  if (!message.ready) {
    const { code, remedy } = message;
    throw new EvoError(code, message.message, remedy === undefined ? {} : { remedy });
  }
  const state = readJson<HostState>(places.host)!;
  const client = await connectTo(state);
  if (client) return { client, state };
  throw new EvoError("world.failed", `World ${settings.name} ended as soon as it had started.`, {
    source: "evo",
    remedy: `See ${places.hostLog}.`,
  });
}

/** Starts the host in a session of its own: it outlives this process, and its terminal's Ctrl-C doesn't reach it. */
function launch(places: Places): Promise<HostMessage> {
  const output = openSync(places.hostLog, "a", 0o600);
  const child = spawn(process.execPath, [packageFile("dist", "world", "host.js"), places.dir], {
    cwd: places.dir,
    detached: true,
    env: rehearsalEnvironment(process.env),
    stdio: ["ignore", output, output, "ipc"],
  });
  closeSync(output);
  return new Promise((resolve) => {
    const failed = (why: string) => resolve({ ready: false, code: "world.failed", message: why });
    child.once("error", (error) => failed(`The world's process could not be started: ${error.message}`));
    child.once("exit", (code) => failed(`The world's process ended with ${code}; see ${places.hostLog}.`));
    child.once("message", (message) => {
      child.unref();
      resolve(message as HostMessage);
    });
  });
}

function worldOf(name: string, places: Places, settings: Settings, { client, state }: Held): World {
  return {
    name,
    dir: places.dir,
    seed: state.seed,
    env: { ...state.standIns.env, ...environmentOf(places, settings, state) },
    regions: Object.keys(state.origins),
    origin: (region) => originOf(state, region),
    traffic: { targets: state.origins, ...state.traffic },
    standIns: state.standIns,
    has: (project, stack) =>
      stack === undefined
        ? stackFiles(places.backend, project).length > 0
        : existsSync(stackFile(places.backend, project, stack)),
    log: async () => {
      await client.ask({ op: "flush" });
      return readLines(places.log) as unknown as readonly WorldEntry[];
    },
    fault: async (fault) => void (await client.ask({ op: "fault", fault })),
    lift: async () => void (await client.ask({ op: "lift" })),
    change: async (change) => void (await client.ask({ op: "change", change })),
    close: () => client.close(),
  };
}

function originOf(state: HostState, region: string): string {
  const origin = state.origins[region];
  if (origin !== undefined) return origin;
  throw new EvoError("world.region", `The world has no region "${region}".`, {
    remedy: `Name one of: ${Object.keys(state.origins).join(", ")}.`,
  });
}

/**
 * A backend and a PULUMI_HOME of its own (invariant 13). Stacks keep the names that the sequence gives them: in a
 * backend that no other world or production shares, `prod` is this world's own stack.
 */
function environmentOf(places: Places, settings: Settings, state: HostState): Record<string, string> {
  const attached = Object.entries(state.providers).map(([pkg, port]) => `${pkg}:${port}`);
  return {
    HOME: places.home,
    // For evo's language host: programs may name any organization in their stack references.
    EVO_ONE_ORGANIZATION: "true",
    PULUMI_HOME: places.pulumiHome,
    PULUMI_BACKEND_URL: pathToFileURL(places.backend).href,
    PULUMI_CONFIG_PASSPHRASE: settings.passphrase,
    PULUMI_DEBUG_PROVIDERS: attached.join(","),
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_NODEJS_TRANSPILE_ONLY: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // By itself the SDK's ts-node keeps what it has transpiled below TMPDIR, by HOME: nobody would take a world's away.
    TS_NODE_CACHE_DIRECTORY: join(places.cache, "programs"),
  };
}
