/** Everything that evo takes from its surroundings, read once: nothing deeper inside looks at the environment. */
import { homedir, hostname, userInfo } from "node:os";
import { join, resolve } from "node:path";

export interface Settings {
  readonly cwd: string;
  /** evo's own directory: engines, embedded ledger, operations, worlds. */
  readonly home: string;
  readonly env: { readonly [name: string]: string };
  /** A shared ledger (`EVO_LEDGER_URL`); the embedded one where absent. */
  readonly ledgerUrl?: string;
  /** A Pulumi CLI to use (`--engine`, `EVO_PULUMI`). */
  readonly engine?: string;
  /** Who acts, as they say. */
  readonly claimed: string;
  /** A machine that does not outlive its job: its embedded ledger would die with it. */
  readonly ephemeral: boolean;
}

/** Reads the environment. `engine` is the command line's word and wins over `EVO_PULUMI`. */
export function readSettings(env: NodeJS.ProcessEnv, cwd: string, engine?: string): Settings {
  const given = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  const pulumi = engine ?? given.EVO_PULUMI;
  return {
    cwd,
    home: resolve(given.EVO_HOME ?? join(homedir(), ".evo")),
    env: given,
    ...(given.EVO_LEDGER_URL === undefined ? {} : { ledgerUrl: given.EVO_LEDGER_URL }),
    ...(pulumi === undefined ? {} : { engine: pulumi }),
    claimed: given.EVO_ACTOR ?? `${userName()}@${hostname()}`,
    ephemeral: isTrue(given.CI) || given.PULUMI_CI_SYSTEM === "Pulumi Deployments",
  };
}

/** A container may run as a user that its system has no entry for. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "0" && value.toLowerCase() !== "false";
}
