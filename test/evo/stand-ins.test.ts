/** What a rehearsal lacks is said before it starts, with what to paste. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { outsideOf } from "../../src/authoring/outside.js";
import { rehearsalOf } from "../../src/evo/rehearsal.js";
import { demandStandIns, StandInsMissing } from "../../src/evo/stand-ins.js";
import { compile } from "../../src/plan/compile.js";
import type { Sequence } from "../../src/sequence/model.js";
import type { StandIns } from "../../src/world/index.js";

const SEQUENCE: Sequence = {
  version: 1,
  name: "shop",
  steps: [
    {
      kind: "up",
      name: "app",
      dir: "app",
      stack: "prod",
      env: { TOKEN: { $env: "SHOP_TOKEN" } },
      convergedWhen: [
        {
          name: "answers",
          targets: [{ name: "site", probe: { type: "http", url: "https://shop.example/health", expect: {} } }],
        },
      ],
    },
  ],
};

function lacking(standIns: StandIns, there: readonly string[] = []): StandInsMissing | undefined {
  const root = mkdtempSync(join(tmpdir(), "evo-stand-ins-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "app"));
  writeFileSync(join(root, "app/Pulumi.yaml"), "name: app\nruntime: nodejs\n");
  writeFileSync(join(root, "app/Pulumi.prod.yaml"), "config:\n  app:password:\n    secure: AAAB\n  app:size: 3\n");
  writeFileSync(
    join(root, "app/index.ts"),
    'import * as aws from "@pulumi/aws";\nconst net = new StackReference("acme/net/prod");\nnet.getOutput("vpc");\naws.ec2.getVpc({});\naws.getRegion();\n',
  );
  const file = join(root, "sequences/shop.ts");
  const { module } = rehearsalOf({ root });
  const outside = outsideOf([{ dir: "app", stack: "prod" }], root);
  const has = (project: string, stack?: string) =>
    there.some((name) => name === `${project}/${stack}` || (stack === undefined && name.startsWith(`${project}/`)));
  const world = { standIns, regions: ["local"], has };
  try {
    demandStandIns({ plan: compile(SEQUENCE), root, file, module, outside, env: standIns.env ?? {} }, world);
    return undefined;
  } catch (error) {
    if (error instanceof StandInsMissing) return error;
    throw error;
  }
}

/** What the stub declares, read as its author's module would be. */
function declared(stub: string): StandIns {
  const found = /standIns: (\{[\s\S]*\n {2}\}),/.exec(stub)?.[1] ?? "";
  return new Function(`return ${found}`)() as StandIns;
}

it("lists all of it, and with its own stub pasted nothing is missing", () => {
  const missing = lacking({});
  expect(missing?.exit).toBe(2);
  expect(missing?.message.split("\n").slice(1)).toEqual([
    expect.stringContaining('app/index.ts:2: StackReference "acme/net/prod": no step brings the stack net/prod'),
    expect.stringContaining("app/Pulumi.prod.yaml: app:password is encrypted"),
    expect.stringContaining("app/index.ts:4: aws:ec2/getVpc:getVpc is answered by the cloud"),
    expect.stringContaining("gate answers asks https://shop.example"),
    expect.stringContaining('env("SHOP_TOKEN")'),
  ]);
  expect(missing?.stub).toMatch(/^import \{ defineWorld \} from "evo";/);
  const pasted = declared(missing?.stub ?? "");
  expect(pasted).toEqual({
    stacks: { "net/prod": { vpc: "stand-in" } },
    config: { "app/prod": { "app:password": "stand-in" } },
    invokes: { "aws:ec2/getVpc:getVpc": { id: "stand-in" } },
    addresses: { "https://shop.example": "local" },
    env: { SHOP_TOKEN: "stand-in" },
  });
  expect(lacking(pasted)).toBeUndefined();
});

it("keeps what is declared already, and asks for no stack that the world has", () => {
  const missing = lacking({ stacks: { "other/prod": { a: 1 } }, env: { SHOP_TOKEN: "mine" } }, ["net/prod"]);
  expect(missing?.message).not.toContain("StackReference");
  expect(declared(missing?.stub ?? "")).toMatchObject({
    stacks: { "other/prod": { a: 1 } },
    env: { SHOP_TOKEN: "mine" },
    config: { "app/prod": { "app:password": "stand-in" } },
  });
});
