/**
 * The generic simulated provider: one server for each package, to which the engine attaches by PULUMI_DEBUG_PROVIDERS.
 * It takes any type: inputs become outputs, and the cloud adds what `outputs.ts` knows. (Protocol:
 * proto/pulumi/provider.proto of pulumi/pulumi.)
 */
import { createServer, type Server as NetServer, type Socket } from "node:net";
import * as grpc from "@grpc/grpc-js";
import type {
  CheckRequest,
  ConfigureRequest,
  CreateRequest,
  DeleteRequest,
  DiffRequest,
  DiffResponse,
  InvokeRequest,
  ReadRequest,
  UpdateRequest,
} from "@pulumi/pulumi/proto/provider_pb.js";
import type { Cloud } from "./cloud.js";
import { changes } from "./diff.js";
import { invoke } from "./invokes.js";
import type { WorldLog } from "./log.js";
import type { Properties, StandIns, StandingFault } from "./model.js";
import { type Making, newId, outputsOf, previewOf } from "./outputs.js";
import { concerns, typeOf } from "./propagation.js";
import { empty, fromStruct, messages as m, plugin, services, toStruct } from "./protocol.js";
import { plainProperties } from "./values.js";

/** Newer than any SDK asks for, so that the engine doesn't warn; what comes after the dash is for people to read. */
const VERSION = "1000.0.0-rehearsal";

export interface ProviderContext {
  readonly cloud: Cloud;
  readonly seed: number;
  readonly log: WorldLog;
  readonly now: () => number;
  readonly origin: (region: string) => string | undefined;
  readonly standIns: StandIns;
}

export interface ProviderServer {
  readonly port: number;
  /** Engines that are connected now. */
  connections(): number;
  close(): void;
}

/** Listens on a loopback port of the system's choice. `changed` is told whenever an engine comes or goes. */
export async function serveProvider(context: ProviderContext, changed: () => void): Promise<ProviderServer> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(services.ResourceProviderService, handlers(context) as never);
  // Our own listener, and not grpc's, because only that tells when an engine has gone.
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      changed();
    });
    socket.on("error", () => socket.destroy());
    changed();
    injector.injectConnection(socket);
  });
  const port = await listen(listener);
  const close = () => {
    listener.close();
    injector.destroy();
    server.forceShutdown();
    for (const socket of sockets) socket.destroy();
  };
  return { port, connections: () => sockets.size, close };
}

function listen(server: NetServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
}

// ------------------------------------------------------------------------------------------------------ Handlers

type Unary<Request, Response> = (request: Request, regions: Regions) => Response;

/** The region of the calling provider instance. An engine opens one connection for each instance it configures. */
interface Regions {
  get(): string | undefined;
  set(region: string | undefined): void;
}

function handlers(context: ProviderContext) {
  const regions = new Map<string, string | undefined>();
  const unary =
    <Request, Response>(handle: Unary<Request, Response>) =>
    (call: grpc.ServerUnaryCall<Request, Response>, reply: grpc.sendUnaryData<Response>) => {
      const peer = call.getPeer();
      const own = { get: () => regions.get(peer), set: (region?: string) => void regions.set(peer, region) };
      try {
        reply(null, handle(call.request, own));
      } catch (error) {
        reply({ code: grpc.status.INTERNAL, message: error instanceof Error ? error.message : String(error) });
      }
    };
  const later = { code: grpc.status.UNIMPLEMENTED, message: "the simulated provider doesn't offer this" };
  const unimplemented = (_call: unknown, reply: grpc.sendUnaryData<never>) => reply(later);
  return {
    ...mapped(lifecycle(), unary),
    ...mapped(resources(context), unary),
    parameterize: unimplemented,
    getSchema: unimplemented,
    call: unimplemented,
    construct: unimplemented,
    getMapping: unimplemented,
    getMappings: unimplemented,
    list: (call: { emit(event: string, error: unknown): void }) => call.emit("error", later),
  };
}

function mapped(
  table: { readonly [name: string]: Unary<never, unknown> },
  wrap: (handle: Unary<never, unknown>) => unknown,
) {
  return Object.fromEntries(Object.entries(table).map(([name, handle]) => [name, wrap(handle)]));
}

function lifecycle(): { readonly [name: string]: Unary<never, unknown> } {
  return {
    handshake: () => new m.ProviderHandshakeResponse().setAcceptSecrets(true),
    attach: empty,
    cancel: empty,
    getPluginInfo: () => new plugin.PluginInfo().setVersion(VERSION),
    checkConfig: (request: CheckRequest) => new m.CheckResponse().setInputs(request.getNews()),
    diffConfig: () => new m.DiffResponse().setChanges(m.DiffResponse.DiffChanges.DIFF_NONE),
    configure: (request: ConfigureRequest, regions) => {
      const region = plainProperties(fromStruct(request.getArgs())).region;
      regions.set(typeof region === "string" ? region : undefined);
      return new m.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    },
  };
}

function resources(context: ProviderContext): { readonly [name: string]: Unary<never, unknown> } {
  return {
    check: (request: CheckRequest) => new m.CheckResponse().setInputs(request.getNews()),
    diff,
    create: (request: CreateRequest, regions) => create(context, request, regions.get()),
    update: (request: UpdateRequest, regions) => update(context, request, regions.get()),
    delete: (request: DeleteRequest) => remove(context, request),
    read: (request: ReadRequest) => read(context, request),
    invoke: (request: InvokeRequest, regions) => {
      const args = plainProperties(fromStruct(request.getArgs()));
      context.log({ at: context.now(), type: "provider.called", op: "invoke", resource: request.getTok() });
      const answer = invoke(request.getTok(), args, regions.get() ?? "us-east-1", context.standIns.invokes);
      return new m.InvokeResponse().setReturn(toStruct(answer));
    },
  };
}

// ----------------------------------------------------------------------------------------------------- Resources

const KINDS = {
  add: [m.PropertyDiff.Kind.ADD, m.PropertyDiff.Kind.ADD_REPLACE],
  delete: [m.PropertyDiff.Kind.DELETE, m.PropertyDiff.Kind.DELETE_REPLACE],
  update: [m.PropertyDiff.Kind.UPDATE, m.PropertyDiff.Kind.UPDATE_REPLACE],
} as const;

function diff(request: DiffRequest): DiffResponse {
  const old = fromStruct(request.hasOldInputs() ? request.getOldInputs() : request.getOlds());
  const changed = changes(typeOf(request.getUrn()), old, fromStruct(request.getNews()));
  const response = new m.DiffResponse();
  const { DIFF_SOME, DIFF_NONE } = m.DiffResponse.DiffChanges;
  response.setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE).setHasdetaileddiff(true);
  for (const { path, kind, replaces } of changed) {
    const property = new m.PropertyDiff().setKind(KINDS[kind][replaces ? 1 : 0]).setInputdiff(true);
    response.getDetaileddiffMap().set(path, property);
    response.addDiffs(path.split(/[.[]/)[0]!);
    if (replaces) response.addReplaces(path.split(/[.[]/)[0]!);
  }
  return response;
}

function making(context: ProviderContext, urn: string, inputs: Properties, region: string | undefined): Making {
  const { seed, origin, cloud, standIns } = context;
  const type = typeOf(urn);
  const number = cloud.count(urn) + 1;
  return { seed, type, urn, inputs, region, number, origin, standIn: standIns.outputs?.[type] };
}

function create(context: ProviderContext, request: CreateRequest, region: string | undefined) {
  const inputs = fromStruct(request.getProperties());
  const made = making(context, request.getUrn(), inputs, region);
  if (request.getPreview()) return new m.CreateResponse().setProperties(toStruct(previewOf(made)));
  refuseByFault(context, "create", made);
  const id = newId(made);
  const properties = outputsOf(made, id);
  taken(context, "create", { urn: made.urn, type: made.type, id, inputs, properties });
  return new m.CreateResponse().setId(id).setProperties(toStruct(properties));
}

function update(context: ProviderContext, request: UpdateRequest, region: string | undefined) {
  const inputs = fromStruct(request.getNews());
  const made = making(context, request.getUrn(), inputs, region);
  const properties = outputsOf(made, request.getId());
  const response = new m.UpdateResponse().setProperties(toStruct(properties));
  if (request.getPreview()) return response;
  refuseByFault(context, "update", made);
  taken(context, "update", { urn: made.urn, type: made.type, id: request.getId(), inputs, properties });
  return response;
}

function remove(context: ProviderContext, request: DeleteRequest) {
  const [urn, id] = [request.getUrn(), request.getId()];
  refuseByFault(context, "delete", { urn, type: typeOf(urn) });
  const newest = context.cloud.versions.findLast((version) => version.urn === urn);
  // What was replaced is deleted after its successor was made, under the same URN: the successor stays.
  if (newest?.id === id) taken(context, "delete", { urn, type: typeOf(urn), id });
  else called(context, "delete", { urn, type: typeOf(urn), id });
  return empty();
}

function read(context: ProviderContext, request: ReadRequest) {
  const [urn, id] = [request.getUrn(), request.getId()];
  const live = context.cloud.live(urn, id);
  called(context, "read", { urn, type: typeOf(urn), id });
  // An answer without an id says that the resource is gone.
  if (live === undefined) return new m.ReadResponse();
  const response = new m.ReadResponse().setId(id).setProperties(toStruct(live.properties!));
  return response.setInputs(toStruct(live.inputs ?? {}));
}

/** Errors: the provider's own, where a standing fault says that it fails here. */
function refuseByFault(
  { cloud, log, now }: ProviderContext,
  op: "create" | "update" | "delete",
  of: { readonly urn: string; readonly type: string },
): void {
  const at = now();
  const stands = ({ from, until }: StandingFault) => from <= at && at < (until ?? Number.POSITIVE_INFINITY);
  const fault = cloud.faults.find((one) => one.kind === "fails" && stands(one) && concerns(one, of));
  if (fault === undefined) return;
  log({ at, type: "provider.failed", op, resource: of.type, urn: of.urn });
  throw new Error(`the simulated provider fails to ${op} ${of.type}: a fault of this rehearsal`);
}

interface Change {
  readonly urn: string;
  readonly type: string;
  readonly id: string;
  readonly inputs?: Properties;
  readonly properties?: Properties;
}

function taken(context: ProviderContext, op: "create" | "update" | "delete", change: Change): void {
  const previous = context.cloud.live(change.urn, change.id)?.region;
  const own = change.properties?.region;
  const region = typeof own === "string" ? own : previous;
  const placed = context.cloud.take({ ...change, at: context.now(), ...(region === undefined ? {} : { region }) });
  called(context, op, { ...change, ...(region === undefined ? {} : { region }) });
  const due = Object.fromEntries(placed.due);
  context.log({ at: placed.at, type: "change.taken", urn: change.urn, number: placed.number, due });
}

function called(
  context: ProviderContext,
  op: "create" | "update" | "delete" | "read",
  { urn, type, id, region }: Omit<Change, "inputs" | "properties"> & { readonly region?: string },
): void {
  const at = context.now();
  context.log({
    at,
    type: "provider.called",
    op,
    resource: type,
    urn,
    id,
    ...(region === undefined ? {} : { region }),
  });
}
