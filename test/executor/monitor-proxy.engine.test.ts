/** Between a program and the engine's monitor: what passes does so byte for byte, however much it is. */
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { afterEach, expect, it } from "vitest";
import type { proxyMonitor as ProxyMonitor } from "../../src/executor/language-host/monitor-proxy.js";
import { packageFile } from "../../src/package-root.js";

const { proxyMonitor } = (await import(packageFile("dist", "executor", "language-host", "monitor-proxy.js"))) as {
  proxyMonitor: typeof ProxyMonitor;
};

const UNLIMITED = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
const PATH = "/pulumirpc.ResourceMonitor/RegisterResource";
const asIs = (bytes: Buffer): Buffer => bytes;
const DEFINITION = {
  path: PATH,
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
};

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

/** A monitor that answers what it was asked, backwards. */
async function monitor(): Promise<string> {
  const server = new Server(UNLIMITED);
  const answer = ({ request }: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
    reply(null, Buffer.from(request).reverse());
  server.addService({ call: DEFINITION }, { call: answer });
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, at: number) => (error === null ? resolve(at) : reject(error));
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), bound);
  });
  closing.push(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

it("passes a message on that is larger than gRPC takes by itself, and its answer", async () => {
  const proxy = await proxyMonitor(await monitor(), { oneOrganization: true });
  closing.push(() => proxy.close());
  const client = new Client(proxy.address, credentials.createInsecure(), UNLIMITED);
  closing.push(() => client.close());
  const sent = Buffer.alloc(9_000_000, "0123456789");
  const answered = await new Promise<Buffer | undefined>((resolve, reject) => {
    client.makeUnaryRequest(PATH, asIs, asIs, sent, (error, got) => (error === null ? resolve(got) : reject(error)));
  });
  expect(answered?.equals(Buffer.from(sent).reverse())).toBe(true);
});
