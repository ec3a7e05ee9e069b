/** What goes wrong in a world, as a person or a test says it. */
import { z } from "zod";
import { EvoError } from "../errors.js";
import type { Fault, WorldDefinition } from "./model.js";

/** Milliseconds that a flapping change is seen, and isn't, where nobody says it. */
const TURN = 500;

const whom = {
  types: z.string().optional(),
  stacks: z.array(z.string().min(1)).optional(),
  from: z.number().nonnegative().optional(),
  until: z.number().nonnegative().optional(),
};
const where = { region: z.string(), edge: z.string().optional() };

export const faultSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("never-converges"), ...where, ...whom }),
  z.strictObject({
    kind: z.literal("flaps"),
    ...where,
    ...whom,
    shown: z.number().positive().default(TURN),
    hidden: z.number().positive().default(TURN),
  }),
  z.strictObject({ kind: z.literal("fails"), ...whom }),
]);

/**
 * `never-converges:eu-west-1` or `flaps:eu-west-1` (`…/3` for one edge), `fails:<project>/<stack>`. Error: `world.fault`.
 */
export function parseFault(text: string): Fault {
  const [, kind, region, edge] = /^(never-converges|flaps):([^/]+)(\/\d+)?$/.exec(text) ?? [];
  if (region !== undefined) {
    const place = { region, ...(edge === undefined ? {} : { edge: `${region}${edge}` }) };
    return kind === "flaps" ? { kind, ...place, shown: TURN, hidden: TURN } : { kind: "never-converges", ...place };
  }
  const [, stack] = /^fails:([^/]+\/.+)$/.exec(text) ?? [];
  if (stack !== undefined) return { kind: "fails", stacks: [stack] };
  throw new EvoError("world.fault", `"${text}" is no fault that a world knows.`, {
    remedy: "Say never-converges:<region>, flaps:<region> (or <region>/<edge number>), or fails:<project>/<stack>.",
  });
}

/** A fault checked against a world. Error: `world.fault`. */
export function checkFault(definition: WorldDefinition, value: unknown): Fault {
  const parsed = faultSchema.safeParse(value);
  if (!parsed.success) throw new EvoError("world.fault", `Not a fault: ${parsed.error.issues[0]?.message}`);
  const fault = withoutGaps(parsed.data);
  if (fault.kind === "fails") return fault;
  const { region, edge } = fault;
  const known = definition.regions[region];
  if (known === undefined) {
    throw new EvoError("world.fault", `The world has no region "${region}".`, {
      remedy: `Name one of: ${Object.keys(definition.regions).join(", ")}.`,
    });
  }
  if (edge !== undefined && !(Number(edge.split("/")[1]) <= known.edges && edge.startsWith(`${region}/`))) {
    throw new EvoError("world.fault", `Region "${region}" has the edges 1 to ${known.edges}, not "${edge}".`);
  }
  return fault;
}

/** What was left out is not there, rather than undefined. */
function withoutGaps(fault: z.infer<typeof faultSchema>): Fault {
  return Object.fromEntries(Object.entries(fault).filter(([, value]) => value !== undefined)) as unknown as Fault;
}

/** A fault in one line, as `parseFault` takes it where it can. */
export function describeFault(fault: Fault): string {
  const place = fault.kind === "fails" ? "" : `:${fault.edge ?? fault.region}`;
  const stacks = fault.stacks === undefined ? "" : `${fault.kind === "fails" ? ":" : " of "}${fault.stacks.join(", ")}`;
  return `${fault.kind}${place}${stacks}${fault.types === undefined ? "" : ` (${fault.types})`}`;
}
