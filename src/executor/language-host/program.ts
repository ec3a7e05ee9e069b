/**
 * How a Node program is started: arguments, environment and node options, as the engine's own host for Node sets them
 * (the rules are those of `pulumi-language-nodejs` 3.200, read there). Pure: requests in, command line out.
 */

/** What the engine asks for; the fields of `pulumirpc.RunRequest` that matter here. */
export interface RunRequest {
  /** Where the program reaches the resource monitor. */
  readonly monitor: string;
  readonly engine: string;
  readonly tracing: string;
  readonly organization: string;
  readonly project: string;
  readonly stack: string;
  readonly rootDirectory: string;
  readonly programDirectory: string;
  readonly entryPoint: string;
  readonly args: readonly string[];
  readonly dryRun: boolean;
  readonly parallel: number;
  /** `namespace:name` to plain text, secrets included. */
  readonly config: ReadonlyMap<string, string>;
  readonly secretKeys: readonly string[];
  readonly options: NodeOptions;
}

/** `runtime.options` of a `Pulumi.yaml`. */
export interface NodeOptions {
  readonly typescript: boolean;
  readonly tsconfig: string;
  readonly nodeargs: readonly string[];
  /** `auto` looks at the lock files. */
  readonly packagemanager: string;
}

/** Environment variables that belong to evo's hold protocol: the program must not see them. */
export const HOLD_VARIABLES = [
  "EVO_OPERATION_DIR",
  "EVO_HOLD",
  "EVO_HOST_NODE_OPTIONS",
  "EVO_ONE_ORGANIZATION",
] as const;

/** Reads the runtime options; throws an Error with the CLI's words where a type is wrong. */
export function parseOptions(raw: { readonly [key: string]: unknown }): NodeOptions {
  return {
    typescript: option(raw, "typescript", "boolean", true),
    tsconfig: option(raw, "tsconfig", "string", ""),
    nodeargs: splitWords(option(raw, "nodeargs", "string", "")),
    packagemanager: option(raw, "packagemanager", "string", "auto"),
  };
}

function option<T extends string | boolean>(
  raw: { readonly [key: string]: unknown },
  name: string,
  type: "string" | "boolean",
  fallback: T,
): T {
  const value = raw[name];
  if (value === undefined) return fallback;
  if (typeof value !== type) throw new Error(`${name} option must be a ${type}`);
  return value as T;
}

/** The arguments after `node`, its own arguments and the program's `@pulumi/pulumi/cmd/run`. */
export function programArguments(request: RunRequest): string[] {
  const named: readonly (readonly [string, string])[] = [
    ["monitor", request.monitor],
    ["engine", request.engine],
    ["organization", request.organization],
    ["project", request.project],
    ["root-directory", request.rootDirectory],
    ["stack", request.stack],
    ["pwd", request.programDirectory],
  ];
  const flags = named.flatMap(([name, value]) => (value === "" ? [] : [`--${name}`, value]));
  if (request.dryRun) flags.push("--dry-run");
  flags.push("--parallel", String(request.parallel));
  if (request.tracing !== "") flags.push("--tracing", request.tracing);
  return [...flags, request.entryPoint, ...request.args];
}

/** The program's environment: the engine's, with configuration added and evo's own variables taken out. */
export function programEnvironment(request: RunRequest, base: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env = withoutOwnVariables(base);
  env.PULUMI_CONFIG = JSON.stringify(
    Object.fromEntries([...request.config].map(([key, value]) => [longKey(key), value])),
  );
  env.PULUMI_CONFIG_SECRET_KEYS = JSON.stringify(request.secretKeys);
  if (request.options.typescript) env.PULUMI_NODEJS_TYPESCRIPT = "true";
  if (request.options.tsconfig !== "") env.PULUMI_NODEJS_TSCONFIG_PATH = request.options.tsconfig;
  return env;
}

/** Undoes what the wrapper did to NODE_OPTIONS (they are the program's, not the host's) and hides the hold protocol. */
export function withoutOwnVariables(base: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env = { ...base };
  const kept = env.EVO_HOST_NODE_OPTIONS;
  if (kept !== undefined && kept !== "") env.NODE_OPTIONS = kept;
  for (const name of HOLD_VARIABLES) delete env[name];
  return env;
}

/** Old SDKs know configuration keys only as `namespace:config:name`; newer ones take both. */
function longKey(key: string): string {
  const [namespace, ...rest] = key.split(":");
  const name = rest[0] === "config" && rest.length === 2 ? rest[1] : rest.join(":");
  if (namespace === undefined || name === undefined || name === "") throw new Error(`'${key}' is no configuration key`);
  return `${namespace}:config:${name}`;
}

/** Splits a line into words as a shell would: blanks, quotes, backslashes and `#` comments; nothing is expanded. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string;
    if (char === "\\" && quote !== "'") word = (word ?? "") + (line[++at] ?? "");
    else if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= "";
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "#" && word === undefined) {
      const end = line.indexOf("\n", at);
      if (end < 0) break;
      at = end;
    } else word = (word ?? "") + char;
  }
  if (quote !== undefined) throw new Error(`nodeargs: a closing ${quote} is missing`);
  return word === undefined ? words : [...words, word];
}
