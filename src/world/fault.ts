/** What goes wrong in a world, as a person or a test says it. */
import { z } from "zod";
import { EvoError } from "../errors.js";
import type { Fault, WorldDefinition } from "./model.js";

export const faultSchema = z.strictObject({
  kind: z.literal("never-converges"),
  region: z.string(),
  edge: z.string().optional(),
  types: z.string().optional(),
});

/** `never-converges:eu-west-1`, or `never-converges:eu-west-1/3` for one edge. Error: `world.fault`. */
export function parseFault(text: string): Fault {
  const [, region, edge] = /^never-converges:([^/]+)(\/\d+)?$/.exec(text) ?? [];
  if (region !== undefined) {
    return { kind: "never-converges", region, ...(edge === undefined ? {} : { edge: `${region}${edge}` }) };
  }
  throw new EvoError("world.fault", `"${text}" is no fault that a world knows.`, {
    remedy: "Say never-converges:<region>, or never-converges:<region>/<edge number>.",
  });
}

/** A fault checked against a world. Error: `world.fault`. */
export function checkFault(definition: WorldDefinition, value: unknown): Fault {
  const parsed = faultSchema.safeParse(value);
  if (!parsed.success) throw new EvoError("world.fault", `Not a fault: ${parsed.error.issues[0]?.message}`);
  const { kind, region, edge, types } = parsed.data;
  const known = definition.regions[region];
  if (known === undefined) {
    throw new EvoError("world.fault", `The world has no region "${region}".`, {
      remedy: `Name one of: ${Object.keys(definition.regions).join(", ")}.`,
    });
  }
  if (edge !== undefined && !(Number(edge.split("/")[1]) <= known.edges && edge.startsWith(`${region}/`))) {
    throw new EvoError("world.fault", `Region "${region}" has the edges 1 to ${known.edges}, not "${edge}".`);
  }
  return { kind, region, ...(edge === undefined ? {} : { edge }), ...(types === undefined ? {} : { types }) };
}
