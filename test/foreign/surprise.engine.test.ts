/** No surprise destruction (invariant 10), through `evo up`: refused with the reason, halted, and gone on with once corrected. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Evo, openEvo } from "../support/evo.js";
import type { State } from "./comparing.js";
import type { Drive } from "./driving.js";
import { make, type Story, SURPRISES, type Surprise, tell } from "./surprises.js";

let evo: Evo;
let made: Drive;
const stories: { [name: string]: Story } = {};

beforeAll(async () => {
  evo = await openEvo();
  made = await make(evo);
  const lanes = [SURPRISES.slice(0, 2), SURPRISES.slice(2)];
  const walk = async (lane: readonly Surprise[]) => {
    for (const surprise of lane) stories[surprise.name] = await tell(evo, surprise);
  };
  await Promise.all(lanes.map(walk));
}, 600_000);
afterAll(() => evo.close());

const told = (name: string): Story => stories[name] as Story;
const ids = ({ resources }: State) => resources.map(({ urn, id }) => `${urn} ${id}`);

describe.each(SURPRISES)("a program that $what", ({ name, reason, early, does }) => {
  it("is refused: the reason is said and recorded, the run halts, exit 2", () => {
    expect(made.code, made.stderr).toBe(0);
    const { code, stderr, stdout, outcomes, refusals, halted } = told(name).refused;
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(reason);
    expect(stdout).toMatch(reason);
    expect(outcomes[name]).toMatchObject({ type: "operation.failed", how: "refused" });
    expect(outcomes[name]?.reason).toMatch(reason);
    expect(halted).toMatchObject([{ cause: "operation-refused", node: name, reason: outcomes[name]?.reason }]);
    // What a preview can tell is told by the preview, before its update has begun.
    expect(refusals).toEqual({ [name]: early ? outcomes[name]?.reason : undefined });
  });

  it("destroys nothing: every resource is in the state, and its provider was asked to delete none", () => {
    const { before, kept } = told(name);
    expect(before.resources).toHaveLength(4);
    expect(kept.effects).toEqual(does);
    expect(ids(kept.state)).toEqual(expect.arrayContaining(ids(before)));
    if (does.length === 0) expect(kept.state).toEqual(before);
  });

  it("can be corrected: resumed unsigned it halts again, exit 3; signed for, the run completes", () => {
    const { before, unsigned, resumed, corrected } = told(name);
    expect(unsigned.code, unsigned.stderr).toBe(3);
    expect(unsigned.halted.at(-1)).toMatchObject({ cause: "sources-changed", node: name });
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.resumed.at(-1)).toMatchObject({ reason: "the program is corrected", acceptChangedCode: true });
    expect(resumed.outcomes[name]).toMatchObject({ type: "operation.succeeded" });
    expect(corrected.state.resources).toEqual(before.resources);
    if (does.length === 0) expect(corrected.effects).toEqual([]);
  });

  it("does destroy under a plain `pulumi up`", () => {
    expect(told(name).plain).toContain("delete b");
  });
});
