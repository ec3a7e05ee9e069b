/**
 * The process that is a world: simulated providers, the regions' addresses, and the control socket of its clients.
 * Started detached by `openWorld` with the world's folder as its argument; it says "ready" or what is wrong, once.
 */
import { randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { EvoError } from "../errors.js";
import { packageFile } from "../package-root.js";
import { makeChange } from "./change.js";
import { type Cloud, openCloud } from "./cloud.js";
import { serveControl } from "./control.js";
import { regionServer } from "./edges.js";
import { checkFault } from "./fault.js";
import type { Command } from "./lines.js";
import { openLog, type WorldLog } from "./log.js";
import type { WorldDefinition } from "./model.js";
import { type Chances, edgesOf, viewOf } from "./propagation.js";
import { type ProviderServer, serveProvider } from "./provider.js";
import { type Fixed, type HostState, type Places, placesOf, readJson, type Settings, writeJson } from "./settings.js";

/** How often the tally of requests goes into the log. */
const FLUSH = 1_000;

/** What the parent is told through the IPC channel. */
export type HostMessage =
  | { readonly ready: true }
  | { readonly ready: false; readonly code: string; readonly message: string; readonly remedy?: string };

// Required: an import would look through the whole of it for what it exports.
const { createJiti } = createRequire(import.meta.url)("jiti") as typeof import("jiti");

async function loadDefinition(settings: Settings, places: Places): Promise<WorldDefinition> {
  const jiti = createJiti(pathToFileURL(packageFile("/")).href, {
    alias: { evo: packageFile("dist", "index.js") },
    fsCache: places.cache,
  });
  const loaded = await jiti.import<{ [name: string]: WorldDefinition | undefined }>(settings.module.file);
  const definition = loaded[settings.module.export ?? "default"];
  if (typeof definition?.endpoint === "function") return definition;
  throw new EvoError("world.missing", `${settings.module.file} exports no world.`, {
    remedy: "Let its default export be defineWorld({...}).",
  });
}

/** The regions' servers, on the ports of the first start: resources carry these addresses. */
async function serveRegions(chances: Chances, cloud: Cloud, fixed: Fixed | undefined, log: WorldLog) {
  const now = Date.now;
  const ports: { [region: string]: number } = {};
  const flushes: (() => void)[] = [];
  for (const region of Object.keys(chances.definition.regions)) {
    const { server, flush } = regionServer({
      seed: chances.seed,
      region,
      edges: edgesOf(chances.definition, region),
      view: (edge) => viewOf(cloud.faults, cloud.versions, region, edge, now()),
      answer: chances.definition.endpoint,
      log,
      now,
    });
    ports[region] = await listen(server, fixed?.ports[region]);
    flushes.push(flush);
  }
  return {
    ports,
    flush: () => {
      for (const flush of flushes) flush();
    },
  };
}

/** Below the ports that systems give to outgoing connections, so that a world finds its own free again. */
const FIRST_PORT = 20_000;
const PORTS = 12_000;

async function listen(server: Server, wanted: number | undefined): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = wanted ?? FIRST_PORT + (randomBytes(4).readUInt32BE() % PORTS);
    if (await listens(server, port)) return port;
    if (wanted !== undefined) break;
  }
  throw new EvoError("world.port-taken", `Port ${wanted ?? "(any)"}, an address of this world, is taken.`, {
    remedy: "End the program that listens there, or start the world anew with --fresh.",
  });
}

function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(false) : reject(error));
    server.once("error", failed);
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
}

async function serveProviders(
  chances: Chances,
  cloud: Cloud,
  origins: HostState["origins"],
  log: WorldLog,
  changed: () => void,
) {
  const servers: { [pkg: string]: ProviderServer } = {};
  const origin = (region: string) => origins[region];
  for (const pkg of chances.definition.packages) {
    const { seed, definition } = chances;
    const { standIns } = definition;
    servers[pkg] = await serveProvider({ cloud, seed, log, now: Date.now, origin, standIns }, changed);
  }
  return servers;
}

async function run(dir: string): Promise<void> {
  const places = placesOf(dir);
  const settings = readJson<Settings>(places.settings)!;
  const declared = await loadDefinition(settings, places);
  const packages = [...new Set([...declared.packages, ...settings.packages])];
  const definition: WorldDefinition = { ...declared, packages };
  const before = readJson<Fixed>(places.fixed);
  const chances = { definition, seed: before?.seed ?? settings.seed ?? definition.seed, pace: settings.pace };
  const cloud = openWorldCloud(places, settings, chances);
  const log = openLog(places.log);
  const { ports, flush } = await serveRegions(chances, cloud, before, log);
  writeJson(places.fixed, { seed: chances.seed, ports } satisfies Fixed);
  const origins = Object.fromEntries(
    Object.entries(ports).map(([region, port]) => [region, `http://127.0.0.1:${port}`]),
  );
  const control = { look: () => {} };
  const providers = await serveProviders(chances, cloud, origins, log, () => control.look());
  const end = (reason: string) => {
    flush();
    log({ at: Date.now(), type: "world.ended", reason });
    rmSync(places.host, { force: true });
    process.exit(0);
  };
  const token = randomBytes(16).toString("hex");
  const { port, look } = await serveControl({
    token,
    linger: settings.linger,
    engines: () => Object.values(providers).reduce((sum, server) => sum + server.connections(), 0),
    perform: (command) => perform(command, definition, cloud, log, flush),
    end,
  });
  control.look = look;
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => end(signal));
  setInterval(flush, FLUSH).unref();
  const { declaration } = settings;
  log({ at: Date.now(), type: "world.started", seed: chances.seed, pace: chances.pace, declaration });
  writeJson(places.host, {
    pid: process.pid,
    started: Date.now(),
    declaration,
    seed: chances.seed,
    pace: chances.pace,
    control: port,
    token,
    providers: Object.fromEntries(Object.entries(providers).map(([pkg, server]) => [pkg, server.port])),
    origins,
    traffic: definition.traffic,
    standIns: definition.standIns,
  } satisfies HostState);
}

function openWorldCloud(places: Places, settings: Settings, chances: Chances): Cloud {
  const young = !existsSync(places.cloud);
  const cloud = openCloud(places.cloud, Buffer.from(settings.key, "hex"), chances);
  if (young) for (const fault of chances.definition.faults) cloud.fault({ from: 0, ...fault, began: 0 });
  return cloud;
}

function perform(
  command: Command & { readonly op: "fault" | "lift" | "change" | "flush" },
  definition: WorldDefinition,
  cloud: Cloud,
  log: WorldLog,
  flush: () => void,
): void {
  const at = Date.now();
  if (command.op === "flush") {
    flush();
    return;
  }
  if (command.op === "lift") {
    cloud.lift(at);
    log({ at, type: "faults.lifted" });
    return;
  }
  if (command.op === "change") {
    const { urn, number, due, properties } = makeChange(cloud, command.change, at);
    log({ at, type: "console.changed", urn, op: properties === undefined ? "delete" : "update" });
    log({ at, type: "change.taken", urn, number, due: Object.fromEntries(due) });
    return;
  }
  const fault = checkFault(definition, command.fault);
  cloud.fault({ from: at, ...fault, began: at });
  log({ at, type: "fault.began", fault });
}

function tell(message: HostMessage): void {
  process.send?.(message, () => process.disconnect?.());
}

function explained(error: unknown): HostMessage {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof EvoError)) return { ready: false, code: "world.failed", message };
  return { ready: false, code: error.code, message, ...(error.remedy === undefined ? {} : { remedy: error.remedy }) };
}

run(process.argv[2]!).then(
  () => tell({ ready: true }),
  (error: unknown) => {
    console.error(error);
    process.send?.(explained(error), () => process.exit(1));
  },
);
