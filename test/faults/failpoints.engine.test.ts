/** SIGKILL at every failpoint: whatever evo was about to do or had just done, a resume brings the run home, once. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FAILPOINTS } from "../../src/evo/failpoints.js";
import { type Evo, openEvo } from "../support/evo.js";
import { bringHome, demandChain, demandOrder, makeCase } from "./support.js";

let evo: Evo;
beforeAll(async () => {
  evo = await openEvo();
  evo.switchProject("s");
});
afterAll(() => evo.close());

/** What a run without a fault and without an approval never calls: there evo must come to the end by itself. */
const UNREACHED = /^(ledger\.takeOver|ledger\.load|ledger\.sampled|executor\.(preview|refuse|cancel))\./;

describe("SIGKILL", () => {
  it.each(FAILPOINTS)("at %s", async (failpoint) => {
    const one = makeCase(evo, failpoint.toLowerCase().replaceAll(".", "-"));
    const { code, stderr } = await evo.run(["up", one.name], {
      env: { ...one.env, EVO_FAILPOINT: `${failpoint}:kill` },
    });
    if (UNREACHED.test(failpoint) && code !== null) expect(code, stderr).toBe(0);
    else expect(code, stderr).toBeNull();
    await bringHome(evo, one);
    await demandOrder(evo, one);
  });

  it("at any of them leaves a chain that verifies", () => demandChain(evo));
});
