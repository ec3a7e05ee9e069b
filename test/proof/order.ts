/** What the record must say of a rollout: the flag came after the gateways had converged, and because of it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Measurement } from "../../src/gates/model.js";
import type { Entry } from "../../src/run/ports.js";
import type { World, WorldEntry } from "../../src/world/index.js";
import { REGIONS } from "../support/rehearsal.js";

/** The gateway's boundary opened because fresh looks at all regions had passed, and the flag followed from that. */
export function expectOrderInLedger(entries: readonly Entry[]): void {
  const intended = only(entries, (entry) => entry.type === "operation.intended" && entry.step === "flags");
  const opened = only(entries, (entry) => entry.type === "boundary.opened" && entry.body.node === "gateway");
  expect(opened.number).toBeLessThan(intended.number);
  expect(ancestors(entries, intended)).toContain(opened);
  const causes = ancestors(entries, opened);
  for (const region of REGIONS) {
    const update = only(entries, (entry) => entry.type === "operation.succeeded" && entry.step === `gateway-${region}`);
    expect(causes).toContain(update);
    const looks = causes.filter((entry) => entry.type === "gate.measured" && entry.body.target === region);
    const passes = looks.flatMap(measurements).filter(({ verdict }) => verdict === "pass");
    expect(passes.length, `passing looks at ${region}`).toBeGreaterThan(0);
    for (const look of looks) expect(look.body.operations).toContain(update.operation);
    for (const pass of passes) expect(pass.began).toBeGreaterThanOrEqual(update.body.ended as number);
  }
}

function measurements({ body }: Entry): readonly Measurement[] {
  return body.measurements as unknown as readonly Measurement[];
}

function only(entries: readonly Entry[], wanted: (entry: Entry) => boolean): Entry {
  const found = entries.filter(wanted);
  expect(found).toHaveLength(1);
  return found[0]!;
}

/** Every entry that an entry follows from, directly or not. */
function ancestors(entries: readonly Entry[], from: Entry): readonly Entry[] {
  const known = new Map(entries.map((entry) => [entry.number, entry]));
  const found = new Set<Entry>();
  const waiting = [from];
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    for (const { number, hash } of entry.causes) {
      const cause = known.get(number);
      if (cause === undefined || found.has(cause)) continue;
      expect(cause.hash).toBe(hash);
      found.add(cause);
      waiting.push(cause);
    }
  }
  return [...found];
}

/** By the world's own clock and by the engine's: the flag was made when every edge had the gateways' new policy. */
export async function expectOrderInWorld(world: World): Promise<void> {
  const log = await world.log();
  const arrived = policyArrivals(log);
  for (const region of REGIONS) expect(Object.keys(arrived).filter((edge) => edge.startsWith(region))).toHaveLength(5);
  const last = Math.max(...Object.values(arrived));
  const calls = flagCalls(log);
  expect(calls.length).toBeGreaterThan(0);
  for (const { at } of calls) expect(at).toBeGreaterThan(last);
  const made = madeByEngine(world, "flags/prod");
  expect(made.length).toBeGreaterThan(0);
  for (const at of made) expect(at).toBeGreaterThan(last);
}

/** When the last part of the gateways' change arrived, by edge. */
function policyArrivals(log: readonly WorldEntry[]): { readonly [edge: string]: number } {
  const arrived: { [edge: string]: number } = {};
  for (const entry of log) {
    if (entry.type !== "change.taken" || !/^urn:pulumi:[^:]*::gateway::aws:(lambda|apigatewayv2)\//.test(entry.urn))
      continue;
    for (const [edge, due] of Object.entries(entry.due)) arrived[edge] = Math.max(arrived[edge] ?? 0, due);
  }
  return arrived;
}

/** Calls of the provider that changed anything of the flag. */
export function flagCalls(log: readonly WorldEntry[]) {
  return log.flatMap((entry) =>
    entry.type === "provider.called" && /^(create|update)$/.test(entry.op) && entry.urn?.includes("::flags::") === true
      ? [entry]
      : [],
  );
}

/** When the engine made the resources of a stack's checkpoint, milliseconds since the epoch. */
function madeByEngine(world: World, stack: string): readonly number[] {
  const file = join(world.dir, "backend", ".pulumi", "stacks", `${stack}.json`);
  const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as {
    checkpoint: { latest: { resources: readonly { readonly type: string; readonly created?: string }[] } };
  };
  return checkpoint.latest.resources.flatMap(({ type, created }) =>
    type.startsWith("aws:") && created !== undefined ? [Date.parse(created)] : [],
  );
}
