/** A project that was not written for evo is rehearsed with what evo's own stub says (pasted as it is). */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Evo, openEvo } from "../support/evo.js";

const APP = `const pulumi = require("@pulumi/pulumi");
const config = new pulumi.Config();
const network = new pulumi.StackReference("acme/network/prod");
class Queue extends pulumi.CustomResource {
  constructor(name, args) { super("aws:sqs/queue:Queue", name, { ...args, arn: undefined }); }
}
const queue = new Queue("orders", { vpc: network.getOutput("vpcId"), password: config.requireSecret("password") });
exports.arn = queue.arn;
exports.vpc = network.requireOutput("vpcId");
`;
const SITE = `const pulumi = require("@pulumi/pulumi");
const app = new pulumi.StackReference(\`acme/app/\${pulumi.getStack()}\`);
exports.vpc = app.requireOutput("vpc");
`;
const SETTINGS = `secretsprovider: awskms://alias/prod?region=us-east-1
encryptedkey: AQEBAHi=
config:
  app:password:
    secure: AAABAKzq
`;

let evo: Evo;
beforeAll(async () => {
  evo = await openEvo();
});
afterAll(() => evo.close());

it("lists what is missing with a stub, exit 2, and with the stub pasted it is rehearsed to its end", async () => {
  writeFileSync(join(evo.project("app", APP), "Pulumi.prod.yaml"), SETTINGS);
  evo.project("site", SITE);
  const sequence = (more: string) =>
    evo.sequence(
      "shop",
      `const vpc = gate("vpc", { targets: ["site"], probe: stackOutput({ path: "vpc", equals: "stand-in", reveal: true }) });
export default defineSequence({ name: "shop", ${more} steps: [
  up("app", { dir: "../projects/app", stack: "prod" }),
  up("site", { dir: "../projects/site", stack: "prod", convergedWhen: [vpc] }),
] });`,
    );
  sequence("");
  const refused = await evo.run(["up", "shop", "--rehearse", "--json"]);
  expect(refused.code, refused.stderr).toBe(2);
  expect(refused.stderr).toMatch(/app\/index\.js:3: StackReference "acme\/network\/prod": no step brings/);
  expect(refused.stderr).toMatch(/app\/Pulumi\.prod\.yaml: app:password is encrypted/);
  const { error } = JSON.parse(refused.stdout) as { error: { code: string; stub: string } };
  expect(error.code).toBe("rehearsal.stand-ins");

  mkdirSync(join(evo.directory, "sequences", "worlds"));
  writeFileSync(join(evo.directory, "sequences", "worlds", "shop.ts"), error.stub);
  sequence('world: "./worlds/shop.ts",');
  const rehearsed = await evo.run(["up", "shop", "--rehearse", "--json"]);
  expect(rehearsed.code, rehearsed.stderr).toBe(0);
  expect(JSON.parse(rehearsed.stdout)).toMatchObject({ status: "completed" });
  expect(readFileSync(join(evo.directory, "projects", "app", "Pulumi.prod.yaml"), "utf8")).toBe(SETTINGS);

  const set = await evo.run(["world", "fault", "shop", "fails:app/prod", "flaps:local/3"]);
  expect(set.stdout).toMatch(/^fails:app\/prod: from now on.*\nflaps:local\/3: from now on/);
  expect((await evo.run(["world", "fault", "shop", "--lift"])).stdout).toMatch(/^all faults lifted/);
  const log = JSON.parse((await evo.run(["world", "log", "shop", "--json"])).stdout) as { type: string }[];
  const kinds = ["provider.called", "change.taken", "fault.began", "faults.lifted"];
  expect(log.map(({ type }) => type)).toEqual(expect.arrayContaining(kinds));
  const told = async (...args: readonly string[]) => (await evo.run(["world", "log", "shop", ...args])).stdout;
  expect(await told()).toMatch(/^\d{4}-\d\d-\d\dT\S+Z {2}fault: fails:app\/prod$/m);
  expect((await told("--limit", "3")).trimEnd().split("\n")).toHaveLength(3);
});
