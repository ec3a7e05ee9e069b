import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lint } from "../../src/authoring/lint.js";
import { findProjects } from "../../src/authoring/projects.js";
import { propose } from "../../src/authoring/propose.js";
import { toJson, toTypeScript } from "../../src/authoring/write-sequence.js";
import { compile } from "../../src/plan/compile.js";
import { loadSequence } from "../../src/sequence/load.js";
import { graphText } from "../../src/views/graph.js";
import { folderWith } from "../sequence/folder.js";

interface Given {
  readonly [project: string]: { readonly refers?: readonly string[]; readonly stacks?: readonly string[] };
}

function repository(given: Given): string {
  const files = Object.entries(given).flatMap(([name, { refers = [], stacks = ["dev"] }]) => [
    [`infra/${name}/Pulumi.yaml`, `name: ${name}\nruntime: nodejs\n`],
    [`infra/${name}/index.ts`, refers.map((to) => `new pulumi.StackReference(\`\${org}/${to}\`);\n`).join("")],
    ...stacks.map((stack) => [`infra/${name}/Pulumi.${stack}.yaml`, "config: {}\n"]),
  ]);
  return folderWith(Object.fromEntries(files));
}

/** The order of what is proposed, after it was written, loaded, and found right by lint. */
async function orderOf(given: Given, stack?: string, json = false) {
  const root = repository(given);
  const { sequence, notes, unknown } = propose(findProjects(root), "rollout", stack);
  const folder = join(root, "sequences");
  mkdirSync(folder);
  const file = join(folder, `rollout.${json ? "json" : "ts"}`);
  writeFileSync(file, json ? toJson(sequence, folder, join(root, "schema.json")) : toTypeScript(sequence, folder));
  const loaded = await loadSequence(file, root);
  const { findings } = lint(loaded.sequence, loaded.root);
  const graph = graphText(compile(loaded.sequence))
    .filter((line) => !/·|◇/.test(line))
    .slice(2);
  return {
    graph: graph.join("\n"),
    notes,
    unknown: unknown.map(({ step }) => step),
    findings: findings.map(({ code }) => code),
    file,
  };
}

const DEV = "${pulumi.getStack()}";

describe("propose", () => {
  it("puts the two that refer to the third behind it, beside each other", async () => {
    const three = { app: { refers: [`network/${DEV}`] }, data: { refers: [`network/${DEV}`] }, network: {} };
    const { graph, findings, file } = await orderOf(three);
    expect(graph).toBe("● network\n▼\n○ independent tier-1\n  ║ ● app\n  ║ ● data");
    expect(findings).toEqual([]);
    expect(readFileSync(file, "utf8")).toContain('dir: "../infra/network"');
    expect((await orderOf(three, undefined, true)).graph).toBe(graph);
  });

  it("lets what has nothing to do with each other not wait", async () => {
    const { graph, findings } = await orderOf({ a: {}, b: { refers: [`a/${DEV}`] }, c: {}, "d.e": {} });
    expect(graph).toBe("○ independent all\n  ║ ○ serial all.1\n  ║   ● a\n  ║   ▼\n  ║   ● b\n  ║ ● c\n  ║ ● d-e");
    expect(findings).toEqual([]);
  });

  it("takes the stacks of every region, and makes those that nobody has made", async () => {
    const { graph } = await orderOf(
      {
        base: { stacks: ["prod", "dev"] },
        edge: { refers: ["base/prod"], stacks: ["prod-eu", "prod-us", "dev"] },
        fresh: { refers: [`base/${DEV}`], stacks: [] },
      },
      "prod",
    );
    expect(graph).toBe("● base\n▼\n○ independent tier-1\n  ║ ● edge-prod-eu\n  ║ ● edge-prod-us\n  ║ ● fresh");
  });

  it("says what it could not decide", async () => {
    const { notes, unknown } = await orderOf({
      a: { refers: [`b/${DEV}`] },
      b: { refers: [`a/${DEV}`] },
      other: { stacks: ["x", "y"] },
      guess: { refers: ["${name()}"] },
    });
    expect(notes).toEqual([
      "Project other is left out: none of its stacks (x, y) is dev.",
      "These refer to each other, so no order serves all: a, b.",
    ]);
    expect(unknown).toEqual(["guess"]);
  });
});
