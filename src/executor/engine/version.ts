/** Versions of the engine (the Pulumi CLI): which evo needs, which it brings, and which a given executable is. */
import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";

/** The oldest CLI that evo drives: the one that its engine tests run on. */
export const MIN_ENGINE = "3.200.0";

/** The CLI that evo installs or builds itself. The pinned Go module in `engine-build` names the same one. */
export const OWN_ENGINE = "3.200.0";

/** Milliseconds that `pulumi version` may take: long, since the machine may have fifty others to start at the same time. */
const PATIENCE = 120_000;

export type VersionAnswer =
  | { readonly ok: true; readonly version: string }
  | { readonly ok: false; readonly reason: string };

/** What executables have answered this process, by all that tells one file from another. */
const answered = new Map<string, VersionAnswer>();

/** Asks an executable for its version, once while it stays the same file; a leading `v` is taken off. */
export async function engineVersion(path: string, env: NodeJS.ProcessEnv): Promise<VersionAnswer> {
  const file = await stat(path).catch(() => undefined);
  const key = `${path} ${file?.dev} ${file?.ino} ${file?.size} ${file?.mtimeMs}`;
  const answer = answered.get(key) ?? (await askVersion(path, env));
  if (answer.ok) answered.set(key, answer);
  return answer;
}

async function askVersion(path: string, env: NodeJS.ProcessEnv): Promise<VersionAnswer> {
  try {
    const { stdout } = await promisify(execFile)(path, ["version"], {
      env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
      timeout: PATIENCE,
    });
    const version = /^v?(\d+\.\d+\.\d+\S*)\s*$/.exec(stdout)?.[1];
    return version === undefined
      ? { ok: false, reason: "it answers `version` with no version" }
      : { ok: true, version };
  } catch (error) {
    return { ok: false, reason: reasonOf(error as NodeJS.ErrnoException & { killed?: boolean }) };
  }
}

function reasonOf(error: NodeJS.ErrnoException & { killed?: boolean }): string {
  if (error.code === "ENOENT") return "there is no such file";
  if (error.code === "EACCES") return "it is not executable";
  if (error.killed === true) return `it did not answer \`version\` within ${PATIENCE / 1000} s`;
  return `\`version\` failed (${error.code ?? "unknown"})`;
}
