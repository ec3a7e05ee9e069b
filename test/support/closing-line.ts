/** A reporter that ends a run with one plain line, `N passed, N failed`, and adds the counts to a file for `.ci/run`. */
import { appendFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[stateOf(test.result().state)] += 1;
      counts.failed += module.errors().length;
    }
    const file = process.env.EVO_TEST_COUNTS;
    if (file !== undefined) appendFileSync(file, `${JSON.stringify(counts)}\n`);
    const skipped = counts.skipped === 0 ? "" : `, ${counts.skipped} skipped`;
    console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
  }
}

/** A test that did not come to an end has not passed. */
function stateOf(state: string): "passed" | "failed" | "skipped" {
  if (state === "passed" || state === "skipped") return state;
  return "failed";
}
