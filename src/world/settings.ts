/** The files of a world's folder, and what its host process and its clients tell each other through them. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StandIns, UsersTraffic } from "./model.js";

export interface Places {
  readonly dir: string;
  /** What the host is started with. */
  readonly settings: string;
  /** What never changes while the world lives: its seed and its addresses. */
  readonly fixed: string;
  /** There while a host lives: how to reach it. */
  readonly host: string;
  readonly hostLog: string;
  readonly cloud: string;
  readonly log: string;
  readonly backend: string;
  readonly pulumiHome: string;
  /** Which stacks of the backend stand in for those outside. */
  readonly outside: string;
  /** Stands in for the user's home directory. */
  readonly home: string;
  readonly cache: string;
}

/** Where a world keeps what. */
export function placesOf(dir: string): Places {
  const at = (name: string) => join(dir, name);
  return {
    dir,
    settings: at("settings.json"),
    fixed: at("fixed.json"),
    host: at("host.json"),
    hostLog: at("host.log"),
    cloud: at("cloud.ndjson"),
    log: at("log.ndjson"),
    backend: at("backend"),
    pulumiHome: at("pulumi"),
    outside: at("outside.json"),
    home: at("home"),
    cache: at("cache"),
  };
}

/** The module that declares a world. `export` defaults to `default`. */
export interface WorldModule {
  readonly file: string;
  readonly export?: string;
}

export interface Settings {
  readonly name: string;
  readonly module: WorldModule;
  /** sha256 of the module's text: a host serves one declaration. */
  readonly declaration: string;
  readonly seed?: number;
  readonly pace: number;
  /** Served by the simulated provider, besides those of the declaration. */
  readonly packages: readonly string[];
  /** Milliseconds that the host waits for a client or an engine before it ends. */
  readonly linger: number;
  /** For the world's own state files and secrets; worth nothing outside of this folder. */
  readonly passphrase: string;
  readonly key: string;
}

export interface Fixed {
  readonly seed: number;
  readonly ports: { readonly [region: string]: number };
}

/** How to reach a living host. */
export interface HostState {
  readonly pid: number;
  readonly started: number;
  readonly declaration: string;
  readonly seed: number;
  readonly pace: number;
  readonly control: number;
  /** Only who can read this file may hold the world or change it. */
  readonly token: string;
  readonly providers: { readonly [pkg: string]: number };
  readonly origins: { readonly [region: string]: string };
  readonly traffic: Required<UsersTraffic>;
  readonly standIns: StandIns;
}

/** A file's JSON; undefined where there is none. */
export function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes JSON so that a reader sees the old or the new file, never a part. Readable by its owner only. */
export function writeJson(file: string, value: unknown): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}
