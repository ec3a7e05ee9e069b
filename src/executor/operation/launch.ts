/** Starts operation hosts, detached from whoever starts them. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { EvoError } from "../../errors.js";
import { packageFile } from "../../package-root.js";
import type { HostOrder } from "./order.js";

type HostProcess = ChildProcessByStdio<Writable, Readable, null>;

export interface HostLauncher {
  /** Starts loading a host ahead of need, unless one waits already. It ends by itself when nobody needs it. */
  prepare(): void;
  /** Hands an order to a host; resolves once its journal says that it lives. Errors: `operation.host`. */
  launch(order: HostOrder): Promise<void>;
}

/** A launcher that keeps at most one host waiting. */
export function createHostLauncher(): HostLauncher {
  let spare: HostProcess | undefined;
  const take = (): HostProcess => {
    const host = spare !== undefined && spare.exitCode === null && spare.signalCode === null ? spare : spawnHost();
    spare = undefined;
    return host;
  };
  return {
    prepare: () => {
      if (spare === undefined || spare.exitCode !== null || spare.signalCode !== null) spare = spawnHost();
    },
    launch: (order) => handOver(take(), order),
  };
}

/** The order may carry secrets, so it comes by a pipe; the host's own environment holds none. */
function spawnHost(): HostProcess {
  const { PATH } = process.env;
  const host = spawn(process.execPath, [packageFile("dist", "executor", "operation", "host.js")], {
    env: PATH === undefined ? {} : { PATH },
    cwd: "/",
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
  });
  // Neither a waiting host nor one at work keeps evo's process alive.
  host.unref();
  for (const stream of [host.stdin, host.stdout] as unknown as { unref?(): void }[]) stream.unref?.();
  host.on("error", () => undefined);
  host.stdin.on("error", () => undefined);
  return host;
}

function handOver(host: HostProcess, order: HostOrder): Promise<void> {
  return new Promise((resolve, reject) => {
    host.ref();
    const settle = (error?: EvoError): void => {
      host.unref();
      host.removeAllListeners("exit");
      host.stdout.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    host.once("exit", (code) => settle(noHost(`it ended with exit code ${code}`)));
    let said = "";
    host.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
      if (said.startsWith("hosted\n")) settle();
      else if (said.startsWith("error ") && said.includes("\n")) settle(noHost(said.slice("error ".length).trim()));
    });
    host.stdin.end(JSON.stringify(order));
  });
}

function noHost(why: string): EvoError {
  return new EvoError("operation.host", `the operation host could not be started: ${why}`, { source: "evo" });
}
