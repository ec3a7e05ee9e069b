/** What programs reach for outside of a sequence, read from their text. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { outsideOf } from "../../src/authoring/outside.js";

const FILES = {
  "app/Pulumi.yaml": "name: app\nruntime: nodejs\n",
  "app/index.ts": `import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
// new pulumi.StackReference("acme/comment/prod")
const network = new pulumi.StackReference("acme/network/prod");
const site = new pulumi.StackReference(\`\${pulumi.getOrganization()}/site/\${pulumi.getStack()}\`);
const vpc = network.getOutput("vpcId");
export const zone = network.requireOutput('zone'), title = site.getOutput("title");
export const found = aws.ec2.getVpcOutput({ id: vpc }), region = aws.getRegion();
pulumi.getStack();
`,
  "site/Pulumi.yaml": "name: site\nruntime: nodejs\n",
  "site/index.js": `const pulumi = require("@pulumi/pulumi"); const random = require("@pulumi/random");
const other = new pulumi.StackReference(name());
`,
};

function project(): string {
  const root = mkdtempSync(join(tmpdir(), "evo-outside-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

it("names stacks that no step brings with the outputs that are read of them, called functions, used packages", () => {
  const root = project();
  const { stacks, functions, packages } = outsideOf(
    [
      { dir: "app", stack: "prod" },
      { dir: "site", stack: "acme/site/prod" },
    ],
    root,
  );
  expect(stacks.filter(({ project }) => project !== undefined)).toEqual([
    expect.objectContaining({ project: "network", stack: "prod", outputs: ["vpcId", "zone"] }),
  ]);
  expect(stacks.find(({ project }) => project === undefined)?.written.text).toBe("name()");
  expect(functions).toEqual([
    { token: "aws:ec2/getVpc:getVpc", file: join(root, "app/index.ts"), line: 8 },
    { token: "aws:index/getRegion:getRegion", file: join(root, "app/index.ts"), line: 8 },
  ]);
  expect(packages).toEqual(["aws", "random"]);
});

it("misses the stack of a step that is left out", () => {
  const { stacks } = outsideOf([{ dir: "app", stack: "prod" }], project());
  expect(stacks.map(({ project, stack }) => `${project}/${stack}`)).toEqual(["network/prod", "site/prod"]);
});
