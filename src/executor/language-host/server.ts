/** Binding a gRPC server to a free loopback port. */
import grpc from "@grpc/grpc-js";

/** Resolves to the port. */
export function serve(server: grpc.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}
