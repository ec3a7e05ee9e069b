/** What is compared of two copies of a project: states, files and messages, without what must differ between copies. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

type Tree = { readonly [key: string]: unknown };

/** Content by name, relative to the folder that was looked at. */
export type Files = { readonly [name: string]: string };

export interface Resource extends Tree {
  readonly urn: string;
  readonly id?: string;
}

export interface State {
  /** Everything that the engine keeps of each resource, ordered by URN. */
  readonly resources: readonly Resource[];
  /** Everything else in the export: pending operations, the secrets manager, versions. */
  readonly rest: Tree;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIMES = new Set(["created", "modified", "time"]);
/** Made from random bytes: the manifest's digest covers its time, the salt is the passphrase's. */
const RANDOM = new Set(["magic", "salt"]);

/** An export with its secrets shown, so that values are compared and not their ciphertext. */
export function stateOf(text: string, folder: string): State {
  const { deployment } = JSON.parse(text.replaceAll(folder, "[project]").replaceAll(UUID, "[id]"), comparable);
  const { resources = [], ...rest } = deployment as { resources?: Resource[] };
  return { resources: resources.sort((a, b) => (a.urn < b.urn ? -1 : a.urn > b.urn ? 1 : 0)), rest };
}

/** Frames of node's own have no position in a stack trace; how many there are depends on what else was due just then. */
function comparable(key: string, value: unknown): unknown {
  if (TIMES.has(key) && isTime(value)) return "[time]";
  if (RANDOM.has(key) && typeof value === "string") return "[random]";
  if (key === "stackTrace") return (value as Tree[]).filter((frame) => frame["sourcePosition"] !== undefined);
  return value;
}

function isTime(value: unknown): boolean {
  return typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value);
}

/** Every file below a folder but what is installed there. */
export function filesIn(folder: string): Files {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const own = names.filter((name) => !/^node_modules\b/.test(name) && statSync(join(folder, name)).isFile());
  return Object.fromEntries(own.sort().map((name) => [name, readFileSync(join(folder, name), "latin1")]));
}

/** The first error of a plain CLI's run: from `error: ` in its diagnostics to the next empty line, without colours. */
export function firstError(stdout: string, folder: string): string {
  const diagnostics = withoutColours(stdout.slice(stdout.indexOf("\nDiagnostics:")));
  const found = /^ {4}error: (.*(?:\n {4}.*)*)/m.exec(diagnostics)?.[1] ?? "";
  return found.replaceAll(/^ {4}/gm, "").replaceAll(folder, "[project]").trim();
}

function withoutColours(text: string): string {
  return text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g"), "");
}
