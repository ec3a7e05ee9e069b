/**
 * Where a stack's state lies, told as the CLI tells it but without starting one.
 * Source: pulumi/pulumi pkg/workspace/creds.go (GetCurrentCloudURL), pkg/backend/diy/{backend,store}.go.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { sha256 } from "../../canonical.js";
import { EvoError } from "../../errors.js";
import { type Project, shortStackName } from "./project.js";

type Env = { readonly [name: string]: string };

/** A stack in a file backend: its files can be read without an engine. */
export interface FileStack {
  readonly kind: "file";
  /** Canonical: absolute, without query. */
  readonly url: string;
  readonly name: string;
  /** The backend's folder, that of `.pulumi`. */
  readonly directory: string;
  /** The checkpoint, which may not exist. */
  readonly checkpoint: string;
  readonly history: string;
  readonly locks: string;
}

/** A stack anywhere else. */
export interface RemoteStack {
  readonly kind: "remote";
  readonly url: string;
  readonly name: string;
  /** Pulumi Cloud, as against an object store or database that the CLI writes itself. */
  readonly cloud: boolean;
}

export type BackedStack = FileStack | RemoteStack;

/** `PULUMI_HOME` of the given environment. */
export function pulumiHome(env: Env): string {
  return env["PULUMI_HOME"] || join(homeOfUser(env), ".pulumi");
}

/** As the CLI finds it (Go's user.Current): of the user's entry in the system; HOME, which CI changes, only without one. */
function homeOfUser(env: Env): string {
  try {
    return userInfo().homedir;
  } catch {
    return env["HOME"] || homedir();
  }
}

function storedUrl(env: Env): string | undefined {
  try {
    const path = join(env["PULUMI_CREDENTIALS_PATH"] || pulumiHome(env), "credentials.json");
    return (JSON.parse(readFileSync(path, "utf8")) as { current?: string }).current || undefined;
  } catch {
    return undefined;
  }
}

/** Errors: `stack.not-logged-in`. */
export function backendUrl(project: Project, env: Env): string {
  const url = env["PULUMI_BACKEND_URL"] || project.backend || storedUrl(env);
  if (url !== undefined) return url.replace(/\/$/, "");
  if (env["PULUMI_ACCESS_TOKEN"]) return env["PULUMI_API"] || "https://api.pulumi.com";
  throw new EvoError("stack.not-logged-in", `no backend is known for the project ${project.name}`, {
    at: { file: project.file },
    remedy: "run `pulumi login` (or `pulumi login --local`), set PULUMI_BACKEND_URL, or set backend.url in Pulumi.yaml",
  });
}

/** The stack's place and its fully qualified name. Errors: `stack.not-logged-in`. */
export function locateStack(project: Project, stack: string, env: Env): BackedStack {
  const url = backendUrl(project, env);
  if (url.startsWith("file://")) return fileStack(project, stack, url, env);
  const cloud = url.startsWith("https://") || url.startsWith("http://");
  return {
    kind: "remote",
    url: url.split("?")[0] as string,
    name: cloud ? cloudName(project, stack, url, env) : diyName(project, stack),
    cloud,
  };
}

function diyName(project: Project, stack: string): string {
  const parts = stack.split("/");
  return `organization/${parts.length === 3 ? parts[1] : project.name}/${shortStackName(stack)}`;
}

/** Without an organization the account's default one is meant, as the CLI has noted it; else the account itself. */
function cloudName(project: Project, stack: string, url: string, env: Env): string {
  const parts = stack.split("/");
  const owner = parts.length > 1 ? parts[0] : defaultOrganization(url, env);
  return `${owner}/${parts.length === 3 ? parts[1] : project.name}/${shortStackName(stack)}`;
}

function defaultOrganization(url: string, env: Env): string {
  const config = json(join(pulumiHome(env), "config.json")) as {
    backends?: { [url: string]: { defaultOrg?: string } };
  };
  const credentials = json(join(pulumiHome(env), "credentials.json")) as {
    accounts?: { [url: string]: { username?: string } };
  };
  return config.backends?.[url]?.defaultOrg ?? credentials.accounts?.[url]?.username ?? "~";
}

function json(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return {};
  }
}

function fileStack(project: Project, stack: string, url: string, env: Env): FileStack {
  const path = url.slice("file://".length).split("?")[0] as string;
  const directory = path.startsWith("~") ? join(homeOfUser(env), path.slice(1)) : resolve(project.directory, path);
  const legacy = isLegacy(directory);
  const name = legacy ? shortStackName(stack) : diyName(project, stack);
  const below = legacy ? name : name.split("/").slice(1).join("/");
  const plain = join(directory, ".pulumi", "stacks", `${below}.json`);
  return {
    kind: "file",
    url: `file://${directory}`,
    name,
    directory,
    checkpoint: !existsSync(plain) && existsSync(`${plain}.gz`) ? `${plain}.gz` : plain,
    history: join(directory, ".pulumi", "history", below),
    locks: join(directory, ".pulumi", "locks", name),
  };
}

/** Version 0 of the layout knows no projects; a backend without a `meta.yaml` that holds stacks has it. */
function isLegacy(directory: string): boolean {
  const meta = join(directory, ".pulumi", "meta.yaml");
  if (existsSync(meta)) return /^version:\s*0/m.test(readFileSync(meta, "utf8"));
  const stacks = join(directory, ".pulumi", "stacks");
  return existsSync(stacks) && readdirSync(stacks).some((entry) => entry.endsWith(".json"));
}

/** Names of the stacks of the same project in the backend (of all projects in the old layout). */
export function stacksBeside({ checkpoint }: FileStack): readonly string[] {
  const folder = dirname(checkpoint);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((file) => /^(.+)\.json(?:\.gz)?$/.exec(file)?.[1] ?? []);
}

/** `<backend url>#<fully qualified name>`: the same on every checkout. */
export function stackIdentity(stack: BackedStack): string {
  return `${stack.url}#${stack.name}`;
}

/** A file of the backend as text, whether it is compressed or not. */
export function readBackendFile(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

/** sha256 of the raw checkpoint; undefined when the stack has none. */
export function checkpointDigest(stack: FileStack): string | undefined {
  return existsSync(stack.checkpoint) ? sha256(readFileSync(stack.checkpoint)) : undefined;
}
