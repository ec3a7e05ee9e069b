/** Small worlds and versions for tests. */
import { defineWorld } from "../../src/world/define.js";
import type { Chances, Version } from "../../src/world/propagation.js";

const definition = defineWorld({
  name: "test",
  regions: { "us-east-1": { edges: 5 }, "eu-west-1": { edges: 5 } },
  propagation: [
    { types: "aws:cognito/*", delay: [100, 200] },
    { types: "aws:lambda/*", reach: "region", delay: [10, 50], regions: { "eu-west-1": [1_000, 5_000] } },
  ],
  endpoint: () => ({ status: 200 }),
});

export const chances = (over: Partial<Chances> = {}): Chances => ({ definition, seed: 1, pace: 1, ...over });

export function version(over: { [Key in keyof Version]?: Version[Key] | undefined } = {}): Version {
  const type = over.type ?? "random:index:Id";
  const whole = { urn: `urn:pulumi:prod::p::${type}::it`, type, id: "id", number: 1, at: 0, properties: {}, ...over };
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined)) as unknown as Version;
}
