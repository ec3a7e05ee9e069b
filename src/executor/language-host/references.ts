/**
 * Names of stacks in a rehearsal. Its backend is a folder, which knows one organization, called `organization`; a program
 * names its own: `acme/network/prod`. What it refers to is the stack of that project and name in the world. Pure.
 */
import { load } from "./protocol.js";

const { ReadResourceRequest } = load<typeof import("@pulumi/pulumi/proto/resource_pb.js")>(
  "@pulumi/pulumi/proto/resource_pb.js",
);

const REFERENCE = "pulumi:pulumi:StackReference";

/** A `ReadResource` request as the world's backend understands it; anything but a stack reference stays as it is. */
export function withinOneOrganization(bytes: Buffer): Buffer {
  const request = ReadResourceRequest.deserializeBinary(bytes);
  if (request.getType() !== REFERENCE) return bytes;
  request.setId(localName(request.getId()));
  const name = request.getProperties()?.getFieldsMap().get("name");
  if (name !== undefined) name.setStringValue(localName(name.getStringValue()));
  return Buffer.from(request.serializeBinary());
}

/** `acme/network/prod` is `organization/network/prod`; `acme/prod` is this project's `prod`. */
export function localName(name: string): string {
  const parts = name.split("/");
  if (parts.length === 3) return ["organization", ...parts.slice(1)].join("/");
  return parts.at(-1) as string;
}
