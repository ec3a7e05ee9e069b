/** Everything that evo takes from its surroundings, read once: nothing deeper inside looks at the environment. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { claimedActor } from "./claim.js";

export interface Settings {
  readonly cwd: string;
  /** evo's own directory: engines, embedded ledger, operations, worlds. */
  readonly home: string;
  /** What sequence modules are transpiled to; in `home`. */
  readonly cache: string;
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
  const home = resolve(given.EVO_HOME ?? join(homedir(), ".evo"));
  return {
    cwd,
    home,
    cache: join(home, "cache"),
    env: given,
    ...(given.EVO_LEDGER_URL === undefined ? {} : { ledgerUrl: given.EVO_LEDGER_URL }),
    ...(pulumi === undefined ? {} : { engine: pulumi }),
    claimed: claimedActor(given, cwd),
    ephemeral: isTrue(given.CI) || given.PULUMI_CI_SYSTEM === "Pulumi Deployments",
  };
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "0" && value.toLowerCase() !== "false";
}
