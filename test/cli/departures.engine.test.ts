/** A plain CLI behind evo's back: whatever it does to a stack is found before the next step starts (invariant 9). */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMPONENT, type Evo, openEvo } from "../support/evo.js";

let evo: Evo;
let folder: { readonly [name: string]: string };
beforeAll(async () => {
  evo = await openEvo();
  folder = Object.fromEntries(["a", "b"].map((name) => [name, evo.project(name, COMPONENT)]));
  await Promise.all(Object.values(folder).map((project) => evo.init(project, "dev")));
  await pulumi("b", "up", "--yes");
});
afterAll(() => evo.close());

async function pulumi(project: string, ...args: readonly string[]): Promise<string> {
  const answer = await evo.bench.pulumi(folder[project] ?? "", [...args, "--stack", "dev"]);
  if (answer.code !== 0) throw new Error(answer.stderr + answer.stdout);
  return answer.stdout;
}

const THING = "urn:pulumi:dev::b::test:index:Thing::thing";
const place = (name: string) => join(evo.directory, name);

/** Each as an operator would, and what evo is to say of it. */
const BEHIND: readonly (readonly [what: string, act: () => Promise<unknown>, said: RegExp])[] = [
  ["up", () => pulumi("b", "up", "--yes"), /b was changed before step 2 by unknown: update: /],
  ["refresh", () => pulumi("b", "refresh", "--yes"), /before step 2 by unknown: refresh: /],
  ["state delete", () => pulumi("b", "state", "delete", "--yes", THING), /its state was edited: delete thing/],
  ["destroy of a resource", destroyThing, /destroy: delete thing/],
  ["stack import", importOlder, /its state was edited: create thing/],
];

async function destroyThing(): Promise<void> {
  await pulumi("b", "up", "--yes");
  writeFileSync(place("older.json"), await pulumi("b", "stack", "export"));
  await pulumi("b", "destroy", "--yes", "--target", THING);
}

async function importOlder(): Promise<void> {
  await pulumi("b", "stack", "import", "--file", place("older.json"));
}

async function departures() {
  const { stdout } = await evo.run(["ledger", "log", "--type", "departure.detected", "--json"]);
  return JSON.parse(stdout) as readonly { stack: string; run?: string; body: { place: string; summary: string } }[];
}

describe("behind evo's back", () => {
  it("each of up, refresh, state delete, destroy and import halts the run before the next step", async () => {
    evo.sequence(
      "pair",
      `const there = gate("file", { targets: ["here"], probe: command(["test", "-e", "${place("go")}"]), interval: "100ms" });
export default defineSequence({ name: "pair", steps: [
  up("a", { dir: "../projects/a", stack: "dev", convergedWhen: [there] }),
  up("b", { dir: "../projects/b", stack: "dev" }),
] });`,
    );
    const run = evo.start(["up", "pair"]);
    await run.until(/a: updated/);
    const seen: string[] = [];
    for (const [what, act, said] of BEHIND) {
      await act();
      writeFileSync(place("go"), "");
      const { code, stderr } = seen.length === 0 ? await run.ended : await evo.run(["resume", "--reason", "looked at"]);
      expect(code, `${what}: ${stderr}`).toBe(7);
      const fresh = (await departures()).slice(seen.length).map(({ body }) => body);
      expect(fresh.map(({ summary }) => summary).join("\n"), what).toMatch(said);
      expect(fresh.every(({ place }) => place === "early")).toBe(true);
      seen.push(...fresh.map(({ summary }) => summary));
    }
    const intents = await evo.run(["ledger", "log", "--type", "operation.intended", "--json"]);
    expect(JSON.parse(intents.stdout).map(({ step }: { step: string }) => step)).toEqual(["a"]);
    const status = JSON.parse((await evo.run(["status", "--json"])).stdout);
    expect(status.halt).toMatchObject({ cause: "departed" });
    expect(status.departures).toHaveLength(seen.length);
    expect((await evo.run(["resume", "--reason", "all is known"])).code).toBe(0);
    // Its own updates are no departures.
    expect(await departures()).toHaveLength(seen.length);
  });

  it("a stack under deployment, a lost backend and a missing passphrase are not assessed, and say so", async () => {
    const locks = join(evo.directory, "backend", ".pulumi", "locks", "organization", "b", "dev");
    const checkpoint = join(evo.directory, "backend", ".pulumi", "stacks", "b", "dev.json");
    const before = readFileSync(checkpoint);
    mkdirSync(locks, { recursive: true });
    const lock = { pid: process.pid, username: "zoë", hostname: hostname(), timestamp: "2030-01-01T00:00:00Z" };
    writeFileSync(join(locks, "one.json"), JSON.stringify(lock));
    const scan = (env: { readonly [name: string]: string | undefined } = {}) =>
      evo.run(["drift", "scan", "b/dev", "--fail"], { env });
    const inFlight = await scan();
    rmSync(locks, { recursive: true });
    expect(inFlight).toMatchObject({
      code: 7,
      stdout: expect.stringMatching(/b\/dev +not assessed .*in flight: locked by zoë/),
    });
    expect(readFileSync(checkpoint)).toEqual(before);
    expect(await scan({ PULUMI_CONFIG_PASSPHRASE: "wrong" })).toMatchObject({
      code: 7,
      stdout: expect.stringMatching(/not assessed .*passphrase/),
    });
    const board = await evo.run(["drift", "list"]);
    expect(board.stdout).toMatch(/b\/dev +departed/);
    expect(await scan({ PULUMI_BACKEND_URL: `file://${place("nowhere")}` })).toMatchObject({
      code: 7,
      stdout: expect.stringMatching(/not assessed .*there is no stack/),
    });
  });
});
