import { describe, expect, it } from "vitest";
import { compile } from "../../src/plan/compile.js";
import { acknowledged, approved, defineSequence, gate, independent, serial, up } from "../../src/sequence/builders.js";
import type { AuthoredEntry, AuthoredGate, SequenceSpec } from "../../src/sequence/model.js";
import { parseSequence } from "../../src/sequence/parse.js";
import { http } from "../../src/sequence/probes.js";

const step = (name: string, spec: Partial<Parameters<typeof up>[1]> = {}) =>
  up(name, { dir: name, stack: "dev", ...spec });
const parsed = (steps: readonly AuthoredEntry[], more: Partial<SequenceSpec> = {}) =>
  parseSequence(defineSequence({ name: "s", steps, ...more }));
const problems = (...given: Parameters<typeof parsed>) =>
  parsed(...given).findings.map(({ code, message }) => `${code} ${message}`);

describe("a gate that asks people", () => {
  it("takes one line, and holds instead of timing out", () => {
    const { sequence, findings } = parsed([step("a", { readyWhen: [approved({ by: "@access" })] })]);
    expect(findings).toEqual([]);
    const [ready] = compile(sequence!).nodes[0]!.ready;
    expect(ready).toMatchObject({
      id: "a/ready/approved",
      targets: [{ probe: { type: "approved", by: ["@access"], count: 1, expires: 86_400_000 } }],
      policy: { interval: 1_000, timeout: 86_400_000, onTimeout: "hold", failureLimit: 1, onFailure: "halt" },
    });
  });

  it("keeps what its author says of the policy", () => {
    const asks = acknowledged({
      by: "@oncall",
      what: "quiet",
      targets: ["eu", "us"],
      quorum: "any",
      onFailure: "hold",
    });
    const { sequence } = parsed([step("a", { convergedWhen: [asks] })]);
    const [converged] = compile(sequence!).nodes[0]!.converged;
    expect(converged?.targets.map(({ name }) => name)).toEqual(["eu", "us"]);
    expect(converged?.policy).toMatchObject({ quorum: "any", onFailure: "hold", onTimeout: "hold" });
  });

  const look = gate("mixed", { targets: ["eu"], probe: http({ url: "http://localhost/" }) });
  const mixed: AuthoredGate = { ...look, targets: [...look.targets, ...acknowledged({ by: "@x", what: "y" }).targets] };
  const twice: AuthoredGate = {
    ...look,
    targets: ["eu", "us"].map((name) => ({ name, probe: { type: "approved", by: "@x" } })),
  };
  const grouped = (...members: readonly AuthoredEntry[]) =>
    independent("g", { readyWhen: [approved({ by: "@x" })], members });

  it.each<[string, Parameters<typeof parsed>, string]>([
    [
      "two on one boundary without names",
      [[step("a", { readyWhen: [approved({ by: "@x" }), approved({ by: "@y" })] })]],
      'sequence.duplicate-gate Step "a" has two gates with the name "approved" in readyWhen.',
    ],
    [
      "mixed with a look",
      [[step("a", { readyWhen: [mixed] })]],
      'sequence.mixed-gate Gate "mixed" of step "a" mixes what people say with something else.',
    ],
    [
      "at the end of the run",
      [[step("a")], { consistentWhen: [acknowledged({ by: "@x", what: "all is well" })] }],
      'sequence.word-at-the-end Gate "acknowledged" of the sequence asks people whether the end is consistent, which is the live system\'s to say.',
    ],
    [
      "of fewer than it needs",
      [[step("a", { readyWhen: [approved({ by: ["alice", "bob"], count: 3 })] })]],
      'sequence.impossible-gate Gate "approved" of step "a" can never pass: it needs 3 approvals and names 2 actors.',
    ],
    [
      "at several targets",
      [[step("a", { readyWhen: [twice] })]],
      'sequence.approval-targets Gate "mixed" of step "a" asks for one approval at several targets.',
    ],
    [
      "to approve steps that follow each other",
      [[grouped(step("a"), serial("list", { members: [step("b"), step("c")] }))]],
      'sequence.unbindable-approval Gate "approved" of independent "g" would approve steps that follow each other: what a later one does can\'t be shown before the earlier one is done.',
    ],
  ])("%s is refused", (_, given, problem) => {
    expect(problems(...given)).toEqual([problem]);
  });

  it("may approve a group as a whole, or ask after steps that follow each other", () => {
    expect(problems([grouped(step("a"), step("b"))])).toEqual([]);
    const after = serial("list", { members: [step("b"), step("c")], convergedWhen: [approved({ by: "@x" })] });
    expect(problems([after])).toEqual([]);
  });

  it.each<[string, object, string]>([
    ["nobody", { type: "approved", by: [] }, "expected somebody"],
    ["no approval", { type: "approved", by: "@x", count: 0 }, "expected at least 1"],
    ["no time", { type: "approved", by: "@x", expires: 0 }, "expected more than 0"],
    ["nothing", { type: "acknowledged", by: "@x", what: "" }, "expected a text that is not empty"],
  ])("for %s is refused by the schema", (_, probe, expected) => {
    const asks = { name: "asks", targets: [{ name: "here", probe }] } as unknown as AuthoredGate;
    expect(problems([step("a", { readyWhen: [asks] })]).join()).toContain(expected);
  });
});
