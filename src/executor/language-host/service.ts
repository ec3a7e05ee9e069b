/** The gRPC service `LanguageRuntime`, as the engine calls it. Protocol messages in and out; the work is done elsewhere. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type * as Grpc from "@grpc/grpc-js";
import type * as Language from "@pulumi/pulumi/proto/language_pb.js";
import type * as Plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import { locateModule, onPath, programNode } from "./locate.js";
import { dependencies, installRoot, packageManager } from "./package-manager.js";
import { type RequiredPlugin, requiredPlugins } from "./packages.js";
import { parseOptions, type RunRequest, withoutOwnVariables } from "./program.js";
import { grpc, load } from "./protocol.js";
import { type Run, type RunOutcome, stopChild } from "./run.js";
import type { Surroundings } from "./surroundings.js";

const language = load<typeof Language>("@pulumi/pulumi/proto/language_pb.js");
const plugin = load<typeof Plugin>("@pulumi/pulumi/proto/plugin_pb.js");

/** What the host was started with. */
export interface HostSettings {
  /** Address of the engine; a handshake may bring a new one. */
  engine: string;
  readonly tracing: string;
  readonly version: string;
  readonly run: Run;
  readonly around: Surroundings;
}

type Unary<Request, Response> = Grpc.handleUnaryCall<Request, Response>;

/** The handlers. `stop` ends every program that this host has started. */
export function languageRuntime(settings: HostSettings, stop: AbortController): Grpc.UntypedServiceImplementation {
  return {
    handshake: unary<Language.LanguageHandshakeRequest, Language.LanguageHandshakeResponse>(async (request) => {
      settings.engine = request.getEngineAddress();
      return new language.LanguageHandshakeResponse();
    }),
    getPluginInfo: unary(async () => new plugin.PluginInfo().setVersion(settings.version)),
    getRequiredPackages: unary<Language.GetRequiredPackagesRequest, Language.GetRequiredPackagesResponse>(
      async (request) => {
        const plugins = await requiredPlugins(request.getInfo()?.getProgramDirectory() ?? ".");
        return new language.GetRequiredPackagesResponse().setPackagesList(plugins.map(packageDependency));
      },
    ),
    getRequiredPlugins: unary<Language.GetRequiredPluginsRequest, Language.GetRequiredPluginsResponse>(
      async (request) => {
        const plugins = await requiredPlugins(request.getInfo()?.getProgramDirectory() ?? request.getPwd());
        return new language.GetRequiredPluginsResponse().setPluginsList(plugins.map(pluginDependency));
      },
    ),
    run: unary<Language.RunRequest, Language.RunResponse>(async (request, signal) => {
      const outcome = await runAny(request, settings, AbortSignal.any([signal, stop.signal]));
      return runResponse(outcome);
    }),
    cancel: unary(async (nothing) => {
      stop.abort();
      return nothing;
    }),
    about: unary<Language.AboutRequest, Language.AboutResponse>((request) => about(request, settings.around)),
    getProgramDependencies: unary<Language.GetProgramDependenciesRequest, Language.GetProgramDependenciesResponse>(
      async (request) => {
        const directory = request.getInfo()?.getProgramDirectory() ?? ".";
        const found = await dependencies(directory, request.getTransitivedependencies());
        return new language.GetProgramDependenciesResponse().setDependenciesList(
          found.map(({ name, version }) => new language.DependencyInfo().setName(name).setVersion(version)),
        );
      },
    ),
    runtimeOptionsPrompts: unary(async () => new language.RuntimeOptionsResponse()),
    template: unary(async () => new language.TemplateResponse()),
    installDependencies: streaming((call: InstallCall, signal) => install(call, settings.around, signal)),
    runPlugin: streaming((call: StreamCall<Language.RunPluginRequest>, signal) =>
      runPlugin(call, settings.around, AbortSignal.any([signal, stop.signal])),
    ),
  };
}

/** A handler that may await; the signal aborts when the engine takes its call back or dies. */
function unary<Request, Response>(
  work: (request: Request, signal: AbortSignal) => Promise<Response>,
): Unary<Request, Response> {
  return (call, reply) => {
    work(call.request, cancellation(call)).then(
      (response) => reply(null, response),
      (error: Error) => reply({ code: grpc.status.UNKNOWN, details: error.message }),
    );
  };
}

function streaming<Request, Response>(
  work: (call: Grpc.ServerWritableStream<Request, Response>, signal: AbortSignal) => Promise<void>,
): Grpc.handleServerStreamingCall<Request, Response> {
  return (call) => {
    work(call, cancellation(call)).then(
      () => call.end(),
      (error: Error) => call.destroy(Object.assign(error, { code: grpc.status.UNKNOWN, details: error.message })),
    );
  };
}

function cancellation(call: { on(event: "cancelled", listener: () => void): unknown }): AbortSignal {
  const controller = new AbortController();
  call.on("cancelled", () => controller.abort());
  return controller.signal;
}

function optionsOf(info: Language.ProgramInfo | undefined) {
  return parseOptions((info?.getOptions()?.toJavaScript() ?? {}) as { [key: string]: unknown });
}

async function runAny(request: Language.RunRequest, settings: HostSettings, signal: AbortSignal): Promise<RunOutcome> {
  if (request.getAttachDebugger())
    return { kind: "error", message: "evo's language host has no debugger: use the engine's own host" };
  try {
    return await settings.run(runRequest(request, settings), signal);
  } catch (error) {
    return { kind: "error", message: (error as Error).message };
  }
}

function runRequest(request: Language.RunRequest, settings: HostSettings): RunRequest {
  const info = request.getInfo();
  return {
    monitor: request.getMonitorAddress(),
    engine: settings.engine,
    tracing: settings.tracing,
    organization: request.getOrganization(),
    project: request.getProject(),
    stack: request.getStack(),
    rootDirectory: info?.getRootDirectory() ?? "",
    programDirectory: info?.getProgramDirectory() ?? request.getPwd(),
    entryPoint: info?.getEntryPoint() ?? request.getProgram(),
    args: request.getArgsList(),
    dryRun: request.getDryrun(),
    parallel: request.getParallel(),
    config: new Map(request.getConfigMap().toObject(false)),
    secretKeys: request.getConfigsecretkeysList(),
    options: optionsOf(info),
  };
}

function runResponse(outcome: RunOutcome): Language.RunResponse {
  const response = new language.RunResponse();
  if (outcome.kind === "bail") response.setBail(true);
  if (outcome.kind === "error") response.setError(outcome.message);
  return response;
}

function packageDependency(required: RequiredPlugin): Plugin.PackageDependency {
  const message = new plugin.PackageDependency()
    .setName(required.name)
    .setKind("resource")
    .setVersion(required.version);
  message.setServer(required.server);
  const { parameterization } = required;
  if (parameterization === undefined) return message;
  const { name, version, value } = parameterization;
  return message.setParameterization(
    new plugin.PackageParameterization().setName(name).setVersion(version).setValue(value),
  );
}

function pluginDependency({ name, version, server }: RequiredPlugin): Plugin.PluginDependency {
  return new plugin.PluginDependency().setName(name).setKind("resource").setVersion(version).setServer(server);
}

async function about(request: Language.AboutRequest, { env }: Surroundings): Promise<Language.AboutResponse> {
  const info = request.getInfo();
  const node = await programNode(env);
  const response = new language.AboutResponse().setExecutable(node).setVersion(await versionOf(node, env));
  response
    .getMetadataMap()
    .set("packagemanager", packageManager(optionsOf(info).packagemanager, info?.getProgramDirectory() ?? "."));
  return response;
}

async function versionOf(node: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(node, ["--version"], {
    env: withoutOwnVariables(env),
    stdio: ["ignore", "pipe", "ignore"],
  });
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => {
    text += bytes;
  });
  await once(child, "close");
  return text.trim();
}

type StreamCall<Request> = Grpc.ServerWritableStream<Request, unknown>;
type InstallCall = Grpc.ServerWritableStream<Language.InstallDependenciesRequest, Language.InstallDependenciesResponse>;

async function install(call: InstallCall, { env }: Surroundings, signal: AbortSignal): Promise<void> {
  const info = call.request.getInfo();
  const directory = installRoot(info?.getProgramDirectory() ?? ".");
  const manager = packageManager(optionsOf(info).packagemanager, directory);
  const file = await onPath(manager, env.PATH ?? "");
  if (file === undefined) throw new Error(`${manager} is not on the PATH`);
  const code = await pipe(file, ["install"], { cwd: directory, env: withoutOwnVariables(env) }, signal, (message) =>
    call.write(
      message.stream === "stdout"
        ? new language.InstallDependenciesResponse().setStdout(message.bytes)
        : new language.InstallDependenciesResponse().setStderr(message.bytes),
    ),
  );
  if (code !== 0) throw new Error(`${manager} install failed with exit code ${code} in ${directory}`);
}

/** Starts a provider written for Node (`PulumiPlugin.yaml`) or a policy pack. */
async function runPlugin(call: StreamCall<Language.RunPluginRequest>, around: Surroundings, signal: AbortSignal) {
  const { request } = call;
  const info = request.getInfo();
  const directory = info?.getProgramDirectory() ?? request.getProgram();
  const options = optionsOf(info);
  const env = withoutOwnVariables(Object.fromEntries(request.getEnvList().map(variable)));
  if (options.typescript) env.PULUMI_NODEJS_TYPESCRIPT = "true";
  if (options.tsconfig !== "") env.PULUMI_NODEJS_TSCONFIG_PATH = options.tsconfig;
  const node = await programNode(around.env);
  const own = withoutOwnVariables(around.env);
  const runPath = await locateModule("@pulumi/pulumi/cmd/run-plugin", directory, node, own);
  if (runPath === undefined) throw new Error(`@pulumi/pulumi is not installed in ${directory}: run npm install there`);
  const args = [runPath, ...options.nodeargs, directory, ...request.getArgsList()];
  const code = await pipe(node, args, { cwd: request.getPwd(), env }, signal, (message) =>
    call.write(
      message.stream === "stdout"
        ? new language.RunPluginResponse().setStdout(message.bytes)
        : new language.RunPluginResponse().setStderr(message.bytes),
    ),
  );
  call.write(new language.RunPluginResponse().setExitcode(code));
}

function variable(text: string): [string, string] {
  const at = text.indexOf("=");
  return [text.slice(0, at), text.slice(at + 1)];
}

interface Output {
  readonly stream: "stdout" | "stderr";
  readonly bytes: Uint8Array;
}

/** Runs a process, passes its output on, resolves to its exit code (-1 if a signal killed it). */
async function pipe(
  file: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  signal: AbortSignal,
  output: (message: Output) => void,
): Promise<number> {
  const child = spawn(file, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const stop = () => stopChild(child);
  signal.addEventListener("abort", stop, { once: true });
  child.stdout.on("data", (bytes: Buffer) => output({ stream: "stdout", bytes }));
  child.stderr.on("data", (bytes: Buffer) => output({ stream: "stderr", bytes }));
  const [code] = (await once(child, "close")) as [number | null];
  signal.removeEventListener("abort", stop);
  return code ?? -1;
}
