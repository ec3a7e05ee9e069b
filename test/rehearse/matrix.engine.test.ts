/** A small fault matrix on the real engine: what is met, what answers it, and that missing rules are seen. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { COMPONENT, type Evo, openEvo } from "../support/evo.js";
import { redOf, rehearse } from "./support.js";

const OUTPUT = `const pulumi = require("@pulumi/pulumi");
class Thing extends pulumi.CustomResource {
  constructor(name, args) { super("aws:sqs/queue:Queue", name, args); }
}
new Thing("thing", { name: "thing" });
exports.there = "yes";
`;

let evo: Evo;
beforeAll(async () => {
  evo = await openEvo();
  evo.project("a", COMPONENT);
  evo.project("b", OUTPUT);
});
afterAll(() => evo.close());

/** Two steps; the second one's boundary is looked at four times in a row. */
function pair(name: string, rules: string): string {
  return evo.sequence(
    name,
    `const there = gate("there", { targets: ["here"], probe: stackOutput({ path: "there", equals: "yes" }), interval: "100ms", consecutiveSuccessLimit: 4 });
const end = gate("end", { targets: ["a"], probe: settled("a") });
export default defineSequence({ name: "${name}", onFailure: "recover", steps: [
  up("a", { dir: "../projects/a", stack: "dev" }),
  up("b", { dir: "../projects/b", stack: "dev", convergedWhen: [there] }),
], ${rules} });`,
  );
}

it("cells begin before their fault, are answered by their rules, and are red where a rule is missing", async () => {
  evo.sequence(
    "back",
    `export default defineSequence({ name: "back", steps: [up("a", { dir: "../projects/a", stack: "dev" })],
  consistentWhen: [gate("end", { targets: ["a"], probe: settled("a") })] });`,
  );
  const answered = 'consistentWhen: [end], recovery: [{ name: "back", sequence: "./back.ts", start: "at-once" }]';
  pair("pair", answered);
  const told = await rehearse(evo, "pair", "--faults", "b=fails,b/here=briefly", "--patience", "3s");
  expect(redOf(told)).toEqual([]);
  expect(told.code, told.stderr).toBe(0);
  expect(told.results).toEqual([
    expect.objectContaining({
      outcome: "recovered",
      met: true,
      by: "provider",
      halt: expect.objectContaining({ cause: "operation-failed", node: "b" }),
      recovery: expect.objectContaining({ sequence: "back", status: "completed", applied: ["a"], approved: false }),
      consistent: "yes",
    }),
    expect.objectContaining({
      met: true,
      by: "look",
      halt: expect.objectContaining({ cause: "gate-timed-out", node: "b" }),
      consistent: "yes",
    }),
  ]);
  expect(told.results.every(({ requests }) => requests > 0)).toBe(true);

  pair("unanswered", answered.replace("sequence:", 'when: { at: ["a"] }, sequence:'));
  const red = await rehearse(evo, "unanswered", "--faults", "b=fails", "--parallel", "1");
  expect(red.code).toBe(7);
  expect(redOf(red)).toEqual(["b=fails: it halted, and no recovery answers that"]);
});
