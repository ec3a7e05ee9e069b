/** What can go wrong at each place of a plan, and what is well. */
import { describe, expect, it } from "vitest";
import { impatientPlan } from "../../src/evo/rehearsal.js";
import { compile } from "../../src/plan/compile.js";
import { asTheyBegin, type Cell, cellsOf, chooseCells } from "../../src/rehearse/cells.js";
import { type CellSeen, judgeCell } from "../../src/rehearse/results.js";
import type { Gate, Sequence } from "../../src/sequence/model.js";
import { type Matrix, matrixJson, matrixLines } from "../../src/views/matrix.js";
import { gate } from "../plan/sequences.js";

const regional = (name: string, more: Partial<Gate> = {}): Gate => ({
  ...gate(name),
  targets: ["east", "west"].map((target) => ({ name: target, probe: { type: "command", command: ["true"] } })),
  ...more,
});
const SEQUENCE: Sequence = {
  version: 1,
  name: "s",
  steps: [
    { kind: "up", name: "a", dir: "a", stack: "dev", convergedWhen: [gate("live"), gate("watched", 1_000)] },
    {
      kind: "lockstep",
      name: "pair",
      members: ["b", "c"].map((name) => ({ kind: "up", name, dir: name, stack: "dev", convergedWhen: [gate("own")] })),
      convergedWhen: [regional("arrived"), { ...regional("tried"), dryRun: true }],
    },
    { kind: "up", name: "d", dir: "d", stack: "dev", retry: { attempts: 2, backoff: 60_000 } },
  ],
  consistentWhen: [gate("end")],
};

describe("cells", () => {
  const cells = cellsOf(compile(SEQUENCE));
  const arrivals = (place: string) => ["never", "slowly", "briefly"].map((fault) => `${place}=${fault}`);

  it("are every step's failure, and every target of what was declared on a step or group, once", () => {
    expect(cells.map(({ id }) => id).sort()).toEqual(
      [
        ...["a", "b", "c", "d"].map((step) => `${step}=fails`),
        ...["a/t", "b/t", "c/t", "pair/east", "pair/west"].flatMap(arrivals),
      ].sort(),
    );
  });

  it("begin in plan order, a group's boundary after its members have been applied", () => {
    const order = asTheyBegin(cells, compile(SEQUENCE)).map(({ node, target }) =>
      target === undefined ? node : `${node}/`,
    );
    expect([...new Set(order)]).toEqual(["a", "a/", "b", "b/", "c", "pair/", "c/", "d"]);
  });

  it("leave people's words out: nothing propagates to them", () => {
    const told: Gate = {
      name: "told",
      targets: [{ name: "team", probe: { type: "acknowledged", by: ["@team"], what: "it is so" } }],
    };
    const [first] = SEQUENCE.steps;
    const plan = compile({ ...SEQUENCE, steps: [{ ...first!, convergedWhen: [told] }] });
    expect(cellsOf(plan).map(({ id }) => id)).toEqual(["a=fails"]);
  });

  it("are chosen by place, fault or both", () => {
    const chosen = (text: string) => chooseCells(cells, text).map(({ id }) => id);
    expect(chosen("all")).toHaveLength(cells.length);
    expect(chosen("pair/west=never, d")).toEqual(["pair/west=never", "d=fails"]);
    expect(chosen("pair/west")).toEqual(arrivals("pair/west"));
    expect(chosen("pair=never")).toEqual(["pair/east=never", "pair/west=never"]);
    expect(() => chosen("pair/north=never")).toThrow(/no cell "pair\/north=never"/);
  });
});

describe("a hurried plan", () => {
  const timeouts = (patience: number, policy: Partial<Gate> = {}) => {
    const plan = impatientPlan(
      {
        ...SEQUENCE,
        steps: [{ ...SEQUENCE.steps[0]!, convergedWhen: [gate("g"), { ...gate("h", 1_000), ...policy }] }],
      },
      patience,
    );
    return plan.nodes[0]!.converged[1]!.policy.timeout;
  };

  it("lets no gate wait longer than that, but for what it needs to pass at all", () => {
    expect(timeouts(8_000)).toBe(8_000);
    expect(timeouts(8_000, { timeout: 5_000 })).toBe(5_000);
    expect(timeouts(8_000, { consecutiveSuccessLimit: 11 })).toBe(31_000);
    expect(timeouts(8_000, { stableFor: 4_000, initialDelay: 500 })).toBe(13_500);
  });

  it("says so by its digest, and leaves order and rules alone", () => {
    const [declared, hurried] = [compile(SEQUENCE), impatientPlan(SEQUENCE, 8_000)];
    expect(hurried.digest).not.toBe(declared.digest);
    expect(hurried.edges).toEqual(declared.edges);
    expect(hurried.nodes.at(-1)).toMatchObject({ retry: { attempts: 2, backoff: 8_000 } });
    expect(hurried.consistent[0]!.policy.timeout).toBe(8_000);
  });
});

const CELL: Cell = { id: "pair/west=never", node: "pair", target: "west", fault: "never" };
const WELL: CellSeen = {
  cell: CELL,
  by: "world",
  met: true,
  status: "halted",
  halt: { cause: "gate-timed-out", node: "pair", reason: "west: 403, expected 200" },
  held: false,
  recovery: { sequence: "back", run: "back-1", status: "completed", applied: ["c", "b"], approved: false },
  requests: 400,
  hurt: { east: 0, west: 0 },
  consistent: "yes",
  late: false,
  duration: 12_000,
};

describe("a cell", () => {
  it("is green where its fault was met, nobody was hurt and the end is consistent", () => {
    expect(judgeCell(WELL).red).toEqual([]);
  });

  const { recovery: _, ...unanswered } = WELL;
  it.each<[string, CellSeen, RegExp]>([
    ["that was not reached", { ...WELL, met: false }, /^not reached/],
    ["in which a user was refused", { ...WELL, hurt: { east: 0, west: 3 } }, /^3 of 400 requests .*\(west 3\)/],
    ["whose recovery failed", { ...WELL, consistent: "no" }, /^the recovery back did not make/],
    ["that no recovery answers", { ...unanswered, consistent: "no" }, /^it halted, and no recovery/],
    ["whose end nothing judges", { ...unanswered, status: "completed", consistent: "none" }, /no consistentWhen/],
    ["that took too long", { ...WELL, late: true }, /not end in its time/],
    ["that could not be rehearsed", { ...WELL, met: false, consistent: "no", error: "no engine" }, /^no engine$/],
  ])("%s is red", (_name, seen, why) => {
    const { red } = judgeCell(seen);
    expect(red).toHaveLength(1);
    expect(red[0]).toMatch(why);
  });
});

describe("the matrix", () => {
  const slow: Cell = { ...CELL, id: "pair/west=slowly", fault: "slowly" };
  const { halt: _, recovery: __, ...through } = WELL;
  const matrix: Matrix = {
    sequence: "s",
    results: [
      judgeCell(WELL),
      judgeCell({ ...through, cell: slow, status: "completed", hurt: { east: 0, west: 3 } }),
      judgeCell({ ...WELL, cell: { id: "d=fails", node: "d", fault: "fails" }, met: false }),
    ],
    seed: 1,
    pace: 0.4,
    patience: 10_000,
    cells: 19,
    duration: 61_000,
  };

  it.each([80, 120])("fits into %i columns, and says why a cell is red", (width) => {
    const lines = matrixLines(matrix, width);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    const text = lines.join("\n");
    expect(text).toContain("s: 3 of 19 cells in 1 min 1 s, 2 red");
    expect(text).toMatch(/^pair\/west +✓ recovered +✗ went on$/m);
    expect(text).toMatch(/^d +✗ not met$/m);
    expect(text).toContain("red: 3 of 400 requests of users failed (west 3)");
    expect(text.replace(/\n +/g, " ")).toContain("recovery back: completed, applied c, b; no user hurt (400 requests)");
  });

  it("is data for programs", () => {
    expect(matrixJson(matrix)).toMatchObject({
      schema: "evo.matrix/1",
      results: [
        { outcome: "recovered", green: true, red: [] },
        { outcome: "went on", green: false },
        { outcome: "not met", green: false },
      ],
    });
  });
});
