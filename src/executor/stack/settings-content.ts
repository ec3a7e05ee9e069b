/**
 * What a stack's settings say: making a stack, the engine adds its `encryptionsalt` and writes the file anew in its own
 * style (quotes, order), which is no change of what runs.
 */
import { canonical } from "../../canonical.js";

/** Whether a path is that of a stack's settings. */
export function isSettings(path: string): boolean {
  return /(^|[\\/])Pulumi\.[^\\/]+\.ya?ml$/.test(path);
}

/** Of a parsed file; undefined where it says nothing. */
export function settingsContent(parsed: unknown): Buffer | undefined {
  const { encryptionsalt: _, ...settings } = (parsed ?? {}) as { readonly [key: string]: unknown };
  const asText = (_key: string, value: unknown) =>
    typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  return Object.keys(settings).length === 0
    ? undefined
    : Buffer.from(canonical(JSON.parse(JSON.stringify(settings, asText))));
}
