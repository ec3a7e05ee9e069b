/**
 * Who may send words over HTTP: names and secrets, from `EVO_WEBHOOK_SECRETS` (`change-board=whsec_…, pager=whsec_…`) or
 * from the file that `EVO_WEBHOOK_SECRETS_FILE` names, one to a line. Read once, at the start.
 */
import { readFileSync } from "node:fs";
import { EvoError, EXIT } from "../errors.js";
import { type NamedSecret, parseSecret } from "../notify/signature.js";
import type { Settings } from "./settings.js";

const NAME = /^[A-Za-z0-9@][A-Za-z0-9@._-]*$/;

/** The secrets, in their order. Errors: `webhook.secrets` (exit 2) where one can't be read; it never shows any. */
export function readWebhookSecrets(env: Settings["env"]): readonly NamedSecret[] {
  const file = env.EVO_WEBHOOK_SECRETS_FILE;
  const lines = [...(file === undefined ? [] : fileLines(file)), ...(env.EVO_WEBHOOK_SECRETS ?? "").split(",")];
  const given = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  return given.map(secretOf);
}

function secretOf(line: string, at: number): NamedSecret {
  const cut = line.indexOf("=");
  const name = line.slice(0, Math.max(0, cut)).trim();
  const key = parseSecret(line.slice(cut + 1).trim());
  // By its place only: what stands before a "=" may be the secret itself, and that the end of its base64.
  if (!NAME.test(name) || key === undefined) throw refusal(`webhook secret ${at + 1} is no name with a secret`);
  return { name, key };
}

function fileLines(file: string): readonly string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch (error) {
    throw refusal(`EVO_WEBHOOK_SECRETS_FILE can't be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function refusal(message: string): EvoError {
  return new EvoError("webhook.secrets", message, {
    exit: EXIT.usage,
    remedy: "name=whsec_<base64 of 24 to 64 bytes>, as openssl rand -base64 32 makes them",
  });
}
