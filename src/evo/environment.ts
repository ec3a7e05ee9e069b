/** The environment that engines and probes get: the user's own in production, a stripped one in a rehearsal. */
import { EvoError, EXIT } from "../errors.js";
import type { Settings } from "./settings.js";

/** Invariant 13: a run that is no rehearsal refuses simulated providers. */
export function productionEnvironment(settings: Settings): { readonly [name: string]: string } {
  if (settings.env.PULUMI_DEBUG_PROVIDERS !== undefined) {
    throw new EvoError(
      "environment.debug-providers",
      "PULUMI_DEBUG_PROVIDERS is set: updates would go to an attached provider instead of the real one",
      {
        exit: EXIT.usage,
        remedy: "unset PULUMI_DEBUG_PROVIDERS, or rehearse with --rehearse",
      },
    );
  }
  // Secrets of evo's own, nothing to engines, programs and probes (invariant 11): the ledger's address carries a password.
  const { EVO_LEDGER_URL: _, EVO_OIDC_TOKEN: __, EVO_WEBHOOK_SECRETS: ___, ...env } = settings.env;
  return env;
}

/** A record that dies with its container is none: an embedded ledger on an ephemeral machine must be asked for. */
export function refuseEphemeralLedger(settings: Settings, accepted: boolean): void {
  if (!settings.ephemeral || settings.ledgerUrl !== undefined || accepted) return;
  throw new EvoError(
    "ledger.ephemeral",
    "this looks like a CI job: an embedded ledger would die with the machine, and the record with it",
    {
      exit: EXIT.usage,
      remedy: "set EVO_LEDGER_URL to a shared Postgres, or accept the loss with --ephemeral-ledger",
    },
  );
}
