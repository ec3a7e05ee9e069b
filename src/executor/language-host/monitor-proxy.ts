/**
 * Stands between a program and the engine's resource monitor, and passes every call on, byte for byte, but one or two.
 * In a rehearsal what stack references name is looked for in the world's own backend (references.ts). In a held update
 * `SignalAndWaitForShutdown` waits. With it the SDK (since 3.158 or so) says that the program registers nothing more,
 * and the engine answers only after it has deleted what was not registered. So this call, and not the program's end, is
 * the last point at which deletions can be stopped (invariant 10).
 */
import type * as Grpc from "@grpc/grpc-js";
import { grpc, load } from "./protocol.js";
import { withinOneOrganization } from "./references.js";
import { serve } from "./server.js";

const { ResourceMonitorService } = load<typeof import("@pulumi/pulumi/proto/resource_grpc_pb.js")>(
  "@pulumi/pulumi/proto/resource_grpc_pb.js",
);

export interface MonitorProxy {
  readonly address: string;
  close(): void;
}

type Call = Grpc.ServerUnaryCall<Buffer, Buffer>;
type Reply = Grpc.sendUnaryData<Buffer>;

const SHUTDOWN = "/pulumirpc.ResourceMonitor/SignalAndWaitForShutdown";
const READ = "/pulumirpc.ResourceMonitor/ReadResource";
const asIs = (bytes: Buffer): Buffer => bytes;

export interface Between {
  /** Asked once; unless it answers true the engine never learns that the program is done. */
  readonly beforeShutdown?: () => Promise<boolean>;
  /** The backend knows one organization only. */
  readonly oneOrganization: boolean;
}

/** Serves a monitor that leads to the one at `target`. */
export async function proxyMonitor(
  target: string,
  { beforeShutdown, oneOrganization }: Between,
): Promise<MonitorProxy> {
  const client = new grpc.Client(target, grpc.credentials.createInsecure(), UNLIMITED);
  const server = new grpc.Server(UNLIMITED);
  for (const [path, definition] of paths()) {
    const forward = forwarder(client, path, oneOrganization && path === READ ? withinOneOrganization : asIs);
    const handler = path === SHUTDOWN && beforeShutdown !== undefined ? gated(forward, beforeShutdown) : forward;
    server.addService({ call: definition }, { call: handler as Grpc.UntypedHandleCall });
  }
  const port = await serve(server);
  return {
    address: `127.0.0.1:${port}`,
    close: () => {
      server.forceShutdown();
      client.close();
    },
  };
}

const UNLIMITED = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

function paths(): Map<string, Grpc.MethodDefinition<Buffer, Buffer>> {
  const definitions = Object.values(ResourceMonitorService as Grpc.ServiceDefinition);
  return new Map(
    definitions.map(({ path, requestStream, responseStream }) => [
      path,
      {
        path,
        requestStream,
        responseStream,
        requestSerialize: asIs,
        requestDeserialize: asIs,
        responseSerialize: asIs,
        responseDeserialize: asIs,
      },
    ]),
  );
}

/** Metadata is not passed on, as in the engine's own host; errors are, with their details. */
function forwarder(
  client: Grpc.Client,
  path: string,
  change: (bytes: Buffer) => Buffer,
): (call: Call, reply: Reply) => void {
  return (call, reply) => {
    const request = client.makeUnaryRequest(path, asIs, asIs, change(call.request), (error, response) =>
      reply(error, response ?? null),
    );
    call.on("cancelled", () => request.cancel());
  };
}

function gated(
  forward: (call: Call, reply: Reply) => void,
  beforeShutdown: () => Promise<boolean>,
): (call: Call, reply: Reply) => void {
  let asked: Promise<boolean> | undefined;
  return (call, reply) => {
    asked ??= beforeShutdown();
    asked.then(
      (go) => (go ? forward(call, reply) : reply({ code: grpc.status.UNAVAILABLE, details: "evo refused the update" })),
      (error: Error) => reply({ code: grpc.status.INTERNAL, details: error.message }),
    );
  };
}
