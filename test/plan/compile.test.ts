import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonical, digest } from "../../src/canonical.js";
import { compile } from "../../src/plan/compile.js";
import type { Edge, NodeId, Plan, PlanNode, StepNode } from "../../src/plan/model.js";
import { type Entry, type Gate, isGroup, type Sequence, type Step } from "../../src/sequence/model.js";
import { gate, sequences } from "./sequences.js";

const up = (name: string, more: Partial<Step> = {}): Step => ({ kind: "up", name, dir: name, stack: "dev", ...more });
const gated = (name: string, interval?: number) => up(name, { convergedWhen: [gate("live", interval)] });
const sequence = (...steps: Entry[]): Sequence => ({ version: 1, name: "s", steps });
const node = (plan: Plan, id: NodeId): PlanNode => plan.nodes.find((one) => one.id === id)!;
const show = ({ from, is, to, before }: Edge) => `${from} ${is} > ${to} ${before}`;
const gateIds = (plan: Plan, id: NodeId) => node(plan, id).converged.map((one) => one.id);

describe("lists", () => {
  it("start each entry after the one before has opened", () => {
    expect(compile(sequence(up("a"), up("b"), up("c"))).edges.map(show)).toEqual([
      "a opened > b start",
      "b opened > c start",
    ]);
  });

  it("give steps their stack, options and rules", () => {
    const step = up("a", { parallel: 3, config: { x: { $env: "X" } }, retry: { attempts: 3, backoff: 10 } });
    expect(node(compile(sequence(step)), "a")).toEqual({
      kind: "step",
      id: "a",
      verb: "up",
      stack: { dir: "a", stack: "dev" },
      options: { parallel: 3, config: { x: { $env: "X" } } },
      onFailure: "retry",
      retry: { attempts: 3, backoff: 10 },
      ready: [],
      converged: [],
      window: 0,
      boundary: "a",
    });
  });

  it("take the sequence's rule where a step or gate has none of its own", () => {
    const plan = compile({ ...sequence(gated("a"), up("b", { onFailure: "halt" })), onFailure: "hold" });
    expect([node(plan, "a"), node(plan, "b")]).toMatchObject([{ onFailure: "hold" }, { onFailure: "halt" }]);
    expect(node(plan, "a").converged[0]?.policy).toMatchObject({
      onFailure: "hold",
      onError: "halt",
      onTimeout: "halt",
    });
  });
});

describe("rules on failure", () => {
  it("are those of the nearest group around a step or gate that says nothing itself", () => {
    const inner: Entry = { kind: "serial", name: "inner", members: [gated("b"), up("c", { onFailure: "hold" })] };
    const plan = compile({
      ...sequence({ kind: "independent", name: "g", onFailure: "continue", members: [gated("a"), inner] }, gated("z")),
      onFailure: "recover",
      recovery: [{ name: "back", when: { at: ["g"] }, sequence: "sequences/back.ts", start: "approved" }],
    });
    const rules = ["a", "b", "c", "z"].map((id) => [id, node(plan, id)]) as [string, StepNode][];
    expect(
      rules.map(([id, step]) => [id, step.onFailure, ...step.converged.map(({ policy }) => policy.onFailure)]),
    ).toEqual([
      ["a", "continue", "continue"],
      ["b", "continue", "continue"],
      ["c", "hold"],
      ["z", "recover", "recover"],
    ]);
    expect(plan.recovery).toEqual([
      { name: "back", when: { at: ["g"] }, sequence: "sequences/back.ts", start: "approved" },
    ]);
  });
});

describe("gates", () => {
  it("have ids, phases and the steps they prove", () => {
    const plan = compile({
      ...sequence(up("a", { readyWhen: [gate("ok")], convergedWhen: [gate("ok")] }), {
        kind: "independent",
        name: "g",
        members: [up("b"), up("c")],
        convergedWhen: [gate("ok")],
      }),
      consistentWhen: [gate("ok")],
    });
    const all = [...plan.nodes.flatMap(({ ready, converged }) => [...ready, ...converged]), ...plan.consistent];
    expect(all.map(({ id, phase, declaredOn, proves }) => [id, phase, declaredOn, proves])).toEqual([
      ["a/ready/ok", "ready", "a", []],
      ["a/ok", "converged", "a", ["a"]],
      ["g/ok", "converged", "g", ["b", "c"]],
      ["sequence/ok", "consistent", "sequence", ["a", "b", "c"]],
    ]);
  });

  it("get every default, and never a look longer than the gate", () => {
    const plan = compile(
      sequence(up("a", { convergedWhen: [gate("x"), { ...gate("y"), timeout: 2_000, quorum: 1 }] })),
    );
    expect(node(plan, "a").converged.map(({ policy }) => policy)).toMatchObject([
      {
        quorum: "all",
        initialDelay: 0,
        interval: 5_000,
        timeout: 600_000,
        requestTimeout: 10_000,
        consecutiveSuccessLimit: 1,
        stableFor: 0,
        dryRun: false,
        onFailure: "halt",
        onError: "halt",
        onInconclusive: "halt",
        onTimeout: "halt",
      },
      { quorum: 1, timeout: 2_000, requestTimeout: 2_000 },
    ]);
  });

  it("of one boundary have a window of twice the longest interval", () => {
    const plan = compile(sequence(up("a", { convergedWhen: [gate("x", 1_000), gate("y", 3_000)] })));
    expect(node(plan, "a").window).toBe(6_000);
  });
});

describe("independent and serial groups", () => {
  it("admit their members and open after them", () => {
    const plan = compile(
      sequence(up("z"), { kind: "independent", name: "g", members: [gated("a"), gated("b")] }, up("c")),
    );
    expect(plan.edges.map(show)).toEqual([
      "z opened > g start",
      "g opened > c start",
      "g admitted > a start",
      "g admitted > b start",
      "a opened > g open",
      "b opened > g open",
    ]);
    expect(gateIds(plan, "a")).toEqual(["a/live"]);
  });

  it("keep their members' order where they are serial, and are called after where they stand", () => {
    const plan = compile(
      sequence(up("z"), { kind: "serial", members: [up("a"), { kind: "serial", members: [up("b")] }] }),
    );
    expect(plan.nodes.map(({ id, parent }) => [id, parent])).toEqual([
      ["z", undefined],
      ["sequence.2", undefined],
      ["a", "sequence.2"],
      ["sequence.2.2", "sequence.2"],
      ["b", "sequence.2.2"],
    ]);
    expect(plan.edges.map(show)).toContain("a opened > sequence.2.2 start");
  });
});

describe("lockstep groups", () => {
  const members = [gated("a", 1_000), gated("b", 4_000)];

  it("are one boundary: gates of members are judged on the group", () => {
    const plan = compile(
      sequence({ kind: "lockstep", name: "l", members, convergedWhen: [gate("all", 2_000)] }, up("z")),
    );
    expect(gateIds(plan, "l").sort()).toEqual(["a/live", "b/live", "l/all"]);
    expect(node(plan, "l")).toMatchObject({ boundary: "l", window: 8_000 });
    expect(node(plan, "a")).toMatchObject({ boundary: "l", converged: [] });
    expect(node(plan, "l").converged.find(({ id }) => id === "b/live")).toMatchObject({
      declaredOn: "b",
      proves: ["b"],
    });
    expect(plan.edges.map(show)).toEqual([
      "l opened > z start",
      "l admitted > a start",
      "l admitted > b start",
      "a applied > l open",
      "b applied > l open",
    ]);
  });

  it("keep a window of their own", () => {
    expect(node(compile(sequence({ kind: "lockstep", name: "l", members, window: 500 })), "l").window).toBe(500);
  });

  it("hoist the end of a serial member and leave what comes before it", () => {
    const serial: Entry = {
      kind: "serial",
      name: "s",
      members: [gated("a"), gated("b")],
      convergedWhen: [gate("own")],
    };
    const plan = compile(sequence({ kind: "lockstep", name: "l", members: [serial, gated("c")] }));
    expect(gateIds(plan, "l").sort()).toEqual(["b/live", "c/live", "s/own"]);
    expect(gateIds(plan, "a")).toEqual(["a/live"]);
    expect(plan.nodes.map(({ id, boundary }) => `${id}:${boundary}`)).toEqual(["l:l", "s:l", "a:a", "b:l", "c:l"]);
    expect(plan.edges.map(show)).toEqual(
      expect.arrayContaining(["a opened > b start", "a opened > s open", "b applied > s open", "s applied > l open"]),
    );
  });

  it("hoist everything of groups that run beside each other, lockstep groups too", () => {
    const inner: Entry = { kind: "lockstep", name: "i", members: [gated("a")], convergedWhen: [gate("own")] };
    const beside: Entry = { kind: "independent", name: "j", members: [gated("b"), gated("c")] };
    const plan = compile(sequence({ kind: "lockstep", name: "l", members: [inner, beside] }));
    expect(gateIds(plan, "l").sort()).toEqual(["a/live", "b/live", "c/live", "i/own"]);
    expect(new Set(plan.nodes.map(({ boundary }) => boundary))).toEqual(new Set(["l"]));
  });
});

describe("every plan", () => {
  const holds = (property: (plan: Plan, from: Sequence) => void) =>
    fc.assert(
      fc.property(sequences, (from) => property(compile(from), from)),
      { numRuns: 100 },
    );

  it("has a digest over all the rest, the same each time", () => {
    holds((plan, from) => {
      const { digest: own, ...rest } = plan;
      expect(own).toBe(digest(rest));
      expect(canonical(compile(structuredClone(from)))).toBe(canonical(plan));
    });
  });

  it("has distinct nodes and gates, and edges between nodes that it has", () => {
    holds((plan) => {
      const ids = plan.nodes.map(({ id }) => id);
      const gates = [...plan.nodes.flatMap(({ ready, converged }) => [...ready, ...converged]), ...plan.consistent];
      expect(new Set(ids).size).toBe(ids.length);
      expect(new Set(gates.map(({ id }) => id)).size).toBe(gates.length);
      for (const { from, to } of plan.edges) expect([ids.includes(from), ids.includes(to)]).toEqual([true, true]);
    });
  });

  it("can be run to its end: no edge waits for itself", () => {
    holds((plan) => {
      expect(runThrough(plan)).toEqual({
        applied: new Set(plan.nodes.filter(({ kind }) => kind === "step").map(({ id }) => id)),
        opened: new Set(plan.nodes.filter(({ id, boundary }) => id === boundary).map(({ id }) => id)),
      });
    });
  });

  it("lets an entry start only after the boundary before it, and a top node is its own boundary", () => {
    holds((plan, from) => {
      const roots = plan.nodes.filter(({ parent }) => parent === undefined).map(({ id }) => id);
      expect(roots).toHaveLength(from.steps.length);
      for (const [at, id] of roots.entries()) {
        expect(node(plan, id).boundary).toBe(id);
        if (at > 0) expect(plan.edges).toContainEqual({ from: roots[at - 1], is: "opened", to: id, before: "start" });
      }
    });
  });

  it("waits only for openings that happen: of nodes that are their own boundary", () => {
    holds((plan) => {
      for (const edge of plan.edges.filter(({ is }) => is === "opened"))
        expect(node(plan, edge.from).boundary).toBe(edge.from);
    });
  });

  it("loses and doubles no gate by hoisting", () => {
    holds((plan, from) => {
      const declared = from.steps.flatMap(gatesBelow).length;
      const judged = plan.nodes.flatMap(({ converged }) => converged);
      expect(judged).toHaveLength(declared);
      for (const { converged, id } of plan.nodes)
        for (const { declaredOn } of converged) expect(node(plan, declaredOn).boundary).toBe(id);
    });
  });
});

function gatesBelow(entry: Entry): readonly Gate[] {
  return [...(entry.convergedWhen ?? []), ...(isGroup(entry) ? entry.members.flatMap(gatesBelow) : [])];
}

/** Starts and opens whatever the edges allow, until nothing more happens; gates always hold. */
function runThrough(plan: Plan): { applied: Set<NodeId>; opened: Set<NodeId> } {
  const admitted = new Set<NodeId>();
  const applied = new Set<NodeId>();
  const opened = new Set<NodeId>();
  const isApplied = (id: NodeId): boolean => {
    const one = node(plan, id);
    return one.kind === "group" ? one.members.every(isApplied) : applied.has(id);
  };
  const came = ({ from, is }: Edge) =>
    is === "applied" ? isApplied(from) : (is === "opened" ? opened : admitted).has(from);
  const free = (id: NodeId, before: Edge["before"]) =>
    plan.edges.filter((edge) => edge.to === id && edge.before === before).every(came);
  for (let before = -1; before < admitted.size + opened.size; ) {
    before = admitted.size + opened.size;
    for (const { id, kind, boundary } of plan.nodes) {
      if (free(id, "start")) admitted.add(id);
      if (kind === "step" && admitted.has(id)) applied.add(id);
      if (boundary === id && isApplied(id) && free(id, "open")) opened.add(id);
    }
  }
  return { applied, opened };
}
