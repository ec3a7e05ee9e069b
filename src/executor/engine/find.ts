/** Engine discovery: which Pulumi CLI evo drives. Each place that is looked at is said in one line. */
import { resolve } from "node:path";
import { EvoError } from "../../errors.js";
import { compareVersions } from "../language-host/choose.js";
import { onPath } from "../language-host/locate.js";
import { cachedEngine, type PrepareSettings, prepareEngine } from "./prepare.js";
import { engineVersion, MIN_ENGINE, OWN_ENGINE } from "./version.js";

export interface EngineSettings extends PrepareSettings {
  /** `--engine` or `EVO_PULUMI`: a path, or a name to be found on the PATH. */
  readonly explicit?: string | undefined;
  /** Whether an engine may be installed or built where none is found. */
  readonly install: boolean;
}

export interface Engine {
  /** Absolute. */
  readonly path: string;
  /** Without a leading `v`. */
  readonly version: string;
  readonly how: "explicit" | "path" | "cached" | "installed" | "built";
}

/**
 * The first engine that serves, in this order: the one that was named; `pulumi` on the PATH, if it is new enough; evo's
 * own copy; the official install; a build from the pinned Go module.
 * Errors: `engine.unusable` (the named one doesn't serve), `engine.missing` (none, and no way to get one).
 */
export async function findEngine(settings: EngineSettings): Promise<Engine> {
  if (settings.explicit !== undefined && settings.explicit !== "") return explicitEngine(settings, settings.explicit);
  const found = (await engineOnPath(settings)) ?? (await ownEngine(settings));
  if (found === undefined) throw missing();
  settings.say(`engine: ${found.path}, version ${found.version} (${found.how})`);
  return found;
}

async function explicitEngine(settings: EngineSettings, named: string): Promise<Engine> {
  const path = named.includes("/") ? resolve(named) : ((await onPath(named, settings.path)) ?? named);
  const answer = await engineVersion(path, settings.env);
  if (!answer.ok) throw unusable(path, answer.reason);
  if (compareVersions(answer.version, MIN_ENGINE) < 0) throw unusable(path, tooOld(answer.version));
  settings.say(`engine: ${path}, version ${answer.version} (as named by --engine or EVO_PULUMI)`);
  return { path, version: answer.version, how: "explicit" };
}

async function engineOnPath(settings: EngineSettings): Promise<Engine | undefined> {
  const path = await onPath("pulumi", settings.path);
  if (path === undefined) return nothing(settings, "pulumi on the PATH: none");
  const answer = await engineVersion(path, settings.env);
  if (!answer.ok) return nothing(settings, `pulumi on the PATH: ${path} doesn't serve, ${answer.reason}`);
  if (compareVersions(answer.version, MIN_ENGINE) < 0)
    return nothing(settings, `pulumi on the PATH: ${path}: ${tooOld(answer.version)}`);
  return { path: resolve(path), version: answer.version, how: "path" };
}

async function ownEngine(settings: EngineSettings): Promise<Engine | undefined> {
  const cached = cachedEngine(settings.home);
  if (cached !== undefined) return { path: cached, version: OWN_ENGINE, how: "cached" };
  settings.say(`engine: evo's own copy: none in ${settings.home}/engines`);
  if (!settings.install) return undefined;
  const prepared = await prepareEngine(settings);
  return prepared === undefined ? undefined : { ...prepared, version: OWN_ENGINE };
}

function nothing(settings: EngineSettings, line: string): undefined {
  settings.say(`engine: ${line}`);
}

function tooOld(version: string): string {
  return `version ${version} is older than ${MIN_ENGINE}`;
}

function unusable(path: string, reason: string): EvoError {
  return new EvoError("engine.unusable", `the engine ${path} doesn't serve: ${reason}`, {
    remedy: `name a Pulumi CLI of version ${MIN_ENGINE} or newer with --engine or EVO_PULUMI, or none to let evo find one`,
  });
}

function missing(): EvoError {
  return new EvoError("engine.missing", `there is no Pulumi CLI of version ${MIN_ENGINE} or newer`, {
    remedy:
      "install it (https://www.pulumi.com/docs/install) or Go 1.24 or newer, or name one with --engine or EVO_PULUMI",
  });
}
