/** Serving the engine: the gRPC service of a language host on a free port of the loopback interface. */
import { readFileSync } from "node:fs";
import { packageFile } from "../../package-root.js";
import { grpc, load } from "./protocol.js";
import type { Run } from "./run.js";
import { serve } from "./server.js";
import { languageRuntime } from "./service.js";
import type { Surroundings } from "./surroundings.js";

const { LanguageRuntimeService } = load<typeof import("@pulumi/pulumi/proto/language_grpc_pb.js")>(
  "@pulumi/pulumi/proto/language_grpc_pb.js",
);

export interface Served {
  readonly port: number;
  close(): void;
}

/** evo's version is the plugin's. */
export function hostVersion(): string {
  return JSON.parse(readFileSync(packageFile("package.json"), "utf8")).version;
}

/** `stop` is aborted to end the programs, by the engine too. */
export async function serveEngine(around: Surroundings, stop: AbortController, run: Run): Promise<Served> {
  const { args } = around;
  const tracing = args[args.indexOf("--tracing") + 1 || args.length] ?? "";
  const settings = { engine: args.at(-1) ?? "", tracing, version: hostVersion(), run, around };
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(LanguageRuntimeService, languageRuntime(settings, stop));
  return { port: await serve(server), close: () => server.forceShutdown() };
}
