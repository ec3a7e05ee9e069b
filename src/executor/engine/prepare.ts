/** evo's own copy of the engine in `<home>/engines/<version>`: looked up, installed or built, once for all processes. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "../../process-lock.js";
import { buildEngine, findGo } from "./build.js";
import { officialInstall } from "./official.js";
import { engineVersion, OWN_ENGINE } from "./version.js";

export type Prepared = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export interface PrepareSettings {
  /** evo's home directory. */
  readonly home: string;
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
  say(line: string): void;
}

export interface Copy {
  readonly path: string;
  readonly how: "cached" | "installed" | "built";
}

/** The executable in evo's own directory, if it is there: as the official archive lays it, or as a build does. */
export function cachedEngine(home: string): string | undefined {
  const directory = join(home, "engines", OWN_ENGINE);
  return [join(directory, "bin", "pulumi"), join(directory, "pulumi")].find((file) => existsSync(file));
}

/**
 * Installs or builds the engine, or waits for another process that does. Drafts are made beside the final place and
 * renamed, so that a half-made engine is never seen. Undefined if no way led there; each reason has been said.
 */
export async function prepareEngine(settings: PrepareSettings): Promise<Copy | undefined> {
  const engines = join(settings.home, "engines");
  const waiting = (holder: string) => settings.say(`engine: ${holder} is preparing it; waiting`);
  return withLock(join(engines, `${OWN_ENGINE}.lock`), { waiting }, async () => {
    const cached = cachedEngine(settings.home);
    if (cached !== undefined) return { path: cached, how: "cached" };
    for (const name of readdirSync(engines)) // of processes that died: nobody else works under this lock
      if (name.startsWith(".draft-")) rmSync(join(engines, name), { recursive: true, force: true });
    return (await attempt("installed", settings, install)) ?? (await attempt("built", settings, build));
  });
}

type Way = (draft: string, settings: PrepareSettings) => Promise<Prepared>;

async function attempt(how: "installed" | "built", settings: PrepareSettings, way: Way): Promise<Copy | undefined> {
  const draft = join(settings.home, "engines", `.draft-${process.pid}`);
  mkdirSync(draft, { recursive: true });
  try {
    const made = await way(draft, settings);
    const sound = made.ok ? await checked(draft, settings.env) : made;
    if (!sound.ok) {
      settings.say(`engine: ${how === "built" ? "build from the Go module" : "official install"}: no, ${sound.reason}`);
      return undefined;
    }
    renameSync(draft, join(settings.home, "engines", OWN_ENGINE));
    return { path: cachedEngine(settings.home) as string, how };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function install(draft: string, settings: PrepareSettings): Promise<Prepared> {
  settings.say(`engine: official install of ${OWN_ENGINE}`);
  return officialInstall(draft, OWN_ENGINE, settings.env, settings.say);
}

async function build(draft: string, settings: PrepareSettings): Promise<Prepared> {
  const go = await findGo(settings.path, settings.env);
  if (!go.ok) return go;
  settings.say(`engine: building ${OWN_ENGINE} with go ${go.version}; once, about 3 minutes`);
  return buildEngine(draft, OWN_ENGINE, go.path, settings.env, settings.say);
}

async function checked(draft: string, env: NodeJS.ProcessEnv): Promise<Prepared> {
  const file = [join(draft, "bin", "pulumi"), join(draft, "pulumi")].find((name) => existsSync(name));
  if (file === undefined) return { ok: false, reason: "no executable came out" };
  const answer = await engineVersion(file, env);
  if (!answer.ok) return { ok: false, reason: answer.reason };
  return answer.version === OWN_ENGINE ? { ok: true } : { ok: false, reason: `it is version ${answer.version}` };
}
