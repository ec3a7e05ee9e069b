/** The exit codes of `evo up` (DESIGN 9), and what is said with each. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMPONENT, type Evo, openEvo } from "../support/evo.js";

let evo: Evo;
beforeAll(async () => {
  evo = await openEvo();
  await evo.init(evo.project("a", COMPONENT), "dev");
});
afterAll(() => evo.close());

/** Ready gates are judged before any engine runs: quick, and the same judgement as after an update. */
const GATES = [
  { name: "failed", probe: `command(["false"])`, policy: `failureLimit: 2`, exit: 4, cause: "gate-failed" },
  { name: "timed-out", probe: `command(["false"])`, policy: `timeout: "400ms"`, exit: 5, cause: "gate-timed-out" },
  {
    name: "inconclusive",
    probe: `command(["sh", "-c", "echo warming up; exit 75"])`,
    policy: `inconclusiveLimit: 2`,
    exit: 5,
    cause: "gate-inconclusive",
  },
  {
    name: "no-look",
    probe: `command(["no-such-program"])`,
    policy: `consecutiveErrorLimit: 2`,
    exit: 5,
    cause: "gate-errored",
  },
] as const;

const gated = (name: string, when: string, probe: string, policy: string) =>
  `export default defineSequence({ name: "${name}", steps: [up("a", { dir: "../projects/a", stack: "dev", ${when}: [
  gate("healthy", { targets: ["here"], probe: ${probe}, interval: "100ms", ${policy} }),
] })] });`;

describe("gates", () => {
  it.each(GATES)("$name: exit $exit", async ({ name, probe, policy, exit, cause }) => {
    evo.sequence(name, gated(name, "readyWhen", probe, policy));
    const { code, stdout, stderr } = await evo.run(["up", name, "--json"]);
    expect(code, stderr).toBe(exit);
    const view = JSON.parse(stdout);
    expect(view).toMatchObject({ status: "halted", halt: { cause, node: "a" }, steps: [{ status: "waiting" }] });
    const status = await evo.run(["status", view.run]);
    expect(status.code).toBe(0);
    expect(status.stdout).toMatch(new RegExp(`halted \\(${cause}\\) at a: `));
    expect(status.stdout).toMatch(/missing signals:\n {2}here \(a: healthy\): /);
  });

  it("behind an update that has succeeded, and at the end of the run: exit 4", async () => {
    evo.sequence("after", gated("after", "convergedWhen", `command(["false"])`, "failureLimit: 1"));
    const after = await evo.run(["up", "after"]);
    expect(after.code, after.stderr).toBe(4);
    expect(after.stdout).toMatch(/^a +converging +2 created/m);
    evo.sequence(
      "end",
      `export default defineSequence({ name: "end", steps: [up("a", { dir: "../projects/a", stack: "dev" })], consistentWhen: [
  gate("same", { targets: ["here"], probe: command(["false"]), interval: "100ms", failureLimit: 1 }),
] });`,
    );
    const end = await evo.run(["up", "end"]);
    expect(end.code, end.stderr).toBe(4);
    expect(end.stdout).toMatch(/halted \(inconsistent\)/);
  });
});

/**
 * It logs its error and says that it has (32), instead of throwing it: Node 20.20 takes half a minute to print an exception of a Pulumi program
 * (util.inspect goes astray at paths like `node_modules/@pulumi/resource.ts`), under the plain CLI as well.
 */
const BROKEN = `require("@pulumi/pulumi").log.error("the quota is used up").then(() => process.exit(32));`;

describe("operations", () => {
  const step = (project: string) => `up("${project}", { dir: "../projects/${project}", stack: "dev" })`;

  it("a program that fails: exit 1, with the program's own words", async () => {
    await evo.init(evo.project("broken", BROKEN), "dev");
    evo.sequence("broken", `export default defineSequence({ name: "broken", steps: [${step("broken")}] });`);
    const { code, stdout, stderr } = await evo.run(["up", "broken"]);
    expect(code, stderr).toBe(1);
    expect(stdout).toMatch(/halted \(operation-failed\) at broken: [\s\S]*the quota is used up/);
  });

  it("a program that registers nothing on a stack that has something: refused, exit 2, nothing is deleted", async () => {
    const project = evo.project("emptied", COMPONENT);
    await evo.init(project, "dev");
    evo.sequence("emptied", `export default defineSequence({ name: "emptied", steps: [${step("emptied")}] });`);
    expect((await evo.run(["up", "emptied"])).code).toBe(0);
    writeFileSync(join(project, "index.js"), "");
    const { code, stdout, stderr } = await evo.run(["up", "emptied"]);
    expect(code, stderr).toBe(2);
    expect(stdout).toMatch(/halted \(operation-refused\) at emptied: /);
    const state = await evo.bench.pulumi(project, ["stack", "export", "--stack", "dev"]);
    expect(JSON.parse(state.stdout).deployment.resources).toHaveLength(2);
  });
});
