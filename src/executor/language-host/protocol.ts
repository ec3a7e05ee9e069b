/**
 * gRPC and Pulumi's protocol as generated code, for who serves the engine: required (an import would look through each
 * file for what it exports) and taken in their compiled form, which is half of what they cost at a start.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import compiled from "./compiled.cjs";

const own = createRequire(import.meta.url);

/** `name` as its types have it. */
export function load<Module>(name: string): Module {
  const keptCompiled = compiled.keepCompiled(join(own.resolve("@pulumi/pulumi/package.json"), "..", "..", ".."));
  try {
    return own(name) as Module;
  } finally {
    keptCompiled();
  }
}

export const grpc = load<typeof import("@grpc/grpc-js")>("@grpc/grpc-js");
