/** People in the order of things: what is approved is what happens, or nothing does (issue 7). */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Evo, openEvo } from "../support/evo.js";

let evo: Evo;
let project: string;
beforeAll(async () => {
  evo = await openEvo();
  // What the program declares is read from a file beside its sources: they stay the same while it changes its mind.
  project = evo.project(
    "a",
    `const pulumi = require("@pulumi/pulumi");
const names = require("node:fs").readFileSync(${JSON.stringify(join(evo.directory, "names"))}, "utf8").trim().split(" ");
for (const name of names) new pulumi.ComponentResource("test:index:Thing", name);
`,
  );
  await evo.init(project, "dev");
  evo.sequence(
    "asking",
    `export default defineSequence({ name: "asking", steps: [
  up("a", { dir: "../projects/a", stack: "dev", readyWhen: [approved({ by: ["@access"], count: 2 })] }),
] });`,
  );
});
afterAll(() => evo.close());

const declares = (names: string) => writeFileSync(join(evo.directory, "names"), names);
const as = (actor: string) => ({ env: { EVO_ACTOR: actor } });
const resources = async () => {
  const { stdout } = await evo.bench.pulumi(project, ["stack", "export", "--stack", "dev"]);
  return (JSON.parse(stdout).deployment.resources ?? []) as unknown[];
};

it("a preview that is not what was approved halts the run before any effect, and says how it differs", async () => {
  declares("one two");
  const first = evo.start(["up", "asking"]);
  await first.until(/a\/ready\/approved: approval is asked for; a: 3 to create/);
  const status = JSON.parse((await evo.run(["status", "--json"])).stdout);
  expect(status.asks).toMatchObject([
    { gate: "a/ready/approved", by: ["@access"], request: { steps: [{ step: "a" }] } },
  ]);
  const early = await evo.run(["override", "nope", "--reason", "no such gate"]);
  expect(early.code).toBe(2);
  declares("two three");
  const alice = await evo.run(["approve", "a", "--reason", "reviewed"], as("alice"));
  expect(alice.code, alice.stderr).toBe(0);
  expect(alice.stdout).toMatch(/a: 3 to create\n(.*\n)*\s+create Thing one/);
  expect((await evo.run(["approve", "a", "--reason", "reviewed, too"], as("bob"))).code).toBe(0);
  const halted = await first.ended;
  expect(halted.code, halted.stderr).toBe(3);
  expect(halted.stdout).toMatch(
    /halted \(approval-outdated\) at a\b.*\+ create Thing three; - no longer create Thing one/s,
  );
  expect(await resources()).toEqual([]);

  const second = evo.start(["resume", "--reason", "three instead of one is right"]);
  await second.until(/approval is asked for/);
  expect(JSON.parse((await evo.run(["approve", "a", "--show", "--json"])).stdout)).toMatchObject({
    gate: "a/ready/approved",
  });
  for (const actor of ["alice", "bob"])
    expect((await evo.run(["approve", "a", "--reason", "seen again"], as(actor))).code).toBe(0);
  const done = await second.ended;
  expect(done.code, done.stderr).toBe(0);
  expect(await resources()).toHaveLength(3);
  const audit = JSON.parse((await evo.run(["audit", "--json"])).stdout);
  const approvals = audit.people.filter(({ did }: { did: string }) => did === "approved");
  expect(approvals.map(({ claimed }: { claimed: string }) => claimed)).toEqual(["alice", "bob", "alice", "bob"]);
  expect(audit.verdicts.converged.holds).toBe("yes");
});
