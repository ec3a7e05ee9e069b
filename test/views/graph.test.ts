import { describe, expect, it } from "vitest";
import { compile } from "../../src/plan/compile.js";
import type { Gate, Sequence } from "../../src/sequence/model.js";
import { graphDot, graphMermaid, graphText } from "../../src/views/graph.js";
import { graphSvg } from "../../src/views/graph-svg.js";

const canary: Gate = {
  name: "canary",
  interval: 1_000,
  consecutiveSuccessLimit: 3,
  targets: ["us", "eu"].map((name) => ({ name, probe: { type: "settled", step: "a" } })),
};
const step = (name: string) => ({ kind: "up" as const, name, dir: `stacks/${name}`, stack: "dev" });

const PLAN = compile({
  version: 1,
  name: "rollout",
  steps: [
    { ...step("a"), convergedWhen: [canary] },
    {
      kind: "lockstep",
      name: "regions",
      members: [step("us"), { kind: "serial", members: [step("eu-1"), step("eu-2")] }],
    },
  ],
  consistentWhen: [{ ...canary, name: "end" }],
} satisfies Sequence);

describe("a graph", () => {
  it("as text shows the order downwards and what stands side by side", () => {
    expect(graphText(PLAN).join("\n")).toBe(
      `rollout
▼
● a
    up stacks/a · dev
  ◇ canary: 2 targets, every 1s, 3 in a row
▼
○ lockstep regions
  ║ ● us
  ║     up stacks/us · dev
  ║ ○ serial regions.2
  ║   ● eu-1
  ║       up stacks/eu-1 · dev
  ║   ▼
  ║   ● eu-2
  ║       up stacks/eu-2 · dev
▼
consistent when
  ◇ end: 2 targets, every 1s, 3 in a row`,
    );
  });

  it("as Mermaid joins what waits, and every group is closed", () => {
    const lines = graphMermaid(PLAN);
    expect(lines.filter((line) => line.includes("-->"))).toEqual(["  n0 --> n1", "  n4 --> n5", "  n1 --> consistent"]);
    expect(lines.filter((line) => /^\s*subgraph/.test(line))).toHaveLength(
      lines.filter((line) => /^\s*end$/.test(line)).length,
    );
  });

  it("as dot clips arrows at groups", () => {
    expect(graphDot(PLAN)).toContain('  "a" -> "us" [lhead="cluster_regions"];');
    expect(graphDot(PLAN).at(-1)).toBe("}");
  });

  it("as SVG has a box for every node, none outside of the picture", () => {
    const svg = graphSvg({ ...PLAN, sequence: { ...PLAN.sequence, name: "a<b" } }).join("\n");
    expect(svg).toContain("a&lt;b");
    const size = (name: string) => Number(new RegExp(`^<svg[^>]* ${name}="(\\d+)"`).exec(svg)?.[1]);
    const boxes = [...svg.matchAll(/<rect class="\w+" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)];
    expect(boxes).toHaveLength(PLAN.nodes.length + 2);
    for (const [, x, y, width, height] of boxes.map((box) => box.map(Number))) {
      expect(x! + width!).toBeLessThanOrEqual(size("width"));
      expect(y! + height!).toBeLessThanOrEqual(size("height"));
    }
  });
});
