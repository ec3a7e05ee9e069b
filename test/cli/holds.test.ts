/** When a held run explains itself: after a minute, once, and not where it went on before. */
import { expect, it } from "vitest";
import { explainingHolds } from "../../src/cli/holds.js";
import type { OpenLedger } from "../../src/ledger/index.js";
import type { RunEvent } from "../../src/run/events.js";
import type { Entry, News } from "../../src/run/ports.js";

/** Timers that the test fires, and how often the ledger was asked for the run. */
function watching(options: { readonly json?: boolean } = {}) {
  const timers = new Map<number, () => void>();
  const asked: string[] = [];
  const load = async (run: string) => {
    asked.push(run);
    throw new Error("the ledger is away");
  };
  let count = 0;
  const after = (milliseconds: number, call: () => void) => {
    const id = milliseconds + count++;
    timers.set(id, call);
    return () => void timers.delete(id);
  };
  const heard: string[] = [];
  const plain = { tell: (news: News) => void heard.push(news.kind), close: () => void heard.push("closed") };
  const teller = explainingHolds(plain, { load } as unknown as OpenLedger, "run", options, after);
  const note = (event: RunEvent) => teller.tell({ kind: "recorded", entry: {} as Entry, event });
  return { teller, note, timers, asked, heard };
}

const held = (gate: string): RunEvent => ({ type: "run.held", at: 0, node: "n", gate, reason: "late" });

it("waits a minute for each hold, and forgets one whose gate passes or is overridden", () => {
  const { note, timers, teller, asked, heard } = watching();
  note(held("n/a"));
  note(held("n/b"));
  note(held("n/b"));
  expect([...timers.keys()].map((at) => Math.floor(at / 1_000))).toEqual([60, 60]);
  note({ type: "gate.passed", at: 1, gate: "n/a", operations: [], targets: [], samples: [] });
  expect(timers.size).toBe(1);
  for (const fire of timers.values()) fire();
  expect(asked).toEqual(["run"]);
  teller.close();
  expect(timers.size).toBe(0);
  expect(heard).toEqual(["recorded", "recorded", "recorded", "recorded", "closed"]);
});

it("leaves programs alone", () => {
  const { note, timers } = watching({ json: true });
  note(held("n/a"));
  expect(timers.size).toBe(0);
});
