/** Binding a gRPC server to a free loopback port. */
import type { Server } from "@grpc/grpc-js";
import { grpc } from "./protocol.js";

/** Resolves to the port. */
export function serve(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}
