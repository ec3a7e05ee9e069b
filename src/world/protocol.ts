/** Pulumi's provider protocol as generated code: loaded once, with the one copy of protobuf that it uses itself. */
import { createRequire } from "node:module";
import type { Json, Properties } from "./model.js";

const require = createRequire(import.meta.url);
const own = createRequire(require.resolve("@pulumi/pulumi/proto/provider_pb.js"));

interface Struct {
  toJavaScript(): { [key: string]: Json };
}

export const messages =
  require("@pulumi/pulumi/proto/provider_pb.js") as typeof import("@pulumi/pulumi/proto/provider_pb.js");
export const services =
  require("@pulumi/pulumi/proto/provider_grpc_pb.js") as typeof import("@pulumi/pulumi/proto/provider_grpc_pb.js");
export const plugin =
  require("@pulumi/pulumi/proto/plugin_pb.js") as typeof import("@pulumi/pulumi/proto/plugin_pb.js");

const structs = own("google-protobuf/google/protobuf/struct_pb.js") as {
  Struct: { fromJavaScript(value: object): never };
};
const { Empty } = own("google-protobuf/google/protobuf/empty_pb.js") as { Empty: new () => never };

/** The message without content. */
export const empty = () => new Empty();

/** Properties as the wire carries them. */
export function toStruct(properties: Properties): never {
  return structs.Struct.fromJavaScript(properties as object);
}

/** Properties out of a message; none where the field is not set. */
export function fromStruct(struct: unknown): Properties {
  return (struct as Struct | undefined)?.toJavaScript() ?? {};
}
