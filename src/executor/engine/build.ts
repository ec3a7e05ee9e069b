/** Builds the engine from the pinned Go module in `engine-build`, for machines that reach a Go module proxy and no more. */
import { execFile, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { packageFile } from "../../package-root.js";
import { compareVersions } from "../language-host/choose.js";
import { onPath } from "../language-host/locate.js";
import type { Prepared } from "./prepare.js";
import { every } from "./progress.js";

const PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
const VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";
/** The npm package ships the module's files as sources. */
const MODULE = ["src", "executor", "engine-build"] as const;
const FILES = ["go.mod", "go.sum", "tools.go"] as const;
/** Milliseconds between two words about a build that goes on. */
const HEARTBEAT = 10_000;

export type Go =
  | { readonly ok: true; readonly path: string; readonly version: string }
  | { readonly ok: false; readonly reason: string };

/** The `go` on the PATH, if it is new enough for the pinned module; it must not fetch another toolchain. */
export async function findGo(path: string, env: NodeJS.ProcessEnv): Promise<Go> {
  const go = await onPath("go", path);
  if (go === undefined) return { ok: false, reason: "there is no go on the PATH" };
  const answer = await promisify(execFile)(go, ["env", "GOVERSION"], { env: goEnvironment(env) }).catch(
    () => undefined,
  );
  const version = /^go(\d+\.\d+(?:\.\d+)?)/.exec(answer?.stdout ?? "")?.[1];
  if (version === undefined) return { ok: false, reason: `${go} doesn't tell its version` };
  const wanted = /^go (\S+)/m.exec(readFileSync(packageFile(...MODULE, "go.mod"), "utf8"))?.[1] ?? "0";
  if (compareVersions(full(version), full(wanted)) >= 0) return { ok: true, path: go, version };
  return { ok: false, reason: `${go} is ${version}, and ${wanted} or newer is needed` };
}

function full(version: string): string {
  return version.split(".").length === 2 ? `${version}.0` : version;
}

/** Builds `<directory>/pulumi`; takes minutes, said every ten seconds. Never throws: what went wrong is the reason. */
export async function buildEngine(
  directory: string,
  version: string,
  go: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<Prepared> {
  const sources = join(directory, "module");
  mkdirSync(sources, { recursive: true });
  for (const file of FILES) copyFileSync(packageFile(...MODULE, file), join(sources, file));
  try {
    return await compile(sources, join(directory, "pulumi"), version, go, env, say);
  } finally {
    rmSync(sources, { recursive: true, force: true });
  }
}

function compile(
  cwd: string,
  output: string,
  version: string,
  go: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<Prepared> {
  const flags = `-s -w -X ${VERSION_VARIABLE}=v${version}`;
  const args = ["build", "-v", "-trimpath", "-ldflags", flags, "-o", output, PACKAGE];
  const child = spawn(go, args, { cwd, env: goEnvironment(env), stdio: ["ignore", "ignore", "pipe"] });
  const log = follow(child.stderr);
  const done = every(HEARTBEAT, (seconds) => say(`engine: building ${version}: ${seconds} s, ${log.now()}`));
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  return new Promise((resolve) => {
    const settle = (result: Prepared) => {
      done();
      process.removeListener("exit", end);
      resolve(result);
    };
    child.once("error", (error) => settle({ ok: false, reason: error.message }));
    child.once("close", (code) => settle(code === 0 ? { ok: true } : { ok: false, reason: log.last() }));
  });
}

/** What go says on stderr, summed up: modules downloaded, packages compiled, the last line that is neither. */
function follow(stream: NodeJS.ReadableStream): { now(): string; last(): string } {
  let downloaded = 0;
  let compiled = 0;
  let last = "go build failed";
  createInterface({ input: stream }).on("line", (line) => {
    if (line.startsWith("go: downloading ")) downloaded++;
    else if (/^[\w./~-]+$/.test(line)) compiled++;
    else if (line.trim() !== "") last = line.trim();
  });
  return {
    now: () => `${downloaded} modules downloaded, ${compiled} packages compiled`,
    last: () => last,
  };
}

/** Nothing of the user's Go set-up may change what is built, and no other toolchain is fetched. */
function goEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, GOTOOLCHAIN: "local", GOWORK: "off", GOFLAGS: "-mod=readonly -buildvcs=false" };
}
