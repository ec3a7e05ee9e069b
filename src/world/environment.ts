/**
 * What a rehearsal's processes get to see of the environment (invariant 13): an allow-list, so that a credential of a
 * kind that nobody here has heard of doesn't pass either. Pure.
 */

import { dump, load } from "js-yaml";
import type { Json } from "./model.js";

/** What programs need to run at all, and what only says how to show text. */
const ALLOWED = new Set(["PATH", "LANG", "LANGUAGE", "TZ", "TERM", "TMPDIR", "TEMP", "TMP", "NO_COLOR", "FORCE_COLOR"]);
/** Windows can't start processes without these. */
const ALLOWED_ON_WINDOWS = new Set(["SYSTEMROOT", "COMSPEC", "PATHEXT", "WINDIR"]);

/** Locales have a name for each category (`LC_ALL`, `LC_CTYPE`). */
function allowed(name: string): boolean {
  const upper = name.toUpperCase();
  return ALLOWED.has(upper) || ALLOWED_ON_WINDOWS.has(upper) || upper.startsWith("LC_");
}

/** A port on which nothing listens (RFC 863's discard service, long gone): what goes through a proxy ends here. */
const NOWHERE = "http://127.0.0.1:9";
const LOOPBACK = "127.0.0.1,localhost,::1";

/**
 * The environment of a rehearsal: the allowed part of the given one, places where clients look for credentials
 * pointed at nothing, and a proxy that leads nowhere for whatever isn't loopback. NODE_OPTIONS doesn't pass: it can
 * load code. The world's own variables (`World.env`) come on top.
 */
export function rehearsalEnvironment(env: { readonly [name: string]: string | undefined }): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && allowed(name) ? [[name, value] as const] : [],
  );
  return {
    ...Object.fromEntries(kept),
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
    KUBECONFIG: "/dev/null",
    ...both("HTTP_PROXY", NOWHERE),
    ...both("HTTPS_PROXY", NOWHERE),
    ...both("NO_PROXY", LOOPBACK),
  };
}

/** Clients disagree on the case of these names. */
function both(name: string, value: string): Record<string, string> {
  return { [name]: value, [name.toLowerCase()]: value };
}

/** Stands in for an encrypted value that nobody declared one for. */
const ANY = "rehearsal";

/**
 * A stack's settings file as a rehearsal takes it: without the keys of its secrets provider, which may be a cloud's, and
 * with stand-ins, by their paths, for the values that only that provider could decrypt.
 */
export function rehearsalConfig(text: string, standIns: { readonly [path: string]: Json } = {}): string {
  const lines = text.replace(/^(encryptionsalt|encryptedkey|secretsprovider):.*\n?/gm, "");
  if (!/\bsecure["']?\s*:/.test(lines)) return lines;
  const settings = load(lines) as { readonly config?: { readonly [key: string]: Json } };
  const replaced = (value: Json, path: string): Json => {
    if (isEncrypted(value)) return standIns[path] ?? ANY;
    if (Array.isArray(value)) return value.map((each, at) => replaced(each, `${path}[${at}]`));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each, `${path}.${key}`)]));
  };
  const config = Object.entries(settings.config ?? {}).map(([key, value]) => [key, replaced(value, key)]);
  return dump({ ...settings, config: Object.fromEntries(config) });
}

/** Paths of the encrypted values in a stack's settings file: `app:password`, `app:list[0].token`. */
export function encryptedPaths(text: string): readonly string[] {
  const within = (value: Json, path: string): readonly string[] => {
    if (isEncrypted(value)) return [path];
    if (Array.isArray(value)) return value.flatMap((each, at) => within(each, `${path}[${at}]`));
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([key, each]) => within(each, `${path}.${key}`));
  };
  const settings = load(text) as { readonly config?: { readonly [key: string]: Json } } | undefined;
  return Object.entries(settings?.config ?? {}).flatMap(([key, value]) => within(value, key));
}

/** As the engine writes it: a mapping of nothing but `secure`. */
function isEncrypted(value: Json): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.keys(value).join() === "secure" && typeof (value as { readonly secure: Json }).secure === "string";
}
