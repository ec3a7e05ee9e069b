/** `defineWorld`: a world's declaration, checked where its author can see the mistake. */
import { z } from "zod";
import { EvoError } from "../errors.js";
import { faultSchema } from "./fault.js";
import type { Endpoint, WorldDefinition, WorldSpec } from "./model.js";

/** Fewer edges than this would let a handful of looks prove a region by luck. */
const LEAST_EDGES = 5;

const range = z
  .tuple([z.number().nonnegative(), z.number().nonnegative()])
  .refine(([min, max]) => min <= max, "a range goes from the smaller to the larger");

const properties = z.record(z.string(), z.json());
const standIns = z.strictObject({
  stacks: z.record(z.string().regex(/^[^/]+\/[^/]+$/, "<project>/<stack>"), properties).optional(),
  config: z.record(z.string().regex(/^[^/]+\/[^/]+$/, "<project>/<stack>"), properties).optional(),
  outputs: z.record(z.string(), properties).optional(),
  invokes: z.record(z.string(), properties).optional(),
  addresses: z.record(z.url(), z.string()).optional(),
  env: z.record(z.string(), z.string()).optional(),
});

const schema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, "lower-case letters, digits and dashes"),
    seed: z.int().default(1),
    packages: z.array(z.string().min(1)).min(1).default(["aws", "kubernetes"]),
    regions: z.record(z.string().min(1), z.strictObject({ edges: z.int().min(LEAST_EDGES).max(64) })),
    propagation: z.array(
      z.strictObject({
        types: z.string().min(1),
        reach: z.enum(["everywhere", "region"]).optional(),
        delay: range,
        regions: z.record(z.string(), range).optional(),
      }),
    ),
    endpoint: z.custom<Endpoint>((value) => typeof value === "function", "a function (edge, request) => answer"),
    faults: z.array(faultSchema).default([]),
    standIns: standIns.default({}),
    traffic: z
      .strictObject({
        path: z.string().startsWith("/"),
        perSecond: z.number().positive().max(100).default(10),
        users: z.int().positive().default(7),
      })
      .default({ path: "/", perSecond: 10, users: 7 }),
  })
  .superRefine((spec, context) => {
    if (Object.keys(spec.regions).length === 0) context.addIssue({ code: "custom", message: "at least one region" });
    const named = [
      ...spec.propagation.flatMap((rule, at) =>
        Object.keys(rule.regions ?? {}).map((region) => ({ region, path: ["propagation", at, "regions", region] })),
      ),
      ...spec.faults.flatMap((fault, at) =>
        fault.kind === "fails" ? [] : [{ region: fault.region, path: ["faults", at, "region"] }],
      ),
      ...Object.entries(spec.standIns.addresses ?? {}).map(([origin, region]) => ({
        region,
        path: ["standIns", "addresses", origin],
      })),
    ];
    for (const { region, path } of named) {
      if (!(region in spec.regions)) context.addIssue({ code: "custom", message: `no region "${region}"`, path });
    }
  });

/**
 * Declares a world. The default export of a module in `sequences/worlds/`.
 * Throws `world.invalid` with every mistake and its place.
 */
export function defineWorld(spec: WorldSpec): WorldDefinition {
  const parsed = schema.safeParse(spec);
  if (parsed.success) return parsed.data as unknown as WorldDefinition;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "world"}: ${message}`);
  throw new EvoError("world.invalid", `The world is not valid. ${problems.join("; ")}`, {
    remedy: "Correct the declaration of the world.",
  });
}
