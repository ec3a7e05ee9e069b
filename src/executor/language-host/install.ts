/** Puts the plugins that make an engine complete for Node programs into a directory for its PATH. */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { sha256 } from "../../canonical.js";
import { packageFile } from "../../package-root.js";

const HOST = "pulumi-language-nodejs";

/**
 * What the engine's archive brings besides the language host: scripts that start the program's own copy of the SDK, for
 * dynamic providers and for policy packs. Working directory is the program's (or the policy pack's) folder.
 */
const SHIMS: readonly (readonly [name: string, script: () => string])[] = [
  ["pulumi-resource-pulumi-nodejs", dynamicProvider],
  ["pulumi-analyzer-policy", policyPack],
];

/** A warning of the engine for each of these that it finds on the PATH: expected, no news for anybody. */
export const OWN_HOST_NOTICE = /^using pulumi-(language-nodejs|resource-pulumi-nodejs|analyzer-policy) from \$PATH at /;

/**
 * Absolute path of a directory `<home>/plugins/<hash>` to be put first on the engine's PATH. Made once and whole; safe to
 * call at any time, from several processes. With `engine` the scripts that lie beside it are left to it. POSIX only.
 */
export function languageHostPath(home: string, engine?: string): string {
  const files = pluginFiles(engine);
  const directory = join(home, "plugins", sha256(JSON.stringify([...files])).slice(0, 16));
  if (!isComplete(directory, files)) install(home, directory, files);
  return directory;
}

function pluginFiles(engine: string | undefined): Map<string, string> {
  const beside = engine === undefined ? undefined : dirname(realpathSync(engine));
  const missing = SHIMS.filter(([name]) => beside === undefined || !existsSync(join(beside, name)));
  return new Map([[HOST, hostScript()], ...missing.map(([name, script]) => [name, script()] as const)]);
}

/**
 * NODE_OPTIONS are meant for the program: a debugger port or a preloaded file must not touch the host. The program gets
 * them back (program.ts).
 */
function hostScript(): string {
  const main = packageFile("dist", "executor", "language-host", "main.js");
  return [
    "#!/bin/sh",
    'EVO_HOST_NODE_OPTIONS="${NODE_OPTIONS-}"',
    "export EVO_HOST_NODE_OPTIONS",
    "unset NODE_OPTIONS",
    `exec ${quoted(process.execPath)} ${quoted(main)} "$@"`,
    "",
  ].join("\n");
}

function dynamicProvider(): string {
  const main = packageFile("dist", "executor", "language-host", "dynamic-provider.cjs");
  return ["#!/bin/sh", nodeOnPath(), `exec "$node" ${quoted(main)} "$@"`, ""].join("\n");
}

function policyPack(): string {
  return [
    "#!/bin/sh",
    nodeOnPath(),
    `script=$("$node" -p 'require.resolve(process.argv[1])' @pulumi/pulumi/cmd/run-policy-pack) || exit 1`,
    'exec "$node" "$script" "$@"',
    "",
  ].join("\n");
}

function nodeOnPath(): string {
  return `node=$(command -v node) || node=${quoted(process.execPath)}`;
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}

function isComplete(directory: string, files: Map<string, string>): boolean {
  try {
    for (const name of files.keys()) accessSync(join(directory, name), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whoever renames first wins; the content is the same. */
function install(home: string, directory: string, files: Map<string, string>): void {
  mkdirSync(join(home, "plugins"), { recursive: true });
  const draft = mkdtempSync(join(home, "plugins", ".draft-"));
  try {
    for (const [name, text] of files) writeFileSync(join(draft, name), text, { mode: 0o755 });
    if (existsSync(directory) && !isComplete(directory, files)) rmSync(directory, { recursive: true, force: true });
    renameSync(draft, directory);
  } catch (error) {
    if (!isComplete(directory, files)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
