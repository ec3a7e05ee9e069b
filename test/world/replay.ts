/**
 * Applies changes to a living world as the engine would, without the engine: through the provider protocol. About 30 ms
 * for all of the rollout, so that many seeds can be tried.
 */
import * as grpc from "@grpc/grpc-js";
import type { World } from "../../src/world/index.js";
import type { Properties } from "../../src/world/model.js";
import { fromStruct, messages, services, toStruct } from "../../src/world/protocol.js";
import { plainProperties } from "../../src/world/values.js";
import { type Change, urnOf } from "./rollout.js";

type Client = InstanceType<typeof services.ResourceProviderClient>;

/** Creates a change's resources; returns what the cloud answered, by the resource's name. */
export async function apply(world: World, change: Change): Promise<{ readonly [name: string]: Properties }> {
  const client = connected(world, change.region === undefined ? "kubernetes" : "aws");
  try {
    await configure(client, change.region);
    const answers: { [name: string]: Properties } = {};
    for (const made of change.made) {
      const request = new messages.CreateRequest().setUrn(urnOf(change, made)).setProperties(toStruct(made.inputs));
      const response = await new Promise<InstanceType<typeof messages.CreateResponse>>((resolve, reject) =>
        client.create(request, (error, answer) => (error ? reject(error) : resolve(answer))),
      );
      answers[made.name] = plainProperties(fromStruct(response.getProperties()));
    }
    return answers;
  } finally {
    client.close();
  }
}

function connected(world: World, pkg: string): Client {
  const port = world.env
    .PULUMI_DEBUG_PROVIDERS!.split(",")
    .find((entry) => entry.startsWith(`${pkg}:`))!
    .split(":")[1];
  return new services.ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
}

function configure(client: Client, region: string | undefined): Promise<void> {
  const request = new messages.ConfigureRequest().setArgs(toStruct(region === undefined ? {} : { region }));
  return new Promise((resolve, reject) => client.configure(request, (error) => (error ? reject(error) : resolve())));
}
