/**
 * The plugin `pulumi-language-nodejs`. The engine starts it with its own address as the last argument and reads the port
 * from the first line of its output. It ends with the engine, and no program outlives it.
 */
import { readFileSync } from "node:fs";
import { packageFile } from "../../package-root.js";
import { type Ahead, startAhead } from "./ahead.js";
import { operationOf, type Run, runner } from "./run.js";

/** Milliseconds between looks whether the engine is still our parent: a killed engine sends no signal. */
const WATCH = 250;

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const version: string = JSON.parse(readFileSync(packageFile("package.json"), "utf8")).version;
  if (args.includes("--version") || args.includes("-version")) {
    console.log(version);
    return;
  }
  const operation = operationOf(process.env);
  const spare = operation?.holdUpdate === true ? await startAhead(args) : undefined;
  const stop = new AbortController();
  endWithEngine(stop, spare);
  await serveEngine(args, version, runner(operation, spare), stop);
}

/** gRPC takes a moment to load: by now the program's process is loading too. */
async function serveEngine(args: readonly string[], version: string, run: Run, stop: AbortController): Promise<void> {
  const { default: grpc } = await import("@grpc/grpc-js");
  const { default: languageGrpc } = await import("@pulumi/pulumi/proto/language_grpc_pb.js");
  const [{ serve }, { languageRuntime }] = await Promise.all([import("./server.js"), import("./service.js")]);
  const tracing = args[args.indexOf("--tracing") + 1 || args.length] ?? "";
  const settings = { engine: args.at(-1) ?? "", tracing, version, run };
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(languageGrpc.LanguageRuntimeService, languageRuntime(settings, stop));
  console.log(await serve(server));
}

/** Stops the programs (they are killed if they don't end) and goes when the last one has gone. */
function endWithEngine(stop: AbortController, spare: Ahead | undefined): void {
  const parent = process.ppid;
  const end = () => {
    stop.abort();
    spare?.drop();
    setInterval(() => process.getActiveResourcesInfo().includes("ProcessWrap") || process.exit(0), 10);
  };
  const ended = () => !stop.signal.aborted && end();
  process.on("SIGINT", ended).on("SIGTERM", ended);
  setInterval(() => process.ppid !== parent && ended(), WATCH).unref();
}

await main();
