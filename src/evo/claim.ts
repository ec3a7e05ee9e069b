/**
 * Who acts, as they say. One short text, because people read it in every list: `name@place`. All of it is claimed and
 * nothing is checked here, a token's claims neither: what was authenticated is the database role, which stands beside it.
 */
import { execFileSync } from "node:child_process";
import { hostname, userInfo } from "node:os";

type Environment = { readonly [name: string]: string | undefined };

/** Milliseconds: git answers from two files. */
const PATIENCE = 2_000;

/**
 * `EVO_ACTOR`; else who started the job, where it is one of a CI system that evo knows; else git's `user.email` in the
 * folder; else `user@host`. With `EVO_OIDC_TOKEN` what that token says of itself is added.
 */
export function claimedActor(env: Environment, cwd: string): string {
  const name = given(env.EVO_ACTOR) ?? ciActor(env) ?? gitEmail(cwd) ?? `${userName()}@${hostname()}`;
  const subject = given(env.EVO_OIDC_TOKEN) === undefined ? undefined : subjectOf(env.EVO_OIDC_TOKEN ?? "");
  return subject === undefined ? name : `${name}, oidc ${subject}`;
}

/** `octocat@github:acme/infra#1234`: who, where, in which run, job or deployment. Undefined outside of CI. */
export function ciActor(env: Environment): string | undefined {
  if (env.GITHUB_ACTIONS === "true")
    return placed(env.GITHUB_ACTOR, "github", [env.GITHUB_REPOSITORY], env.GITHUB_RUN_ID);
  if (env.GITLAB_CI === "true") return placed(env.GITLAB_USER_LOGIN, "gitlab", [env.CI_PROJECT_PATH], env.CI_JOB_ID);
  if (env.PULUMI_CI_SYSTEM !== "Pulumi Deployments") return undefined;
  const stack = [env.PULUMI_CI_ORGANIZATION, env.PULUMI_CI_PROJECT, env.PULUMI_CI_STACK];
  return placed("deployment", "pulumi", stack, env.PULUMI_CI_BUILD_ID);
}

function placed(
  who: string | undefined,
  system: string,
  where: readonly (string | undefined)[],
  which: string | undefined,
): string {
  const path = where.filter((part) => given(part) !== undefined).join("/");
  return `${given(who) ?? "somebody"}@${system}${path === "" ? "" : `:${path}`}${given(which) === undefined ? "" : `#${which}`}`;
}

/** `sub` and the host of `iss` in a JWT (RFC 7519), as it says: its signature is not looked at. */
export function subjectOf(token: string): string | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    const { sub, iss } = payload as { readonly sub?: unknown; readonly iss?: unknown };
    if (typeof sub !== "string") return undefined;
    return typeof iss === "string" ? `${sub} by ${new URL(iss).host}` : sub;
  } catch {
    return undefined;
  }
}

function gitEmail(cwd: string): string | undefined {
  try {
    const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
    const options = { cwd, encoding: "utf8", timeout: PATIENCE, stdio } as const;
    return given(execFileSync("git", ["config", "--get", "user.email"], options).trim());
  } catch {
    return undefined;
  }
}

/** A container may run as a user that its system has no entry for. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}

function given(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
