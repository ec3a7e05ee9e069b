/** Which language host serves a program: evo's own, or the one that belongs to the engine. */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { EvoError } from "../../errors.js";

/** Versions of `@pulumi/pulumi` that evo's own host was tried with: from, inclusive; below, exclusive. */
export const TESTED_SDK = { from: "3.100.0", below: "3.249.0" } as const;

export interface HostQuestion {
  /** Absolute folder of the program (`main` taken into account). */
  readonly programDir: string;
  /** `runtime` of the project, e.g. `nodejs`, `python`. */
  readonly runtime: string;
  /** What the step asks for. */
  readonly host?: "own" | "engine" | undefined;
  /** Absolute path of the engine. */
  readonly engine: string;
  /** The PATH that the engine will see, without evo's own directory. */
  readonly path: string;
}

export interface HostChoice {
  readonly host: "own" | "engine";
  /** One sentence for people. */
  readonly reason: string;
}

/** Errors: `engine.language-host` where the engine's own host is needed and isn't installed. */
export function languageHostFor(question: HostQuestion): HostChoice {
  const choice = choose(question);
  if (choice.host === "engine") demandEngineHost(question, choice.reason);
  return choice;
}

function choose({ programDir, runtime, host }: HostQuestion): HostChoice {
  if (runtime !== "nodejs") return { host: "engine", reason: `the program's runtime is ${runtime}` };
  if (host === "engine") return { host: "engine", reason: "the step asks for the engine's own host" };
  const version = sdkVersion(programDir);
  if (version === undefined) return { host: "own", reason: "the program has no @pulumi/pulumi installed" };
  const range = `${TESTED_SDK.from} up to, not including, ${TESTED_SDK.below}`;
  if (isTested(version)) return { host: "own", reason: `@pulumi/pulumi ${version} is in the tested range, ${range}` };
  return { host: "engine", reason: `@pulumi/pulumi ${version} is outside the tested range, ${range}` };
}

/** The version of the SDK that a program in this folder would load; undefined if none is installed. */
export function sdkVersion(programDir: string): string | undefined {
  return installedVersion("@pulumi/pulumi", programDir);
}

/** The version of a package in the nearest `node_modules` at or above a folder; undefined if it is in none. */
export function installedVersion(name: string, directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    const file = join(at, "node_modules", name, "package.json");
    if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")).version;
    if (dirname(at) === at) return undefined;
  }
}

/** Pre-releases count as their release. */
export function isTested(version: string): boolean {
  return compareVersions(version, TESTED_SDK.from) >= 0 && compareVersions(version, TESTED_SDK.below) < 0;
}

/** Negative, zero or positive, by major, minor and patch number; a leading `v` and what follows the numbers are ignored. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  const at = [0, 1, 2].find((index) => left[index] !== right[index]);
  return at === undefined ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}

function numbers(version: string): number[] {
  return (/^v?(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
}

function demandEngineHost({ engine, runtime, path }: HostQuestion, reason: string): void {
  const name = `pulumi-language-${runtime}`;
  const places = [dirname(realpathSync(engine)), ...path.split(delimiter)];
  if (places.some((place) => place !== "" && existsSync(join(place, name)))) return;
  throw new EvoError("engine.language-host", `${reason}, so ${name} is needed, and this engine has none (${engine})`, {
    remedy:
      "install the whole Pulumi CLI (https://www.pulumi.com/docs/install) and pass it with --engine or EVO_PULUMI",
  });
}
