/** Files that take minutes begin first, so that none is left to run alone at the end; vitest knows only their sizes. */
import { BaseSequencer, type TestSpecification } from "vitest/node";

const LONG = [
  "faults/failpoints",
  "proof/rollout",
  "faults/processes",
  "executor/language-host",
  "faults/ledger",
  "foreign/foreign",
  "proof/recovery",
  "cli/earlier",
].map((name) => `/test/${name}.engine.test.ts`);

function rank({ moduleId }: TestSpecification): number {
  const at = LONG.findIndex((name) => moduleId.endsWith(name));
  return at < 0 ? LONG.length : at;
}

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}
